"""Momentum: how much happened lately, in fixed spans, in windows of the horizon's length, decayed, month by month."""

from typing import Any

from features.exact import money, money_total, share, total, weighted_total
from features.family import Expressions, Family, Feature
from features.transactions import MONEY_SCALE

TELLING = (30, 90, 365)
"""Spans that a reason may name; the others say nearly the same."""
SPANS = (7, 14, 30, 60, 90, 180, 365)
DECAYS = (15, 45, 120, 365)
WINDOWS = (1, 2, 3)
MONTHS = tuple(range(1, 13))
MONTH_DAYS = 30
WHOLE_MONTHS = {span: span // MONTH_DAYS for span in SPANS if span % MONTH_DAYS == 0}
"""Spans that are made of months, and of how many: every sum that a snapshot does without is time and memory."""
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
    *(
        feature
        for k in MONTHS
        for feature in _pair(f"month_{k}", f"at an age of {MONTH_DAYS * (k - 1) + 1} to {MONTH_DAYS * k} days", False)
    ),
    Feature("days_slope", "ratio", "Rise a month of the purchase days of the last 12 months, over their monthly mean."),
    Feature("spend_slope", "ratio", "Rise a month of the net spend of the last 12 months, over its monthly mean."),
    Feature(
        "active_months",
        "count",
        "How many of the last 12 months of 30 days have a purchase.",
        "bought in {active_months:.0f} of the last 12 months",
    ),
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
    # Sums of small numbers take half the memory, of which a snapshot needs this much for every customer.
    bought = known.purchase.cast("int32")
    found: dict[str, Any] = {}
    for span in (span for span in SPANS if span not in WHOLE_MONTHS):
        recent = known.age <= span
        found[f"days_{span}"] = total(bought, recent)
        found[f"spend_{span}"] = money_total(known.net, recent)
    for k in MONTHS:
        inside = (known.age > (k - 1) * MONTH_DAYS) & (known.age <= k * MONTH_DAYS)
        found[f"days_month_{k}"] = total(bought, inside)
        found[f"_net_month_{k}"] = total(known.net, inside)
    for k in WINDOWS:
        inside = (known.age > (k - 1) * window) & (known.age <= k * window)
        found[f"days_window_{k}"] = total(bought, inside)
        found[f"spend_window_{k}"] = money_total(known.net, inside)
    for tau in DECAYS:
        weight = (known.age.cast("float64") / float(-tau)).exp()
        found[f"days_decay_{tau}"] = weighted_total(weight, known.purchase)
        found[f"spend_decay_{tau}"] = weighted_total(money(known.net) * weight)
    return found


def ratios(customers: Any, window: int) -> Expressions:
    """Return recent over earlier activity."""
    return {
        **_months(customers),
        "days_trend": share(customers.days_window_1, customers.days_window_1 + customers.days_window_2),
        "spend_trend": share(customers.spend_window_1, customers.spend_window_1 + customers.spend_window_2),
        "days_decay_trend": share(customers.days_decay_45, customers.days_decay_365),
        "spend_decay_trend": share(customers.spend_decay_45, customers.spend_decay_365),
    }


def _months(customers: Any) -> dict[str, Any]:
    """Return what the twelve months of 30 days add up to, and their slopes."""
    days = [customers[f"days_month_{k}"] for k in MONTHS]
    # Money is added up in whole ten-thousandths: what rounding leaves of a sum that is really 0 would be divided by.
    nets = [customers[f"_net_month_{k}"] for k in MONTHS]
    found = {f"spend_month_{k}": net / float(MONEY_SCALE) for k, net in zip(MONTHS, nets, strict=True)}
    for span, k in WHOLE_MONTHS.items():
        found |= {f"days_{span}": _sum(days[:k]), f"spend_{span}": _sum(nets[:k]) / float(MONEY_SCALE)}
    active = _sum([(count > 0).cast("float64") for count in days])
    return found | {"days_slope": _slope(days), "spend_slope": _slope(nets), "active_months": active}


def _slope(months: list[Any]) -> Any:
    """Return the least-squares slope over months, newest first, over their mean: positive where they rise to now."""
    places = [len(months) + 1 - 2 * k for k in MONTHS]
    # Places are two apart, so that they stay whole: the slope a month is twice that a place.
    rise = _sum([month * float(place) for month, place in zip(months, places, strict=True)]) * 2.0
    return rise / float(sum(place * place for place in places)) / (_sum(months) / float(len(months))).nullif(0.0)


def _sum(columns: list[Any]) -> Any:
    return sum(columns[1:], start=columns[0])


FAMILY = Family("momentum", FEATURES, aggregates, ratios)
