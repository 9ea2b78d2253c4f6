"""Snapshots: the features of every customer who bought before an as-of date, one row a customer."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import ibis
import pandas as pd

from features.catalogue import catalogue, families
from features.families.attributes import join_attributes
from features.ledger import Ledger

KEYS = ("as_of", "customer_id")
BATCH_ROWS = 100_000


def snapshot(ledger: Ledger, as_of: date | Sequence[date], window: int = 90, among: Any = None) -> Any:
    """Return the features known at one or several as-of dates as one query over the ledger.

    Parameters
    ----------
    ledger
        The ledger.
    as_of
        As-of date, or several: one row a customer and date.
    window
        Length in days of the features that look back as far as the outcome looks ahead.
    among
        Table of `as_of` and `customer_id` to which the answer is limited, such as that of `sampled`; None: all.

    Returns
    -------
    ibis.Table
        `as_of` date, `customer_id` text, then the columns of `features.catalogue.catalogue(ledger)` in its order,
        float64 but for categorical attributes, which are text. A customer without a purchase day before the as-of
        date has no row.
    """
    dates = [as_of] if isinstance(as_of, date) else list(as_of)
    chosen = families(ledger.days)
    ages = _ages((max(dates) - ledger.span.first_day).days)
    ages = ages.mutate(**{name: value for family in chosen for name, value in family.ages(ages, window).items()})
    days = ledger.days.mutate(
        **{name: value for family in chosen for name, value in family.of_days(ledger.days).items()}
    )
    days = _known_days(replace(ledger, days=days), dates, among).inner_join(ages, "age")
    aggregates = {name: value for family in chosen for name, value in family.aggregates(days, window).items()}
    if len(dates) == 1:
        # Grouping by what all rows share would cost a tenth of the whole.
        customers = days.group_by("customer_id").aggregate(as_of=ibis.literal(dates[0]), **aggregates)
    else:
        customers = days.group_by(*KEYS).aggregate(**aggregates)
    customers = customers.filter(customers.purchase_days > 0)
    ratios = {name: value for family in chosen for name, value in family.ratios(customers, window).items()}
    features = customers.mutate(**ratios).select(
        *KEYS, *(feature.name for family in chosen for feature in family.features)
    )
    if ledger.customers is not None:
        features = join_attributes(features, ledger.customers)
    return features.select(*KEYS, *catalogue(ledger).index)


def days_at(ledger: Ledger, dates: Sequence[date], among: Any = None) -> Any:
    """Return the ledger's days once for each as-of date, with `as_of` and `age` in days (1 is yesterday).

    Where a table of `as_of` and `customer_id` is given, only of the customers that it asks for at a date.
    """
    if among is None:
        days = ledger.days.cross_join(ibis.memtable({"as_of": sorted(set(dates))}, schema={"as_of": "date"}))
    else:
        # Few customers are asked for: the days of the others are not multiplied.
        asked = among.filter(among.as_of.isin(dates)).select(*KEYS).distinct()
        days = ledger.days.inner_join(asked, "customer_id")
    return days.mutate(age=days.as_of.delta(days.day, unit="day").cast("int32"))


def _known_days(ledger: Ledger, dates: Sequence[date], among: Any) -> Any:
    """Return the ledger's days before each as-of date, with `as_of`, `age` and `last`.

    `last` marks the customer's last purchase day that is known. It compares the day of the next purchase with the
    as-of date and nothing else of it, so that the future decides no value.
    """
    days = days_at(ledger, dates, among)
    days = days.filter(days.day < days.as_of)
    return days.mutate(last=days.purchase & (days.next_purchase.isnull() | (days.next_purchase >= days.as_of)))


def _ages(oldest: int) -> Any:
    """Return a table of every `age` up to the oldest."""
    return ibis.memtable({"age": range(1, oldest + 1)}, schema={"age": "int32"})


def sampled(ledger: Ledger, dates: Sequence[date], size: int) -> Any:
    """Return about `size` customers a date as (`as_of`, `customer_id`), the same ones in any engine and row order."""
    first_days = ledger.days.filter(ledger.days.purchase_number == 1).select("customer_id", first="day")
    dates = sorted(set(dates))
    eligible = first_days.aggregate(**{str(day): (first_days["first"] < ibis.literal(day)).sum() for day in dates})
    counts = eligible.to_pyarrow().to_pylist()[0]
    # The first 32 bits of a digest, as hexadecimal text, sort like numbers.
    bounds = [f"{min(int(size / max(counts[str(day)], 1) * 2**32), 2**32):09x}" for day in dates]
    asked = ibis.memtable({"as_of": list(dates), "bound": bounds}, schema={"as_of": "date", "bound": "string"})
    drawn = first_days.cross_join(asked)
    drawn = drawn.filter(drawn["first"] < drawn.as_of)
    digest = (drawn.as_of.cast("string") + "|" + drawn.customer_id).hexdigest("md5")
    return drawn.filter(ibis.literal("0") + digest.substr(0, 8) < drawn.bound).select(*KEYS)


def frames(table: Any, rows: int = BATCH_ROWS) -> Iterator[pd.DataFrame]:
    """Stream a snapshot as pandas tables of at most `rows` rows, indexed by date and customer, in their order."""
    for batch in table.order_by(*KEYS).to_pyarrow_batches(chunk_size=rows):
        yield framed(batch)


def framed(batch: Any) -> pd.DataFrame:
    """Return an Arrow batch of a snapshot as a pandas table, indexed by date and customer."""
    return batch.to_pandas(date_as_object=False).set_index([*KEYS])
