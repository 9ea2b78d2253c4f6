"""Season: what the customer did in the weeks that the outcome window covers, one year earlier."""

from typing import Any

import ibis

from features.exact import counted, money_total
from features.families.family import Expressions, Family, Feature
from features.window import SEASON_DAYS

FEATURES = (
    Feature(
        "season_days",
        "count",
        "Purchase days in the same weeks a year ago; missing below a year of tenure.",
        "{season_days:.0f} purchase days in the same weeks last year",
    ),
    Feature(
        "season_spend",
        "money",
        "Net spend in the same weeks a year ago; missing below a year of tenure.",
        "{season_spend:,.0f} spent in the same weeks last year",
    ),
)


def aggregates(known: Any, window: int) -> Expressions:
    """Return counts and spend of the outcome window's weeks a year ago: ages (364 - window, 364]."""
    same_weeks = (known.age > SEASON_DAYS - window) & (known.age <= SEASON_DAYS)
    return {
        "_season_days": counted(known.purchase & same_weeks),
        "_season_spend": money_total(known.net, same_weeks),
    }


def ratios(customers: Any, window: int) -> Expressions:
    """Return them only for those who were customers a year ago: for others there is no last year, not a zero."""
    known = customers.tenure_days >= SEASON_DAYS
    return {
        "season_days": known.ifelse(customers._season_days, ibis.null("float64")),
        "season_spend": known.ifelse(customers._season_spend, ibis.null("float64")),
    }


FAMILY = Family("season", FEATURES, aggregates, ratios, counted={"season_spend": "season_days"})
