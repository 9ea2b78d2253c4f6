"""A transaction log as its owner describes it: where it is, what its columns are called, which day a timestamp is."""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from regulars.errors import LogError

MAX_BAD_SHARE = 0.01
QUARANTINE_SUFFIX = ".quarantine.csv"
"""Ending of the files that hold unusable rows; they are never read as part of a log."""


@dataclass(frozen=True)
class Columns:
    """Which column of a log, or which expression over its columns, holds what.

    A field that is None is used where the log has a column of that very name.

    Attributes
    ----------
    customer_id
        Read as text; leading zeros survive.
    timestamp
        Date, timestamp, or ISO text; any other text with `timestamp_format`.
    amount
        Net money of the row, negative for a refund; an expression such as ``Quantity * Price`` is welcome.
    order_id, product_id, category, quantity, channel
        Optional columns of the log's contract.
    timestamp_format
        strptime format of a timestamp that is not ISO, such as ``%d/%m/%Y``.
    """

    customer_id: str = "customer_id"
    timestamp: str = "timestamp"
    amount: str = "amount"
    order_id: str | None = None
    product_id: str | None = None
    category: str | None = None
    quantity: str | None = None
    channel: str | None = None
    timestamp_format: str | None = None


REQUIRED = ("customer_id", "timestamp", "amount")
OPTIONAL = tuple(f.name for f in fields(Columns) if f.name not in (*REQUIRED, "timestamp_format"))


@dataclass(frozen=True)
class Log:
    """A transaction log that has not been read yet.

    Attributes
    ----------
    source
        Path, folder, glob or a list of them (Parquet, CSV, JSON lines, Delta table), a database table by URL
        (``postgresql://host/database#table``), or a pandas, Arrow or Ibis table.
    columns
        What the columns are called.
    customers
        Optional table of customers, in the same formats: `customer_id` and one column an attribute.
    time_zone
        Business time zone: days begin and end there.
    max_bad_share
        Largest share of unusable rows that is reported rather than refused.
    today
        Rows dated later than this day are unusable; None: the present day in the business time zone.
    """

    source: Any
    columns: Columns = field(default_factory=Columns)
    customers: Any = None
    time_zone: str = "UTC"
    max_bad_share: float = MAX_BAD_SHARE
    today: date | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.max_bad_share <= 1:
            raise LogError(f"max_bad_share {self.max_bad_share} is not a share from 0 to 1: 5 % is 0.05")

    @property
    def name(self) -> str:
        """How messages call the log: its path, or the kind of its table."""
        return source_name(self.source)

    def last_possible_day(self) -> date:
        """Return the day after which no transaction can be dated."""
        return self.today or datetime.now(ZoneInfo(self.time_zone)).date()


def source_name(source: Any) -> str:
    """Return what messages call a source; passwords in URLs are left out."""
    if isinstance(source, (str, Path)):
        text = str(source)
        scheme, separator, rest = text.partition("://")
        # Passwords stand before an @ or, with some drivers, among the options after a question mark.
        bare, _, table = rest.rpartition("@")[2].partition("#")
        return f"{scheme}://{bare.partition('?')[0]}{'#' + table if table else ''}" if separator else text
    if isinstance(source, Sequence):
        return ", ".join(source_name(part) for part in source)
    return f"{type(source).__module__.partition('.')[0]} table"
