"""Payback: how many months after the first purchase a customer has brought in what winning them cost.

What is past counts as it came: the day on which the ledger's net spend, times the margin, first reached the cost. What
is ahead counts discounted to the as-of date, along a line through three points of the model's own value curve: nothing
at the as-of date, the expected spend of the horizon times the margin at its end, `clv` at the end of the lifetime.
Between two points value comes evenly. The curve itself rises fastest at first, so that payback comes rather earlier
than is said here. Who has not brought in the cost by the end of the lifetime never does.
"""

from typing import Any

import ibis

from features.exact import number
from features.transactions import MONEY_SCALE

DAYS_A_MONTH = 365.25 / 12


def repaid_on(values: Any, known: Any) -> Any:
    """Return the day on which customers had brought in their cost.

    Parameters
    ----------
    values
        `customer_id`, `margin_rate`, `acquisition_cost`.
    known
        The ledger's days before the as-of date.

    Returns
    -------
    ibis.Table
        `_payer`, `_repaid_on`: only customers who have.
    """
    costs = values.filter(values.acquisition_cost.notnull()).select(
        _payer="customer_id",
        _least=values.acquisition_cost * float(MONEY_SCALE),
        _share=values.margin_rate.fill_null(1.0),
    )
    days = known.select("customer_id", "day", "net").join(costs, known.customer_id == costs._payer)
    running = days.net.sum().over(ibis.cumulative_window(group_by=days._payer, order_by=days.day))
    days = days.mutate(_reached=running.cast("float64") * days._share >= days._least)
    reached = days.filter(days._reached)
    return reached.group_by("_payer").aggregate(_repaid_on=reached.day.min())


def payback_months(values: Any, lifetime_days: float) -> Any:
    """Return months from the first purchase until the cost was or will be brought in; null where that is never.

    Parameters
    ----------
    values
        `as_of`, `horizon_days`, `first_day`, `expected_spend`, `clv`, `margin_rate`, `historic_value`,
        `acquisition_cost`, and `_repaid_on`.
    lifetime_days
        How far ahead `clv` counts.
    """
    rate, cost = values.margin_rate.fill_null(1.0), values.acquisition_cost
    lifetime = number(lifetime_days)
    horizon = ibis.least(values.horizon_days.cast("float64"), lifetime)
    # Neither a horizon longer than the lifetime nor a negative margin may turn the line back.
    soon = ibis.least(values.expected_spend * rate, values.clv)
    missing = cost - values.historic_value
    within = horizon * missing / soon.nullif(0.0)
    later = horizon + (lifetime - horizon) * (missing - soon) / (values.clv - soon).nullif(0.0)
    ahead = ibis.cases((missing <= soon, within), (missing <= values.clv, later), else_=ibis.null("float64"))
    so_far = values.as_of.delta(values.first_day, unit="day").cast("float64")
    past = values._repaid_on.delta(values.first_day, unit="day").cast("float64")
    return ibis.cases(
        (cost.isnull(), ibis.null("float64")),
        (cost <= 0, number(0.0)),
        (values._repaid_on.notnull(), past / DAYS_A_MONTH),
        else_=(so_far + ahead) / DAYS_A_MONTH,
    )
