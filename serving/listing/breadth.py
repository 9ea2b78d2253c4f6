"""Breadth: from how many categories, or products, each customer has bought so far; what `Grow` compares."""

from typing import Any

import ibis
from ibis.expr import types as ir

from features.daily import VARIETIES

PREFERRED = (VARIETIES["category"], VARIETIES["product_id"])


def with_breadth(values: ir.Table, ledger: Any) -> ir.Table:
    """Return customers with `breadth` and `breadth_of`, where the log had categories or products.

    Categories are taken where anybody has bought from more than one, else products.

    Parameters
    ----------
    values
        Customers, with `customer_id` and `as_of`.
    ledger
        `Store.ledger()`, of the same connection; its days at or after the as-of date are not counted.

    Returns
    -------
    Table
        `values` as they are where the log had neither.
    """
    if {"breadth", "breadth_of"} <= set(values.columns):
        return values  # who reads the same customers many times has put it there
    known = ledger.filter(ledger.day < values.as_of.max().as_scalar())
    for variety in PREFERRED:
        if f"new_{variety}" not in ledger.columns:
            continue
        counts = known.group_by(_customer=known.customer_id).aggregate(
            breadth=known[f"new_{variety}"].sum().cast("float64")
        )
        if variety == PREFERRED[0] and not _varied(counts):
            continue
        joined = values.left_join(counts, values.customer_id == counts._customer).drop("_customer")
        return joined.mutate(breadth_of=ibis.literal(variety))
    return values


def _varied(counts: ir.Table) -> bool:
    most = counts.breadth.max().to_pyarrow().as_py()
    return most is not None and most > 1
