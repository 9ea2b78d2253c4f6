"""Momentum: how much happened lately, in fixed spans, in windows of the horizon's length, and decayed over time."""

from typing import Any

from features.exact import money, money_total, share, total, weighted_total
from features.family import Expressions, Family, Feature

TELLING = (30, 90, 365)
"""Spans that a reason may name; the others say nearly the same."""
SPANS = (7, 14, 30, 60, 90, 180, 365)
DECAYS = (15, 45, 120, 365)
WINDOWS = (1, 2, 3)
ORDINALS = ("last", "one before the last", "second before the last")


def _pair(suffix: str, when: str, telling: bool) -> tuple[Feature, Feature]:
    days, spend = f"{{days_{suffix}:.0f}} purchase days {when}", f"{{spend_{suffix}:,.0f}} spent {when}"
    return (
        Feature(f"days_{suffix}", "count", f"Purchase days {when}.", days if telling else None),
        Feature(f"spend_{suffix}", "money", f"Net spend {when}.", spend if telling else None),
    )


def _decayed(tau: int) -> tuple[Feature, Feature]:
    return (
        Feature(f"days_decay_{tau}", "count", f"Purchase days, each weighted by exp(-age/{tau})."),
        Feature(f"spend_decay_{tau}", "money", f"Net spend, each day weighted by exp(-age/{tau})."),
    )


FEATURES = (
    *(feature for span in SPANS for feature in _pair(str(span), f"in the last {span} days", span in TELLING)),
    *(
        feature
        for k in WINDOWS
        for feature in _pair(f"window_{k}", f"in the {ORDINALS[k - 1]} horizon's length", False)
    ),
    *(feature for tau in DECAYS for feature in _decayed(tau)),
    Feature(
        "days_trend",
        "ratio",
        "Purchase days in the last horizon's length over those in the last two.",
        "{days_window_1:.0f} purchase days lately, {days_window_2:.0f} in the time before",
    ),
    Feature(
        "spend_trend",
        "ratio",
        "Net spend in the last horizon's length over that in the last two.",
        "{spend_window_1:,.0f} spent lately, {spend_window_2:,.0f} in the time before",
    ),
    Feature("days_decay_trend", "ratio", "Purchase days decayed over 45 days over those decayed over 365."),
    Feature("spend_decay_trend", "ratio", "Net spend decayed over 45 days over that decayed over 365."),
)


def aggregates(known: Any, window: int) -> Expressions:
    """Return counts and spend by age."""
    bought = known.purchase
    found: dict[str, Any] = {}
    for span in SPANS:
        recent = known.age <= span
        found[f"days_{span}"] = total(bought.cast("int64"), recent)
        found[f"spend_{span}"] = money_total(known.net, recent)
    for k in WINDOWS:
        inside = (known.age > (k - 1) * window) & (known.age <= k * window)
        found[f"days_window_{k}"] = total(bought.cast("int64"), inside)
        found[f"spend_window_{k}"] = money_total(known.net, inside)
    for tau in DECAYS:
        weight = (known.age.cast("float64") / float(-tau)).exp()
        found[f"days_decay_{tau}"] = weighted_total(weight, bought)
        found[f"spend_decay_{tau}"] = weighted_total(money(known.net) * weight)
    return found


def ratios(customers: Any, window: int) -> Expressions:
    """Return recent over earlier activity."""
    return {
        "days_trend": share(customers.days_window_1, customers.days_window_1 + customers.days_window_2),
        "spend_trend": share(customers.spend_window_1, customers.spend_window_1 + customers.spend_window_2),
        "days_decay_trend": share(customers.days_decay_45, customers.days_decay_365),
        "spend_decay_trend": share(customers.spend_decay_45, customers.spend_decay_365),
    }


FAMILY = Family("momentum", FEATURES, aggregates, ratios)
