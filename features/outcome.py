"""Outcomes: what happened in the window after an as-of date, only where the log covers the whole window."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import ibis

from features.exact import highest, lowest, money_total, total
from features.ledger import Ledger
from features.snapshot import KEYS, days_at
from features.window import outcome_end
from regulars.errors import HistoryError

GROUP_KEYS = ("as_of", "purchase_days", "recency_days", "tenure_days")


def outcomes(ledger: Ledger, as_of: date | Sequence[date], horizon_days: int, among: Any = None) -> Any:
    """Return what every eligible customer did in the outcome window of one or several as-of dates.

    Parameters
    ----------
    ledger
        The ledger.
    as_of
        As-of date, or several.
    horizon_days
        Length of the outcome window in days.
    among
        Table of `as_of` and `customer_id` to which the answer is limited; None: all.

    Returns
    -------
    ibis.Table
        One row a customer who bought before the as-of date: `as_of`, `customer_id`, `net_spend` (money, refunds
        included, not below 0), `purchase_days` in the window (float64), `next_order_days` (float64: from the as-of date
        to the first of them, 0 where that is the as-of date itself; null where there is none), `churned` (bool: none).

    Raises
    ------
    HistoryError
        The log does not cover the whole window.
    """
    dates = [as_of] if isinstance(as_of, date) else list(as_of)
    for day in dates:
        require_outcome(ledger, day, horizon_days)
    days = _around(ledger, dates, horizon_days, among)
    ahead = ~days.known
    customers = days.group_by(*KEYS).aggregate(
        eligible=days.purchase.any(where=days.known),
        net_spend=_not_negative(money_total(days.net, ahead)),
        purchase_days=total(days.purchase.cast("int64"), ahead),
        next_order_days=(-days.age.max(where=days.purchase & ahead)).cast("float64"),
    )
    customers = customers.filter(customers.eligible).drop("eligible")
    return customers.mutate(churned=customers.purchase_days == 0)


def require_outcome(ledger: Ledger, as_of: date, horizon_days: int) -> None:
    """Raise where the log does not cover the whole outcome window of an as-of date."""
    if not ledger.span.covers(as_of, horizon_days):
        raise HistoryError(
            f"the outcome of {horizon_days} days from {as_of} is not known: it needs the log to reach "
            f"{outcome_end(as_of, horizon_days)}, and it covers {ledger.span.first_day} to {ledger.span.last_day}"
        )


def customer_groups(ledger: Ledger, dates: Sequence[date], window: int) -> Any:
    """Return every eligible customer at each date, grouped by what a buy-till-you-die model knows of them.

    Customers with the same purchase days, recency and tenure are one row, so that totals over millions of customers
    are exact and small.

    Parameters
    ----------
    ledger
        The ledger.
    dates
        As-of dates. Where the log ends inside a window, the outcome columns count what is there.
    window
        Days of the outcome window, and of the one before the date.

    Returns
    -------
    ibis.Table
        `as_of`, `purchase_days`, `recency_days`, `tenure_days`, `customers`, `spend` (sum of each customer's net
        spend, not below 0); of the outcome window `net_spend` (customers below 0 counted as 0), `purchases` (purchase
        days) and `active` (customers who bought); of the window before the date `spend_before`, `purchases_before`
        and `active_before`.
    """
    days = _around(ledger, list(dates), window)
    known, ahead = days.known, ~days.known
    bought = days.purchase & known
    customers = days.group_by(*KEYS).aggregate(
        purchase_days=bought.sum().cast("float64"),
        recency_days=lowest(days.age, bought),
        tenure_days=highest(days.age, bought),
        spend=_not_negative(known.ifelse(days.net, 0).sum()),
        net_spend=_not_negative(ahead.ifelse(days.net, 0).sum()),
        purchases=(days.purchase & ahead).sum(),
        spend_before=_not_negative((known & (days.age <= window)).ifelse(days.net, 0).sum()),
        purchases_before=(days.purchase & known & (days.age <= window)).sum(),
    )
    customers = customers.filter(customers.purchase_days > 0)
    return (
        customers.group_by(*GROUP_KEYS)
        .aggregate(
            customers=customers.count().cast("float64"),
            spend=money_total(customers.spend),
            net_spend=money_total(customers.net_spend),
            purchases=total(customers.purchases),
            active=total((customers.purchases > 0).cast("int64")),
            spend_before=money_total(customers.spend_before),
            purchases_before=total(customers.purchases_before),
            active_before=total((customers.purchases_before > 0).cast("int64")),
        )
        .order_by(*GROUP_KEYS)
    )  # so that sums over the groups always end in the same bits


def spenders(ledger: Ledger, as_of: date) -> Any:
    """Return `purchase_days` and `spend` (net money) of every customer with more than one purchase day at a date."""
    days = ledger.days.filter(ledger.days.day < ibis.literal(as_of))
    customers = days.group_by("customer_id").aggregate(
        purchase_days=days.purchase.sum().cast("float64"), spend=money_total(days.net)
    )
    return customers.filter(customers.purchase_days > 1).order_by("customer_id").drop("customer_id")


def _around(ledger: Ledger, dates: Sequence[date], window: int, among: Any = None) -> Any:
    """Return the ledger's days up to the end of each date's window, with `age` and whether the day is `known`."""
    days = days_at(ledger, dates, among)
    days = days.filter(days.age > -window)
    return days.mutate(known=days.age > 0)


def _not_negative(amount: Any) -> Any:
    return ibis.greatest(amount.fill_null(0), 0)
