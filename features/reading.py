"""Reading a log by the shortest road: from what is kept of it, in its database, or whole."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pyarrow as pa

from features.daily import VARIETIES, Reading, bought, daily
from features.database import read_in_database
from features.engine import DUCKDB, engine_errors, reason_of
from features.kept.kept_log import KeptLog
from features.log import Log
from features.source import reading
from features.transactions import transactions, unusable
from regulars.errors import RegularsError


def read_log(connection: Any, log: Log, raw: Callable[[], Any], kept: KeptLog | None = None) -> Reading:
    """Read a log; whichever road is taken, what is returned is the same.

    Parameters
    ----------
    connection
        Ibis connection of the engine.
    log
        The log's description.
    raw
        Opens the log.
    kept
        What is kept of it from one time to the next; None: nothing.

    Raises
    ------
    LogError
        The log cannot be opened or read.
    """
    found, said = None, ""
    if kept is not None and connection.name == DUCKDB:
        try:
            found = kept.read(connection, log)
        except (*engine_errors(), pa.ArrowException, OSError, RegularsError) as error:
            # What is kept saves time and no more. Where the log is what is wrong, reading all of it says so.
            said = f"all of the log was read: what is kept of it cannot be used ({reason_of(error)})"
    with reading(log.name):
        found = found or read_in_database(connection, log)
        return found or replace(_read_whole(connection, log, raw()), said=said)


def _read_whole(connection: Any, log: Log, raw: Any) -> Reading:
    rows = transactions(raw, log)
    return Reading(
        daily(rows),
        {column: bought(rows, column) for column in VARIETIES if column in rows.columns},
        unusable(raw, log),
    )
