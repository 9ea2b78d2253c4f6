"""Gaps of all customers: how long they paused between purchase days, and how long they have been silent by now."""

from datetime import date
from typing import Any

import ibis

from features.ledger import Ledger


def gap_counts(ledger: Ledger, as_of: date) -> Any:
    """Return how many gaps of each length are known at an as-of date, and how many customers are silent for so long.

    Returns
    -------
    ibis.Table
        `days`, `ended` (gaps of that length between two purchase days) and `open` (customers whose last purchase day
        lies so far back), by `days`.
    """
    days = ledger.days.filter(ledger.days.purchase & (ledger.days.day < ibis.literal(as_of)))
    gaps = days.filter(days.gap_days.notnull()).select(days=days.gap_days.cast("int64"), ended=1, open=0)
    last = days.group_by("customer_id").aggregate(last=days.day.max())
    silences = last.select(days=ibis.literal(as_of).delta(last["last"], unit="day").cast("int64"), ended=0, open=1)
    both = gaps.union(silences)
    return both.group_by("days").aggregate(ended=both.ended.sum(), open=both.open.sum()).order_by("days")
