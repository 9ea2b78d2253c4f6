"""Opening a log: what every verb begins with, without the libraries that only some of them need."""

from datetime import date
from pathlib import Path
from typing import Any

from features.engine import DUCKDB
from features.kept.kept_log import KeptLog
from features.ledger import Ledger, build_ledger
from features.log import Log
from regulars.errors import RegularsError


def ledger(
    log: Any,
    memory: str | None = None,
    threads: int | None = None,
    store: str | Path | None = None,
    engine: str = DUCKDB,
) -> Ledger:
    """Read a transaction log once.

    Parameters
    ----------
    log
        A `Log`; or a path, a folder, a glob, a database URL, or a pandas, Arrow or Ibis table whose columns are called
        `customer_id`, `timestamp` and `amount`; or a `Ledger`, which is returned as it is.
    memory, threads
        Most memory that data may take and most threads, such as ``"2GB"`` and 2; None: half of the machine's memory,
        all cores.
    store
        Folder of a store in which the log is kept, so that the next time only what is new of it is read; None: the
        whole log is read, and so it is by Spark.
    engine
        ``duckdb``, in this process; or the master of a Spark cluster, such as ``spark://host:7077`` or ``local[2]``,
        whose executors then do what the other verbs ask of this ledger.

    Raises
    ------
    LogError
        The log cannot be opened, or breaks its contract.
    """
    if isinstance(log, Ledger):
        return log
    kept = None
    if store is not None:
        from serving.store import KEPT

        kept = KeptLog(Path(store) / KEPT)
    return build_ledger(log if isinstance(log, Log) else Log(log), memory, threads, engine, kept)


def as_of_date(known: Ledger, as_of: date | str | None) -> date:
    """Return an as-of date as a date: the day after the ledger's last where none is given."""
    return day_of(as_of) or known.span.end


def day_of(day: date | str | None) -> date | None:
    """Return a date that may be written as text."""
    try:
        return date.fromisoformat(day) if isinstance(day, str) else day
    except ValueError as error:
        raise RegularsError(f"{day!r} is no date: write it as 2011-06-10") from error
