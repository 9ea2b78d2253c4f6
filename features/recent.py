"""Recent: a customer's latest purchase days one by one, newest first."""

from typing import Any

import ibis

from features.exact import deviation, money, share
from features.family import Expressions, Family, Feature

ORDINALS = {2: "second", 3: "third", 4: "fourth", 5: "fifth", 8: "eighth"}
"""Places from the end of the history whose age is a feature, and their names."""
OVER_RECENCY = (3, 5)
LATEST_GAPS, MEAN_GAPS, MEAN_DAYS = 5, 3, 3
"""How many of the latest gaps and days at most are behind the spread, the mean gap and the mean spend."""
DAY = "struct<age: int32, gap: int32, net: int64>"
REASONS = {3: "last three purchase days within {age_3:.0f} days"}

FEATURES = (
    *(
        Feature(f"age_{k}", "days", f"Days since the {ordinal} last purchase day.", REASONS.get(k))
        for k, ordinal in ORDINALS.items()
    ),
    *(
        Feature(f"age_{k}_ratio", "ratio", f"Days since the {ORDINALS[k]} last purchase day over the recency.")
        for k in OVER_RECENCY
    ),
    Feature("gap_recent_sd", "days", "Standard deviation of the last five gaps, or of as many as there are."),
    Feature(
        "gap_recent_mean",
        "days",
        "Mean of the last three gaps, or of as many as there are.",
        "lately orders every {gap_recent_mean:.0f} days",
    ),
    Feature(
        "monetary_recent",
        "money",
        "Mean net spend of the last three purchase days, or of as many as there are.",
        "lately {monetary_recent:,.2f} a purchase day",
    ),
)


def aggregates(known: Any, window: int) -> Expressions:
    """Return the purchase days as an array of `age`, `gap` and `net`, newest first."""
    # No two days of a customer have the same age, so the order of rows cannot show. Small whole numbers keep it small.
    day = ibis.struct({"age": known.age.cast("int32"), "gap": known.gap_days.cast("int32"), "net": known.net})
    return {"_purchases": day.collect(where=known.purchase).sort()}


def ratios(customers: Any, window: int) -> Expressions:
    """Return the features that count purchase days, gaps and money from the newest on."""
    ages = {k: _latest(customers, k).age.cast("float64") for k in ORDINALS}
    gaps = customers.purchase_days - 1.0
    latest = [_latest(customers, k).gap.cast("float64") for k in range(1, LATEST_GAPS + 1)]
    nets = [_latest(customers, k).net for k in range(1, MEAN_DAYS + 1)]
    squares = _sum([gap * gap for gap in latest])
    return {
        **{f"age_{k}": age for k, age in ages.items()},
        **{f"age_{k}_ratio": ages[k] / (customers.recency_days + 1.0) for k in OVER_RECENCY},
        "gap_recent_sd": deviation(squares, _sum(latest), ibis.least(gaps, float(LATEST_GAPS))),
        "gap_recent_mean": share(_sum(latest[:MEAN_GAPS]), ibis.least(gaps, float(MEAN_GAPS))),
        "monetary_recent": money(_sum(nets)) / ibis.least(customers.purchase_days, float(MEAN_DAYS)),
    }


def _latest(customers: Any, k: int) -> Any:
    """Return the k-th last purchase day, null where there are fewer."""
    # Some engines refuse a place that an array does not have.
    return (customers.purchase_days >= k).ifelse(customers._purchases[k - 1], ibis.null(DAY))


def _sum(values: list[Any]) -> Any:
    known = [value.fill_null(0) for value in values]
    return sum(known[1:], start=known[0])


FAMILY = Family("recent", FEATURES, aggregates, ratios)
