"""Diaries: all days of a customer in one row, for what is counted at many dates at once."""

from datetime import date
from typing import Any

import ibis

from features.ledger import Ledger

EPOCH = date(1970, 1, 1)


def diaries(ledger: Ledger) -> Any:
    """Return the days of every customer of a ledger.

    Returns
    -------
    ibis.Table
        One row a customer, in no order: `at` (days since 1970-01-01), `net` (ten-thousandths of the currency) and
        `purchase` (whether something was bought), lists of one length, in one order that is no particular one.
    """
    days = ledger.days
    days = days.select(
        "customer_id", "net", "purchase", at=days.day.delta(ibis.literal(EPOCH), unit="day").cast("int32")
    )
    lists = {name: days[name].collect() for name in ("at", "net", "purchase")}
    return days.group_by("customer_id").aggregate(**lists).drop("customer_id")
