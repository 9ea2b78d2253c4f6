"""Recency, frequency and monetary value: when, how often and how much."""

from typing import Any

from features.exact import (
    WEIGHT_SCALE,
    counted,
    deviation,
    highest,
    lowest,
    middle,
    money,
    money_total,
    share,
    square_of_money,
    total,
    whole_millionths,
)
from features.families.family import Expressions, Family, Feature

FEATURES = (
    Feature("recency_days", "days", "Days since the last purchase day.", "last order {recency_days:.0f} days ago"),
    Feature("purchase_days", "count", "Days with a purchase.", "{purchase_days:.0f} purchase days so far"),
    Feature("orders", "count", "Orders; purchase days where the log names no orders.", "{orders:.0f} orders so far"),
    Feature("spend", "money", "Net spend in all.", "{spend:,.0f} spent in all"),
    Feature("monetary", "money", "Mean net spend a purchase day.", "{monetary:,.2f} a purchase day on average"),
    Feature(
        "monetary_median",
        "money",
        "Median net spend of the purchase days.",
        "typically {monetary_median:,.2f} a purchase day",
    ),
    Feature("monetary_sd", "money", "Standard deviation of the net spend of the purchase days."),
    Feature("monetary_min", "money", "Smallest net spend of a purchase day."),
    Feature(
        "monetary_max", "money", "Largest net spend of a purchase day.", "largest purchase day {monetary_max:,.2f}"
    ),
    Feature(
        "monetary_first",
        "money",
        "Net spend of the first purchase day.",
        "first purchase day worth {monetary_first:,.2f}",
    ),
    Feature(
        "monetary_last", "money", "Net spend of the last purchase day.", "last purchase day worth {monetary_last:,.2f}"
    ),
    Feature("monetary_log_mean", "ratio", "Mean logarithm of one plus the gross spend of the purchase days."),
    Feature("monetary_log_sd", "ratio", "Standard deviation of the logarithm of one plus the gross spend."),
    Feature("monetary_variation", "ratio", "Standard deviation of the net spend over its mean."),
    Feature(
        "last_to_mean",
        "ratio",
        "Net spend of the last purchase day over the mean.",
        "last purchase day worth {monetary_last:,.2f}, usually {monetary:,.2f}",
    ),
    Feature("first_to_mean", "ratio", "Net spend of the first purchase day over the mean."),
    Feature(
        "max_share",
        "share",
        "Largest purchase day's share of all gross spend.",
        "one purchase day makes {max_share:.0%} of all spend",
    ),
)


def of_days(days: Any) -> Expressions:
    """Return what a purchase day is worth, squared and as a logarithm; nothing of other days."""
    worth = days.purchase.ifelse(days.net, None)
    # Of a day without a purchase this is 0.
    logarithm = whole_millionths((money(days.gross) + 1.0).log())
    return {
        "worth": worth,
        "worth_in_money": money(worth),
        "worth_squared": square_of_money(money(worth)),
        "first_worth": (days.purchase_number == 1).ifelse(days.net, None),
        "gross_log": logarithm,
        "gross_log_squared": logarithm * logarithm,
    }


def aggregates(known: Any, window: int) -> Expressions:
    """Return what one customer's known days say of recency, frequency and monetary value."""
    return {
        "recency_days": lowest(known.age, known.purchase),
        "purchase_days": counted(known.purchase),
        "orders": total(known.orders),
        "spend": money_total(known.net),
        "gross": money_total(known.gross),
        "_net": money_total(known.worth),
        "_net_squares": total(known.worth_squared),
        "_log": total(known.gross_log) / float(WEIGHT_SCALE),
        "_log_squares": total(known.gross_log_squared) / float(WEIGHT_SCALE**2),
        "monetary_median": middle(known.worth_in_money),
        "monetary_min": money(lowest(known.worth)),
        "monetary_max": money(highest(known.worth)),
        "monetary_first": money(lowest(known.first_worth)),
        "monetary_last": money(lowest(known.net, known.last)),
    }


def ratios(customers: Any, window: int) -> Expressions:
    """Return the features that combine aggregates of one customer."""
    days = customers.purchase_days
    monetary = share(customers.spend, days)
    spread = deviation(customers._net_squares, customers._net, days)
    return {
        "monetary": monetary,
        "monetary_sd": spread,
        "monetary_log_mean": share(customers._log, days),
        "monetary_log_sd": deviation(customers._log_squares, customers._log, days),
        "monetary_variation": share(spread, monetary),
        "last_to_mean": share(customers.monetary_last, monetary),
        "first_to_mean": share(customers.monetary_first, monetary),
        "max_share": share(customers.monetary_max, customers.gross),
    }


FAMILY = Family("rfm", FEATURES, aggregates, ratios, of_days)
