"""Recency, frequency and monetary scores from 1 (worst) to 5 (best), by rank among all customers."""

import ibis
from ibis.expr import types as ir

BEST_SCORE = 5


def rfm_scores(customers: ir.Table) -> dict[str, ir.Value]:
    """Return the three scores of every customer, to be given to `customers.mutate(**…)`.

    A score is 1 + floor(5 · share of all customers who are strictly worse), so customers who are alike always share a
    score, and one-time buyers are at 1 however many they are. A null is worse than any value.

    Parameters
    ----------
    customers
        One row a customer, with `recency_days` (less is better), `frequency` and `monetary` (more is better).

    Returns
    -------
    dict
        `r_score`, `f_score`, `m_score`: int8, 1 to 5.
    """
    return {
        "r_score": _score(ibis.desc(customers.recency_days, nulls_first=True), customers),
        "f_score": _score(ibis.asc(customers.frequency, nulls_first=True), customers),
        "m_score": _score(ibis.asc(customers.monetary, nulls_first=True), customers),
    }


def strictly_worse(from_worst: ir.Value, customers: ir.Table) -> tuple[ir.Value, ir.Value]:
    """Return, for every customer, how many come strictly before in this order, worst first, and how many there are."""
    return ibis.rank().over(order_by=from_worst), customers.count().over(ibis.window())


def _score(from_worst: ir.Value, customers: ir.Table) -> ir.Value:
    worse, everybody = strictly_worse(from_worst, customers)
    # Comparing whole numbers instead of dividing them: no rounding can move a customer across a boundary.
    passed = [(worse * BEST_SCORE >= everybody * step).cast("int8") for step in range(1, BEST_SCORE)]
    return (1 + sum(passed[1:], start=passed[0])).cast("int8")
