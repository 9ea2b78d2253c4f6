"""The headline: what all customers of a scoring are worth, and how much of it is likely to leave."""

from dataclasses import dataclass

import ibis
from ibis.expr import types as ir

LIKELY_TO_LEAVE = 0.5
"""From this churn probability on, a customer is likelier to stay away for the horizon than to buy in it."""


@dataclass(frozen=True)
class Headline:
    """Totals over all customers of one scoring.

    Attributes
    ----------
    customers
        How many there are.
    buyers
        How many of them are expected to buy within the horizon.
    expected_spend
        What they are expected to spend within the horizon.
    value
        The sum of `clv`.
    at_risk, value_at_risk
        How many are likelier to stay away for the horizon than to buy in it, and the sum of their `clv`.
    """

    customers: int
    buyers: float
    expected_spend: float
    value: float
    at_risk: int
    value_at_risk: float


def headline(values: ir.Table) -> Headline:
    """Sum up a scoring, one row a customer."""
    leaving = values.churn_probability >= LIKELY_TO_LEAVE
    row = values.aggregate(
        customers=values.count(),
        buyers=(1.0 - values.churn_probability).sum(),
        expected_spend=values.expected_spend.sum(),
        value=values.clv.sum(),
        at_risk=ibis.ifelse(leaving, 1, 0).sum(),
        value_at_risk=values.clv.sum(where=leaving),
    ).to_pyarrow()
    found = row.to_pylist()[0]
    return Headline(**{name: found[name] or 0 for name in found})
