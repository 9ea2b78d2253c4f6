"""Hindsight: what came of an earlier scoring's predictions, once its horizon is over."""

from datetime import date, timedelta

import ibis
import numpy as np
import pandas as pd
from ibis.expr import types as ir

DECILES = 10
MONEY_UNIT = 10_000.0
"""Ledgers hold ten-thousandths of the currency."""


def outcomes(scores: ir.Table, ledger: ir.Table, as_of: date, horizon_days: int) -> ir.Table:
    """Return the predictions of a scoring beside what happened, one row a customer.

    Parameters
    ----------
    scores
        Scores as of `as_of`.
    ledger
        Customer-days, which cover the whole horizon.
    as_of, horizon_days
        The window `[as_of, as_of + horizon_days)`.

    Returns
    -------
    Table
        `expected`, `spent` (net money in the window, not below 0), `churn_probability`, `churned` (no day with a
        purchase), `inside` (spent within the 80 % interval).
    """
    end = as_of + timedelta(days=horizon_days)
    window = ledger.filter((ledger.day >= ibis.literal(as_of)) & (ledger.day < ibis.literal(end)))
    actual = window.group_by(customer=window.customer_id).aggregate(
        net=window.net.sum(), bought=(window.gross > 0).any()
    )
    joined = scores.left_join(actual, scores.customer_id == actual.customer)
    spent = ibis.greatest(joined.net.cast("float64").fill_null(0.0) / MONEY_UNIT, 0.0)
    return joined.select(
        expected=joined.expected_spend,
        spent=spent,
        churn_probability=joined.churn_probability,
        churned=~joined.bought.fill_null(False),
        inside=(spent >= joined.expected_spend_low) & (spent <= joined.expected_spend_high),
    )


def hindsight(outcome: ir.Table) -> dict[str, float]:
    """Sum up the outcomes of a scoring.

    Returns
    -------
    dict
        `customers`; `expected` and `spent` in all; `churn_expected` and `churned`, rates; `coverage` of the 80 %
        interval; `top_decile`, the share of what was spent that the tenth with the highest expectations spent.
    """
    row = outcome.aggregate(
        customers=outcome.count(),
        expected=outcome.expected.sum(),
        spent=outcome.spent.sum(),
        churn_expected=outcome.churn_probability.mean(),
        churned=outcome.churned.cast("float64").mean(),
        coverage=outcome.inside.cast("float64").mean(),
    ).to_pyarrow()
    found: dict[str, float] = row.to_pylist()[0]
    deciles = spend_deciles(outcome)
    total = float(deciles["spent"].sum())
    return found | {"top_decile": float(deciles["spent"].iloc[0]) / total if total > 0 else np.nan}


def spend_deciles(outcome: ir.Table) -> pd.DataFrame:
    """Return `customers`, `expected` and `spent` (sums) by decile of the expectation, 1 the highest."""
    place = ibis.row_number().over(order_by=ibis.desc(outcome.expected))
    decile = place * DECILES // outcome.count().over(ibis.window()) + 1
    ranked = outcome.select(decile=decile, expected=outcome.expected, spent=outcome.spent)
    sums = ranked.group_by("decile").aggregate(
        customers=ranked.count(), expected=ranked.expected.sum(), spent=ranked.spent.sum()
    )
    return sums.order_by("decile").to_pandas()


def churn_deciles(outcome: ir.Table) -> pd.DataFrame:
    """Return `customers`, `expected` and `churned` (rates) by decile of the churn probability, 1 the highest."""
    place = ibis.row_number().over(order_by=ibis.desc(outcome.churn_probability))
    decile = place * DECILES // outcome.count().over(ibis.window()) + 1
    ranked = outcome.select(decile=decile, churn=outcome.churn_probability, churned=outcome.churned.cast("float64"))
    means = ranked.group_by("decile").aggregate(
        customers=ranked.count(), expected=ranked.churn.mean(), churned=ranked.churned.mean()
    )
    return means.order_by("decile").to_pandas()
