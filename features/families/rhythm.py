"""Rhythm: the gaps between one purchase day and the next, and the present silence measured in them."""

from typing import Any

import ibis

from features.exact import WEIGHT_SCALE, deviation, highest, lowest, middle, share, total, whole_millionths
from features.families.family import Expressions, Family, Feature
from features.families.packed import added, bits, only, unpacked

LOG_SPREAD_FLOOR = 0.3
"""Added to the deviation of logarithmic gaps: two equal gaps do not make a clock."""
YEAR_END = 11
"""Month with which the end of the year begins."""
CALENDAR_BITS = 31

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
    Feature(
        "gaps_beyond",
        "count",
        "Past gaps that were longer than the recency.",
        "{gaps_beyond:.0f} earlier pauses were longer than the present one",
    ),
    Feature("gaps_ahead", "count", "Past gaps longer than the recency by no more than the horizon's length."),
    Feature("gap_log_mean", "ratio", "Mean logarithm of one plus the gap."),
    Feature("gap_log_sd", "ratio", "Standard deviation of the logarithm of one plus the gap."),
    Feature("recency_log_score", "ratio", "Logarithm of one plus the recency beyond that of the gaps, in deviations."),
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


@ibis.udf.agg.builtin(name="array_agg", signature=(("int32",), "array<int32>"))  # type: ignore[untyped-decorator,unused-ignore]
def _collected(values):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Return all values, with or without those that are null: leaving them out is dear, and no null is counted."""


def of_days(days: Any) -> Expressions:
    """Return the gap before a purchase day, squared and as a logarithm, and its place in week and year, packed."""
    gap = days.gap_days
    calendar = bits([days.day.day_of_week.index(), days.day.month() >= YEAR_END], CALENDAR_BITS)
    logarithm = whole_millionths((gap.cast("float64") + 1.0).log())
    return {
        # Small numbers keep lists of them small.
        "gap": gap.cast("int32"),
        "gap_squared": gap * gap,
        "gap_log": logarithm,
        "gap_log_squared": logarithm * logarithm,
        "calendar": only(calendar, days.purchase),
    }


def aggregates(known: Any, window: int) -> Expressions:
    """Return the sums over one customer's gaps and calendar days."""
    return {
        "_gap_squares": total(known.gap_squared),
        "_gap_log": total(known.gap_log) / float(WEIGHT_SCALE),
        "_gap_log_squares": total(known.gap_log_squared) / float(WEIGHT_SCALE**2),
        "gap_min": lowest(known.gap),
        "gap_median": middle(known.gap),
        "gap_max": highest(known.gap),
        "gap_last": lowest(known.gap, known.last),
        # Gaps are counted, never looked up by place, so that their order does not matter.
        "_gaps": _collected(known.gap),
        "_calendar": added(known.calendar),
    }


def ratios(customers: Any, window: int) -> Expressions:
    """Return the features that measure the present silence in the customer's own gaps."""
    recency = customers.recency_days
    # The gaps fill the time from the first purchase day to the last.
    gaps, whole = customers.purchase_days - 1.0, customers.tenure_days - recency
    mean, spread = share(whole, gaps), deviation(customers._gap_squares, whole, gaps)
    log_mean = share(customers._gap_log, gaps)
    log_spread = deviation(customers._gap_log_squares, customers._gap_log, gaps)
    beyond = customers._gaps.filter(lambda gap: gap > recency)
    ahead = beyond.filter(lambda gap: gap <= recency + float(window))
    return {
        "gap_mean": mean,
        "gap_sd": spread,
        "recency_in_gaps": recency / (mean + 1.0),
        "recency_score": (recency - mean) / (spread + 1.0),
        "recency_to_longest": recency / (customers.gap_max + 1.0),
        "gaps_beyond": beyond.length().fill_null(0).cast("float64"),
        "gaps_ahead": ahead.length().fill_null(0).cast("float64"),
        "gap_log_mean": log_mean,
        "gap_log_sd": log_spread,
        "recency_log_score": ((recency + 1.0).log() - log_mean) / (log_spread.fill_null(0.0) + LOG_SPREAD_FLOOR),
        "gap_variation": share(spread, mean),
        "gap_trend": share(customers.gap_last, mean),
        "weekday": share(unpacked(customers._calendar, 0, CALENDAR_BITS), customers.purchase_days),
        "year_end_share": share(unpacked(customers._calendar, 1, CALENDAR_BITS), customers.purchase_days),
    }


FAMILY = Family("rhythm", FEATURES, aggregates, ratios, of_days)
