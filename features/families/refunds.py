"""Refunds: what came back."""

from typing import Any

from features.exact import counted, lowest, money_total, share
from features.families.family import Expressions, Family, Feature

RECENT_DAYS = 180

FEATURES = (
    Feature("refund_days", "count", "Days with a refund.", "{refund_days:.0f} days with a refund"),
    Feature(
        "refund_recency_days",
        "days",
        "Days since the last refund; missing where there was none.",
        "last refund {refund_recency_days:.0f} days ago",
    ),
    Feature("refunded", "money", "Money refunded in all.", "{refunded:,.0f} refunded in all"),
    Feature(
        "refunded_recent",
        "money",
        f"Money refunded in the last {RECENT_DAYS} days.",
        f"{{refunded_recent:,.0f}} refunded in the last {RECENT_DAYS} days",
    ),
    Feature("refund_share", "share", "Money refunded over gross spend.", "{refund_share:.0%} of gross spend refunded"),
)


def of_days(days: Any) -> Expressions:
    """Return what money went back on a day."""
    return {"back": days.gross - days.net}


def aggregates(known: Any, window: int) -> Expressions:
    """Return counts and money of the days on which money went back."""
    refund = known.back > 0
    return {
        "refund_days": counted(refund),
        "refund_recency_days": lowest(known.age, refund),
        "refunded": money_total(known.back),
        "refunded_recent": money_total(known.back, known.age <= RECENT_DAYS),
    }


def ratios(customers: Any, window: int) -> Expressions:
    """Return refunds over spend."""
    return {"refund_share": share(customers.refunded, customers.gross)}


FAMILY = Family("refunds", FEATURES, aggregates, ratios, of_days)
