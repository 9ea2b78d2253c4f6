"""Tenure: how long someone has been a customer, how that began, and how densely the time is filled."""

from typing import Any

from features.exact import highest, share
from features.families.family import Expressions, Family, Feature
from features.window import DAYS_A_WEEK

FEATURES = (
    Feature("tenure_days", "days", "Days since the first purchase day.", "customer for {tenure_days:.0f} days"),
    Feature("days_rate", "ratio", "Purchase days a day of tenure."),
    Feature("spend_rate", "money", "Net spend a day of tenure."),
    Feature(
        "recency_to_tenure",
        "share",
        "Recency's share of the tenure: how much of it has been silent.",
        "silent for the last {recency_days:.0f} of {tenure_days:.0f} days",
    ),
    Feature("first_orders", "count", "Orders on the first purchase day."),
    Feature("first_weekday", "ratio", "Weekday of the first purchase day, Monday 0 to Sunday 6."),
)


def of_days(days: Any) -> Expressions:
    """Return the orders of first purchase days; nothing of other days."""
    return {"orders_at_first": (days.purchase_number == 1).ifelse(days.orders, None)}


def aggregates(known: Any, window: int) -> Expressions:
    """Return the age of the first purchase day, and its orders."""
    return {
        "tenure_days": highest(known.age, known.purchase),
        "first_orders": highest(known.orders_at_first),
    }


def ratios(customers: Any, window: int) -> Expressions:
    """Return the rates over the tenure, and the weekday on which it began."""
    tenure = customers.tenure_days
    # The week is counted back from the as-of date; what is left of a number below 0 is below 0 in SQL.
    weekday = (customers.as_of.day_of_week.index() - tenure.cast("int64") % DAYS_A_WEEK + DAYS_A_WEEK) % DAYS_A_WEEK
    return {
        "days_rate": customers.purchase_days / (tenure + 1.0),
        "spend_rate": customers.spend / (tenure + 1.0),
        "recency_to_tenure": share(customers.recency_days, tenure),
        "first_weekday": weekday.cast("float64"),
    }


FAMILY = Family("tenure", FEATURES, aggregates, ratios, of_days)
