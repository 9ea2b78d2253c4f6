"""The ledger: one row a customer-day, made from the log once, and read by everything else."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import ibis

from features.engine import connect
from features.log import Log
from features.profiles import attributes_for, attributes_of, open_profiles
from features.quality import Quality, measure, usable_span
from features.source import open_source, reading
from features.transactions import transactions, unusable
from features.window import Span, history_days

VARIETIES = {"product_id": "products", "category": "categories", "channel": "channels"}
"""Columns of the log whose breadth and concentration the ledger keeps, and what it calls them."""

SEQUENCE = ("purchase", "purchase_number", "gap_days", "next_purchase")
"""Columns of the ledger that follow from its others."""


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
    raw
        Ibis table of the log as it was opened.
    unusable
        Ibis table of the rows that could not be used, as they stand in the log, their problem in front.
    customers
        Ibis table of customer attributes that predictions may be made from, or None.
    profiles
        Ibis table of all that the customers table says, as it stands there, names and addresses too; or None.
    log
        What was read; None where the ledger was not made by `build_ledger`.
    """

    days: Any
    span: Span
    quality: Quality
    fingerprint: str
    unusable: Any
    raw: Any
    customers: Any = None
    profiles: Any = None
    log: Log | None = None

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
        connection = ibis.duckdb.from_connection(self.connection.con.cursor())
        # Nothing but the tables is shared: the scratch file stays with the connection that made it.
        tables = {"days": _before(connection.table("ledger"), self.span.end)}
        if self.customers is not None:
            tables["customers"] = connection.table("customers")
        return replace(self, **tables)


def build_ledger(log: Log, memory: str | None = None, threads: int | None = None) -> Ledger:
    """Read a log once and return its ledger.

    Parameters
    ----------
    log
        The log's description.
    memory, threads
        Limits of the engine, see `features.engine.connect`.

    Raises
    ------
    LogError
        The log cannot be opened or breaks its contract, or too many of its rows cannot be used.
    """
    connection = connect(log.time_zone, memory, threads)
    raw = open_source(connection, log.source)
    rows = transactions(raw, log)
    with reading(log.name):
        daily = connection.create_table("daily", _daily(rows))
    quality = measure(daily)
    span = usable_span(quality, raw, log)
    known = daily.filter(daily.problem.isnull()).drop("problem")
    for column, variety in VARIETIES.items():
        if column in rows.columns:
            known = _join_variety(known, _variety(rows, column, variety))
    with reading(log.name):
        days = connection.create_table("ledger", _sequence(known))
    connection.drop_table("daily")
    profiles = open_profiles(connection, log)
    customers = None if profiles is None else connection.create_table("customers", attributes_of(profiles))
    return Ledger(days, span, quality, fingerprint(days), unusable(raw, log), raw, customers, profiles, log)


def _before(days: Any, as_of: date) -> Any:
    known = days.filter(days.day < ibis.literal(as_of))
    return known.mutate(next_purchase=(known.next_purchase < ibis.literal(as_of)).ifelse(known.next_purchase, None))


def _daily(rows: Any) -> Any:
    paid = rows.amount > 0
    orders = paid.any().cast("int64")
    if "order_id" in rows.columns:
        # Where only some rows name their order, a day with a purchase has at least one.
        orders = ibis.greatest(rows.order_id.nunique(where=paid), orders)
    totals = {
        "rows": rows.count(),
        "net": rows.amount.sum().cast("int64"),
        "gross": rows.amount.sum(where=paid).cast("int64").fill_null(0),
        "refunds": (rows.amount < 0).sum(),
        "orders": orders,
    }
    if "quantity" in rows.columns:
        totals["items"] = rows.quantity.sum(where=paid).cast("int64").fill_null(0)
    return rows.group_by("problem", "customer_id", "day").aggregate(**totals)


def _variety(rows: Any, column: str, variety: str) -> Any:
    """Return, a customer-day, how many products, how many new ones, and the growth of the sum of squared counts."""
    bought = rows.filter((rows.amount > 0) & rows[column].notnull()).select("customer_id", "day", column).distinct()
    before = ibis.row_number().over(group_by=["customer_id", column], order_by="day")
    counted = bought.mutate(before=before)
    return counted.group_by("customer_id", "day").aggregate(
        **{
            variety: counted.count(),
            f"new_{variety}": (counted.before == 0).sum(),
            # A count that grows from k to k + 1 adds 2k + 1 to the sum of squares.
            f"squares_{variety}": (2 * counted.before + 1).sum().cast("int64"),
        }
    )


def _join_variety(days: Any, variety: Any) -> Any:
    added = [name for name in variety.columns if name not in ("customer_id", "day")]
    joined = days.left_join(variety, ["customer_id", "day"], rname="{name}_right").drop(
        "customer_id_right", "day_right"
    )
    return joined.mutate(**{name: joined[name].fill_null(0) for name in added})


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


@ibis.udf.scalar.builtin(name="md5_number_lower", signature=(("string",), "uint64"))  # type: ignore[untyped-decorator,unused-ignore]
def _md5_lower(text):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Return the lower half of the MD5 of a text as a number."""


def fingerprint(days: Any) -> str:
    """Return sixteen hexadecimal digits that identify the content of a ledger, whatever its row order."""
    digest = days.aggregate(digest=_digest(days)).to_pyarrow()["digest"][0].as_py()
    return f"{digest or 0:016x}"


def month_of(days: Any) -> Any:
    """Return the month of each day as text, such as 2011-09."""
    return days.day.strftime("%Y-%m")


def month_fingerprints(days: Any) -> dict[str, str]:
    """Return, by month, sixteen hexadecimal digits that identify what a ledger holds of it."""
    rows = days.mutate(month=month_of(days))
    found = rows.group_by("month").aggregate(digest=_digest(rows)).order_by("month").to_pyarrow().to_pylist()
    return {row["month"]: f"{row['digest'] or 0:016x}" for row in found}


def _digest(days: Any) -> Any:
    text = ibis.literal("|").join([days[name].cast("string") for name in days.columns if name not in SEQUENCE])
    # Exclusive or does not depend on order, and no two rows of a ledger are the same.
    return _md5_lower(text).bit_xor()
