"""Momentum: how much happened lately, in fixed spans, in windows of the horizon's length, decayed, month by month."""

from typing import Any

from features.exact import WEIGHT_SCALE, money, share, total, weighted_total, whole_millionths
from features.families.family import Expressions, Family, Feature
from features.families.packed import added, bits, in_bits, only, unpacked
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
OTHER_SPANS = tuple(span for span in SPANS if span not in WHOLE_MONTHS)
PACKED = ("months", "spans", "windows", "decay_short", "decay_long")
MONTH_BITS, SPAN_BITS, DECAY_BITS = 5, 12, 31
"""A month has 30 days and no window more than 3,653; decayed days, at most one a day, are less than their `DECAYS`."""
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


PAIRS = (
    *(_pair(str(span), f"in the last {span} days", span in TELLING) for span in SPANS),
    *(_pair(f"window_{k}", f"in the {ORDINALS[k - 1]} horizon's length", False) for k in WINDOWS),
    *(_decayed(tau) for tau in DECAYS),
    *(_pair(f"month_{k}", f"at an age of {MONTH_DAYS * (k - 1) + 1} to {MONTH_DAYS * k} days", False) for k in MONTHS),
)
FEATURES = (
    *(feature for pair in PAIRS for feature in pair),
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


def of_ages(ages: Any, window: int) -> Expressions:
    """Return the month of an age, the weights by which days decay, and what a purchase day adds to packed counts."""
    age = ages.age
    weights = {tau: (age.cast("float64") / float(-tau)).exp() for tau in DECAYS}
    decayed = [whole_millionths(weight) for weight in weights.values()]
    return {
        "month": _month(age),
        **{f"weight_{tau}": weight for tau, weight in weights.items()},
        "in_months": in_bits(_month(age), len(MONTHS), MONTH_BITS),
        "in_spans": bits([age <= span for span in OTHER_SPANS], SPAN_BITS),
        "in_windows": bits([_inside(age, k, window) for k in WINDOWS], SPAN_BITS),
        "in_decay_short": bits(decayed[:2], DECAY_BITS),
        "in_decay_long": bits(decayed[2:], DECAY_BITS),
    }


def aggregates(known: Any, window: int) -> Expressions:
    """Return counts and spend by age."""
    net, age = known.net, known.age
    windows = {} if _whole_months(window) else {k: _inside(age, k, window) for k in WINDOWS}
    packed = [name for name in PACKED if windows or name != "windows"]
    return {
        **{f"_days_{name}": added(only(known[f"in_{name}"], known.purchase)) for name in packed},
        **{f"_net_month_{k}": total(net, known.month == k) for k in MONTHS},
        **{f"_net_{span}": total(net, age <= span) for span in OTHER_SPANS},
        **{f"_net_window_{k}": total(net, inside) for k, inside in windows.items()},
        **{f"spend_decay_{tau}": weighted_total(money(net) * known[f"weight_{tau}"]) for tau in DECAYS},
    }


def ratios(customers: Any, window: int) -> Expressions:
    """Return what was packed, what months add up to, and recent over earlier activity."""
    # Money is added up in whole ten-thousandths: what rounding leaves of a sum that is really 0 would be divided by.
    days, nets = _by_month(customers)
    found = {f"month_{k}": (day, net) for k, day, net in zip(MONTHS, days, nets, strict=True)}
    for place, span in enumerate(OTHER_SPANS):
        found[str(span)] = unpacked(customers._days_spans, place, SPAN_BITS), customers[f"_net_{span}"]
    found |= {str(span): (_sum(days[:k]), _sum(nets[:k])) for span, k in WHOLE_MONTHS.items()}
    found |= {f"window_{k}": pair for k, pair in zip(WINDOWS, _windows(customers, window), strict=True)}
    decay = {
        tau: unpacked(customers[name], place, DECAY_BITS) / float(WEIGHT_SCALE)
        for name, taus in (("_days_decay_short", DECAYS[:2]), ("_days_decay_long", DECAYS[2:]))
        for place, tau in enumerate(taus)
    }
    counts = {suffix: count for suffix, (count, _) in found.items()}
    spends = {suffix: net / float(MONEY_SCALE) for suffix, (_, net) in found.items()}
    return {
        **{f"days_{suffix}": count for suffix, count in counts.items()},
        **{f"spend_{suffix}": spend for suffix, spend in spends.items()},
        **{f"days_decay_{tau}": value for tau, value in decay.items()},
        "days_slope": _slope(days),
        "spend_slope": _slope(nets),
        "active_months": _sum([(count > 0).cast("float64") for count in days]),
        "days_trend": share(counts["window_1"], counts["window_1"] + counts["window_2"]),
        "spend_trend": share(spends["window_1"], spends["window_1"] + spends["window_2"]),
        "days_decay_trend": share(decay[45], decay[365]),
        "spend_decay_trend": share(customers.spend_decay_45, customers.spend_decay_365),
    }


def _month(age: Any) -> Any:
    """Return which month of 30 days before the as-of date an age lies in, 1 for the newest."""
    return ((age - 1) / float(MONTH_DAYS)).floor().cast("int16") + 1


def _inside(age: Any, k: int, window: int) -> Any:
    return (age > (k - 1) * window) & (age <= k * window)


def _whole_months(window: int) -> bool:
    """Return whether all `WINDOWS` are made of months, whose money is added up anyway."""
    return window % MONTH_DAYS == 0 and WINDOWS[-1] * window <= MONTHS[-1] * MONTH_DAYS


def _by_month(customers: Any) -> tuple[list[Any], list[Any]]:
    days = [unpacked(customers._days_months, k - 1, MONTH_BITS) for k in MONTHS]
    return days, [customers[f"_net_month_{k}"] for k in MONTHS]


def _windows(customers: Any, window: int) -> list[tuple[Any, Any]]:
    """Return purchase days and net (ten-thousandths) of each of `WINDOWS`."""
    if not _whole_months(window):
        days = [unpacked(customers._days_windows, k - 1, SPAN_BITS) for k in WINDOWS]
        return [(count, customers[f"_net_window_{k}"]) for k, count in zip(WINDOWS, days, strict=True)]
    months = window // MONTH_DAYS
    days, nets = ([_sum(column[(k - 1) * months : k * months]) for k in WINDOWS] for column in _by_month(customers))
    return list(zip(days, nets, strict=True))


def _slope(months: list[Any]) -> Any:
    """Return the least-squares slope over months, newest first, over their mean: positive where they rise to now."""
    places = [len(months) + 1 - 2 * k for k in MONTHS]
    # Places are two apart, so that they stay whole: the slope a month is twice that a place.
    rise = _sum([month * float(place) for month, place in zip(months, places, strict=True)]) * 2.0
    return rise / float(sum(place * place for place in places)) / (_sum(months) / float(len(months))).nullif(0.0)


def _sum(columns: list[Any]) -> Any:
    return sum(columns[1:], start=columns[0])


COUNTED = {spend.name: days.name for days, spend in PAIRS}
FAMILY = Family("momentum", FEATURES, aggregates, ratios, ages=of_ages, counted=COUNTED)
