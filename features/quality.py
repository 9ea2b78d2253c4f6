"""What a log holds and what of it cannot be used: counted, reported, quarantined, never dropped in silence."""

import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

import ibis

from features.engine import engine_errors
from features.log import QUARANTINE_SUFFIX, Log
from features.transactions import MONEY_SCALE, NO_CUSTOMER, PROBLEMS, unusable
from features.whole_file import whole_file
from features.window import Span
from regulars.errors import LogError


@dataclass(frozen=True)
class Quality:
    """What was read from a log.

    Attributes
    ----------
    rows, used_rows
        Rows read, and rows that became part of the ledger.
    problems
        Number of unusable rows by problem.
    customers, buyers, one_time_buyers
        Customers with any usable row, with a purchase day, with exactly one purchase day.
    purchase_days
        Customer-days with a positive amount.
    refund_rows
        Usable rows with a negative amount.
    net, refunded
        Money: the signed sum, and the sum of the negative rows as a positive number.
    first_day, last_day
        Span of the usable rows, None where there are none.
    """

    rows: int
    used_rows: int
    problems: dict[str, int]
    customers: int
    buyers: int
    one_time_buyers: int
    purchase_days: int
    refund_rows: int
    net: float
    refunded: float
    first_day: date | None
    last_day: date | None

    @property
    def bad_rows(self) -> int:
        """Number of rows that cannot be used."""
        return self.rows - self.used_rows

    @property
    def bad_share(self) -> float:
        """Share of rows that cannot be used, 0 for an empty log."""
        return self.bad_rows / self.rows if self.rows else 0.0

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain data for JSON."""
        days = {name: str(day) if (day := getattr(self, name)) else None for name in ("first_day", "last_day")}
        return {**asdict(self), **days, "bad_rows": self.bad_rows, "bad_share": self.bad_share}


def measure(daily: Any) -> Quality:
    """Return the quality report of a log from its customer-days, see `features.daily.daily`."""
    # Parted once: for each sum that had a filter of its own, DuckDB would copy what all of them read.
    usable, unusable = daily.filter(daily.day.notnull()), daily.filter(daily.day.isnull())
    bought = usable.gross > 0
    customers = usable.group_by("customer_id").aggregate(purchases=bought.sum())
    counts = customers.aggregate(
        customers=customers.count(),
        buyers=(customers.purchases > 0).sum(),
        one_time_buyers=(customers.purchases == 1).sum(),
    )
    sums = usable.aggregate(
        used_rows=usable.rows.sum(),
        purchase_days=bought.sum(),
        refund_rows=usable.refunds.sum(),
        net=usable.net.sum().cast("float64"),
        refunded=(usable.gross - usable.net).sum().cast("float64"),
        first_day=usable.day.min(),
        last_day=usable.day.max(),
    )
    bad = unusable.group_by(problem="customer_id").aggregate(rows=unusable.rows.sum()).to_pyarrow().to_pylist()
    bad_rows = {row["problem"]: int(row["rows"]) for row in bad}
    problems = {name: bad_rows[name] for name in PROBLEMS if name in bad_rows}
    found: dict[str, Any] = {**_row(sums), **_row(counts)}
    found["rows"] = (found["used_rows"] or 0) + sum(problems.values())
    found |= {name: float(found[name] or 0) / MONEY_SCALE for name in ("net", "refunded")}
    days = {name: found.pop(name) for name in ("first_day", "last_day")}
    # A sum over no rows is null.
    numbers: dict[str, Any] = {name: 0 if value is None else value for name, value in found.items()}
    return Quality(problems=problems, **days, **numbers)


def usable_span(quality: Quality, raw: Callable[[], Any], log: Log) -> Span:
    """Return the span of the usable rows; refuse a log that is empty, has no purchase, or too many unusable rows.

    Raises
    ------
    LogError
        With the count of every problem, the first offending rows, and what to do.
    """
    if not quality.rows:
        raise LogError(f"{log.name}: the log is empty: it has the columns {', '.join(raw().columns)} and no row")
    if quality.bad_share > log.max_bad_share or not quality.used_rows:
        counts = ", ".join(f"{n:,} {name}" for name, n in quality.problems.items())
        raise LogError(
            f"{log.name}: {quality.bad_rows:,} of {quality.rows:,} rows ({quality.bad_share:.1%}) cannot be used "
            f"({counts}), more than the allowed {log.max_bad_share:.1%}. First ones:\n{_examples(raw(), log)}\n"
            + _remedy(quality)
        )
    if not quality.buyers or quality.first_day is None or quality.last_day is None:
        raise LogError(
            f"{log.name}: no row has a positive amount ({quality.refund_rows:,} of {quality.used_rows:,} are "
            "negative): there is no purchase to learn from; is the sign of the amount reversed, or the wrong column "
            "mapped?"
        )
    return Span(quality.first_day, quality.last_day)


def quarantine_path(source: str) -> Path:
    """Return the file for the unusable rows of a log: in the working directory, named after the log or its table."""
    stem = re.sub(r"[^\w.-]+", "_", Path(source.rpartition("#")[2]).name).strip("_") or "log"
    return Path(f"{stem}{QUARANTINE_SUFFIX}")


def write_quarantine(rows: Any, path: Path) -> None:
    """Write unusable rows, with their problem, to a CSV file, all or nothing; an older file there is replaced.

    Parameters
    ----------
    rows
        `Ledger.unusable`.
    path
        Where to write.
    """
    with whole_file(path) as part:
        try:
            rows.to_csv(part)
        except engine_errors() as error:
            raise LogError(f"the unusable rows cannot be written to {path}: {error}") from error


def _row(table: Any) -> dict[str, Any]:
    row: dict[str, Any] = table.to_pyarrow().to_pylist()[0]
    return row


def _examples(raw: Any, log: Log) -> str:
    raw.get_backend().raw_sql("SET preserve_insertion_order = true")
    numbered = raw.mutate(row=ibis.row_number() + 1) if "row" not in raw.columns else raw
    rows = unusable(numbered, log).limit(3).to_pyarrow().to_pylist()
    return "\n".join("  " + ", ".join(f"{name} {value!r}" for name, value in row.items()) for row in rows)


def _remedy(quality: Quality) -> str:
    share = -(-quality.bad_share * 100 // 1) / 100
    if quality.used_rows == 0:
        return "No row can be used: check the column mapping (--customer-id, --timestamp, --amount)."
    reason = "Rows without a customer are ordinary in shops. " if quality.problems.get(NO_CUSTOMER) else ""
    return f"{reason}Mend the log, map other columns, or allow them with --max-bad-share {share:g}."
