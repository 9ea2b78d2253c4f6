"""Attributes: what the optional customers table says of a customer, numeric or categorical."""

from collections.abc import Collection
from typing import Any

from features.families.family import Feature

NAME = "attributes"
RESERVED = ("as_of", "net_spend", "outcome_days", "churned")
MODEL_PREFIX = "btyd_"
"""Names beside those of the features that no attribute may take: keys, outcomes, and what a model adds."""


def features(customers: Any) -> tuple[Feature, ...]:
    """Return the catalogue entries of a customers table: every column but `customer_id`."""
    return tuple(
        Feature(name, "level", f"Attribute {name} of the customers table.")
        for name in customers.columns
        if name != "customer_id"
    )


def typed(customers: Any, as_they_are: Collection[str] = ()) -> Any:
    """Return a customers table whose text columns that hold nothing but numbers are float64, but for `as_they_are`.

    Files such as CSV hold everything as text. A column in which a number has a leading zero or plus, such as a postcode
    or a number to call, stays text.
    """
    stay = {"customer_id", *as_they_are}
    texts = [name for name in customers.columns if name not in stay and customers[name].type().is_string()]
    if not texts:
        return customers
    odd = {name: (customers[name].notnull() & ~_is_number(customers[name])).sum().fill_null(0) for name in texts}
    found = customers.aggregate(**odd).to_pyarrow().to_pylist()[0]
    return customers.mutate(**{name: customers[name].try_cast("float64") for name in texts if not found[name]})


def _is_number(text: Any) -> Any:
    return text.try_cast("float64").notnull() & ~text.re_search(r"^\s*(\+|-?0[0-9])")


def join_attributes(snapshot: Any, customers: Any) -> Any:
    """Add a customer's attributes to a snapshot: numbers and truths as float64, everything else as text.

    Attributes carry no date: they are taken as they stand, for training as for scoring, so a column that changes
    after a purchase (such as a loyalty status) leaks what it knows.
    """
    typed = customers.mutate(**{name: _value(customers[name]) for name in customers.columns if name != "customer_id"})
    return snapshot.left_join(typed, "customer_id").drop("customer_id_right")


def _value(column: Any) -> Any:
    kind = column.type()
    return column.cast("float64") if kind.is_numeric() or kind.is_boolean() else column.cast("string")
