"""Purchases: the days on which one customer bought or returned something."""

from collections.abc import Mapping
from datetime import date

import pandas as pd
from ibis.expr import types as ir

MONEY_UNIT = 10_000.0
"""Ledgers hold ten-thousandths of the currency."""
REMEMBERED = (
    "expected_spend",
    "expected_spend_low",
    "expected_spend_high",
    "churn_probability",
    "clv",
    "segment",
    "value_tier",
    "r_score",
    "f_score",
    "m_score",
)


def purchases(ledger: ir.Table, customer_id: str, as_of: date) -> pd.DataFrame:
    """Return the days of one customer before an as-of date, oldest first.

    Returns
    -------
    DataFrame
        `day`, `net` and `gross` (money), `orders`.
    """
    own = ledger.filter((ledger.customer_id == customer_id) & (ledger.day < as_of))
    days = own.select("day", "net", "gross", "orders").order_by("day").to_pyarrow().to_pandas()
    money = {name: days[name].astype("float64") / MONEY_UNIT for name in ("net", "gross")}
    return days.assign(**money)


def score_history(scorings: Mapping[date, ir.Table], customer_id: str) -> pd.DataFrame:
    """Return the scores of one customer at each as-of date that knew them, oldest first."""
    found = []
    for as_of, scores in sorted(scorings.items()):
        own = scores.filter(scores.customer_id == customer_id).select(*REMEMBERED).to_pandas()
        found.append(own.assign(as_of=as_of))
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame(columns=["as_of", *REMEMBERED])
