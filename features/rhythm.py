"""Rhythm: the gaps between one purchase day and the next, and the present silence measured in them."""

from typing import Any

from features.exact import deviation, share, squares_total, total
from features.family import Expressions, Family, Feature

FEATURES = (
    Feature("gap_mean", "days", "Mean days between purchase days.", "orders every {gap_mean:.0f} days on average"),
    Feature("gap_sd", "days", "Standard deviation of the days between purchase days."),
    Feature("gap_min", "days", "Shortest gap between purchase days."),
    Feature("gap_median", "days", "Median days between purchase days."),
    Feature("gap_max", "days", "Longest gap between purchase days.", "longest time between orders {gap_max:.0f} days"),
    Feature(
        "gap_last",
        "days",
        "Days between the last two purchase days.",
        "{gap_last:.0f} days between the last two orders",
    ),
    Feature(
        "recency_in_gaps",
        "ratio",
        "Recency over the mean gap.",
        "last order {recency_days:.0f} days ago; usually every {gap_mean:.0f} days",
    ),
    Feature("recency_score", "ratio", "Recency beyond the mean gap, in standard deviations of the gaps."),
    Feature(
        "recency_to_longest",
        "ratio",
        "Recency over the longest gap.",
        "last order {recency_days:.0f} days ago; longest pause so far {gap_max:.0f} days",
    ),
    Feature("gap_variation", "ratio", "Standard deviation of the gaps over their mean."),
    Feature(
        "gap_trend",
        "ratio",
        "Last gap over the mean gap.",
        "{gap_last:.0f} days between the last two orders, usually {gap_mean:.0f}",
    ),
    Feature("weekday", "ratio", "Mean weekday of the purchase days, Monday 0 to Sunday 6."),
    Feature(
        "year_end_share",
        "share",
        "Share of the purchase days in November and December.",
        "{year_end_share:.0%} of purchase days in November and December",
    ),
)


def aggregates(known: Any, window: int) -> Expressions:
    """Return the sums over one customer's gaps and calendar days."""
    gap = known.gap_days
    return {
        "_gaps": gap.count(),
        "_gap": total(gap),
        "_gap_squares": squares_total(gap.cast("float64")),
        "gap_min": gap.min().cast("float64"),
        "gap_median": gap.cast("float64").median(),
        "gap_max": gap.max().cast("float64"),
        "gap_last": gap.max(where=known.last).cast("float64"),
        "_weekday": total(known.day.day_of_week.index(), known.purchase),
        "_year_end": total((known.day.month() >= 11).cast("int64"), known.purchase),
    }


def ratios(customers: Any, window: int) -> Expressions:
    """Return the features that measure the present silence in the customer's own gaps."""
    mean = share(customers._gap, customers._gaps)
    spread = deviation(customers._gap_squares, customers._gap, customers._gaps)
    recency = customers.recency_days
    return {
        "gap_mean": mean,
        "gap_sd": spread,
        "recency_in_gaps": recency / (mean + 1.0),
        "recency_score": (recency - mean) / (spread + 1.0),
        "recency_to_longest": recency / (customers.gap_max + 1.0),
        "gap_variation": share(spread, mean),
        "gap_trend": share(customers.gap_last, mean),
        "weekday": share(customers._weekday, customers.purchase_days),
        "year_end_share": share(customers._year_end, customers.purchase_days),
    }


FAMILY = Family("rhythm", FEATURES, aggregates, ratios)
