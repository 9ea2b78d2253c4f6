"""Standing: where a customer stands in the own rhythm and among all customers; what the rules of plays compare."""

from typing import Any

import ibis
from ibis.expr import types as ir

from serving.listing.wording import lifetime_words, worded

PERCENTILES = {
    "worth_so_far": (80, 95),
    "monetary": (95,),
    "expected_spend": (20,),
    "churn_probability": (10,),
    "usual_gap_days": (50, 90),
}
"""Which percentiles of all customers stand beside each customer: `worth_so_far_p80` and so on."""

MEANINGS = {
    "usual_gap_days": "mean days between purchase days; null after one",
    "overdue": "recency over the usual gap: 1 is due, 2 is twice as long as usual",
    "due_in_days": "days from the as-of date to the next order date",
    "order_value": "mean net spend a purchase day, times the margin where one is known, at least 0",
    "spent_so_far": "net spend until the as-of date, whatever the margin",
    "worth_so_far": "net value until the as-of date: margin where one is known, else net spend",
    "peer_churn": "median churn probability of the customers with the same frequency score",
    "peer_breadth": "median breadth of the customers with the same frequency score",
    "worth_ahead": "the value ahead, in words",
    **{f"{name}_p{p}": f"{p}th percentile of {name}" for name, wanted in PERCENTILES.items() for p in wanted},
}
"""Every column that `standing` adds."""


def standing(values: ir.Table, lifetime_days: float | None = None) -> ir.Table:
    """Return customers with the columns of `MEANINGS`; filters may name them.

    Thresholds are ranks and rhythms, never amounts of money, so that they mean the same in every shop.

    Parameters
    ----------
    values
        Of `serving.economics.customer_values`, all customers: percentiles are of those that are there. `peer_breadth`
        needs a column `breadth` (`serving.listing.breadth`).
    lifetime_days
        How far ahead `clv` counts, for words; None: not known.
    """
    if {*MEANINGS} - {"peer_breadth"} <= set(values.columns):
        return values  # who reads the same customers many times has put them there
    known = values.mutate(**_own(values))
    known = known.mutate(worth_ahead=_worth_ahead(known, lifetime_words(lifetime_days)))
    known = known.mutate(overdue=known.recency_days / known.usual_gap_days.nullif(0.0))
    marks = known.aggregate(
        **{f"{name}_p{p}": known[name].quantile(p / 100) for name, wanted in PERCENTILES.items() for p in wanted}
    )
    medians = {"peer_churn": known.churn_probability.median()}
    if "breadth" in known.columns:
        medians["peer_breadth"] = known.breadth.median()
    peers = known.group_by(_peer=known.f_score).aggregate(**medians)
    return known.cross_join(marks).left_join(peers, known.f_score == peers._peer).drop("_peer")


def _own(values: ir.Table) -> dict[str, Any]:
    gaps = (values.frequency - 1).nullif(0)
    rate = values.margin_rate.fill_null(1.0) if "margin_rate" in values.columns else ibis.literal(1.0)
    spent = (values.monetary * values.frequency).cast("float64")
    worth = spent
    if "historic_value" in values.columns:
        worth = values.historic_value.cast("float64").fill_null(spent)
    return {
        "usual_gap_days": ((values.tenure_days - values.recency_days) / gaps).cast("float64"),
        "due_in_days": values.next_order_date.delta(values.as_of, unit="day").cast("float64"),
        "order_value": ibis.greatest(values.monetary * rate, 0.0),
        "spent_so_far": spent,
        "worth_so_far": worth,
    }


def _worth_ahead(values: ir.Table, lifetime: str) -> Any:
    worth = worded(f"worth a margin of {{clv:money}} over {lifetime}", values)
    revenue = worded(f"expected to spend {{clv:money}} over {lifetime}", values)
    # Revenue is not worth: a margin makes it that.
    return (values.clv_basis == "margin").ifelse(worth, revenue) if "clv_basis" in values.columns else revenue
