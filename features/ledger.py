"""The ledger: one row a customer-day, made from the log once, and read by everything else."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import cache
from typing import Any

import ibis

from features.daily import CHANNEL, join_variety, variety
from features.engine import DUCKDB, connect, engine_of
from features.fingerprint import fingerprint
from features.kept.kept_log import KeptLog
from features.log import Log
from features.memory import Memory
from features.profiles import attributes_for, attributes_of, open_profiles
from features.quality import Quality, measure, usable_span
from features.reading import read_log
from features.source import open_source, reading
from features.window import Span, history_days

LEDGER = "ledger"
"""Name of the table of customer-days."""


@dataclass(frozen=True)
class Ledger:
    """A log as customer-days.

    Attributes
    ----------
    days
        Ibis table, one row a customer-day: `customer_id`, `day`; `net`, `gross` (int64, ten-thousandths of the
        currency; gross sums the positive rows), `orders`, `items` (ten-thousandths); `purchase` (gross > 0),
        `purchase_number` (1, 2, … over purchase days), `gap_days` (since the purchase day before),
        `next_purchase` (day of the next one, used only to find the last row known at an as-of date);
        for each of products, categories and channels that the log has: how many that day, how many new to the
        customer, and what the day adds to the customer's sum of squared counts.
    span
        First and last day.
    quality
        What was read, and what could not be used.
    fingerprint
        Text that identifies the content, whatever the order of rows and files.
    unusable
        Ibis table of the rows that could not be used, as they stand in the log, their problem in front.
    opened
        Returns the log as an Ibis table; it is opened when that is asked for.
    customers
        Ibis table of customer attributes that predictions may be made from, or None.
    profiles
        Ibis table of all that the customers table says, as it stands there, names and addresses too; or None.
    log
        What was read; None where the ledger was not made by `build_ledger`.
    channels
        Ibis table of what customers `paid` (ten-thousandths) by `day` and `channel`; None where the log has no channel.
    said
        How the log was read, where that is worth saying.
    memory
        How much memory batches of it may take.
    table
        Name of the table that `days` reads.
    share
        Share of the log's customers that are in `days`: less than 1 for a sample.
    """

    days: Any
    span: Span
    quality: Quality
    fingerprint: str
    unusable: Any
    opened: Callable[[], Any]
    customers: Any = None
    profiles: Any = None
    log: Log | None = None
    channels: Any = None
    said: str = ""
    memory: Memory = field(default_factory=Memory.of)
    table: str = LEDGER
    share: float = 1.0

    @property
    def raw(self) -> Any:
        """Ibis table of the log."""
        return self.opened()

    @property
    def connection(self) -> Any:
        """The Ibis connection that holds the tables."""
        return self.days.get_backend()

    @property
    def set_aside(self) -> tuple[str, ...]:
        """Columns of the customers table that predictions are not made from: they identify people."""
        if self.profiles is None:
            return ()
        return tuple(name for name in self.profiles.columns if name not in self.customers.columns)

    def repeated_rows(self) -> int:
        """Count the rows of the log that are the same as another in every column."""
        distinct = self.raw.distinct().count().to_pyarrow().as_py()
        return self.quality.rows - int(distinct)

    def before(self, as_of: date) -> "Ledger":
        """Return what the ledger held at an as-of date."""
        if as_of > self.span.last_day:
            return self
        history_days(self.span, as_of)
        known = Span(self.span.first_day, as_of - timedelta(days=1))
        return replace(self, days=_before(self.days, as_of), span=known)

    def following(self, columns: Collection[str]) -> "Ledger":
        """Return the same ledger with the customer attributes that are shown to a model with these feature columns."""
        if self.profiles is None:
            return self
        return replace(self, customers=attributes_for(self.profiles, self.customers, columns))

    def fork(self) -> "Ledger":
        """Return the same ledger on a connection of its own, for use in another thread."""
        connection = engine_of(self.connection).fork(self.connection)
        tables = {"days": _before(_usable(connection.table(self.table)), self.span.end)}
        if self.customers is not None:
            tables["customers"] = connection.table("customers")
        return replace(self, **tables)


def build_ledger(
    log: Log,
    memory: str | None = None,
    threads: int | None = None,
    engine: str = DUCKDB,
    kept: KeptLog | None = None,
) -> Ledger:
    """Read a log once and return its ledger.

    Parameters
    ----------
    log
        The log's description.
    memory
        Most memory that data may take, such as ``"2GB"``, see `features.memory`; None: half of the machine's.
    threads, engine
        The engine, see `features.engine.connect`.
    kept
        What is kept of the log, so that only what is new is read; None: nothing.

    Raises
    ------
    LogError
        The log cannot be opened or breaks its contract, or too many of its rows cannot be used.
    """
    allowed = Memory.of(memory)
    connection = connect(log.time_zone, allowed.engine if engine == DUCKDB else memory, threads, engine)
    raw = cache(lambda: open_source(connection, log.source))
    found = read_log(connection, log, raw, kept)
    read = found.days
    for column, rows in found.bought.items():
        read = join_variety(read, variety(rows, column))
    with reading(log.name):
        table = connection.create_table(LEDGER, _sequence(read))
    quality = measure(table)
    span = usable_span(quality, raw, log)
    days = _usable(table)
    profiles = open_profiles(connection, log)
    customers = None if profiles is None else connection.create_table("customers", attributes_of(profiles))
    channels, said = found.bought.get(CHANNEL), found.said
    content = fingerprint(days)
    return Ledger(days, span, quality, content, found.unusable, raw, customers, profiles, log, channels, said, allowed)


def _usable(table: Any) -> Any:
    """Return the customer-days of a table that also says how many rows have which problem, on no day."""
    return table.filter(table.day.notnull())


def _before(days: Any, as_of: date) -> Any:
    known = days.filter(days.day < ibis.literal(as_of))
    return known.mutate(next_purchase=(known.next_purchase < ibis.literal(as_of)).ifelse(known.next_purchase, None))


def _sequence(days: Any) -> Any:
    marked = days.mutate(purchase=days.gross > 0)
    own = ibis.window(group_by=["customer_id", "purchase"], order_by="day")
    ranked = marked.mutate(
        number=ibis.row_number().over(own), before=marked.day.lag().over(own), after=marked.day.lead().over(own)
    )
    bought = ranked.purchase
    return ranked.mutate(
        purchase_number=bought.ifelse(ranked.number + 1, ibis.null("int64")),
        gap_days=bought.ifelse(ranked.day.delta(ranked.before, unit="day"), ibis.null("int64")),
        next_purchase=bought.ifelse(ranked.after, ibis.null("date")),
    ).drop("number", "before", "after")
