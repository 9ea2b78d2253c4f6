"""Logs in a database: fetched, or in PostgreSQL added up where they are, so that only customer-days travel."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import islice
from typing import Any

import ibis
import ibis.expr.operations as ops
import pyarrow as pa
from ibis.common.exceptions import TableNotFound
from sqlglot import exp

from features.daily import VARIETIES, Reading, bought, daily
from features.engine import engine_of, reason_of
from features.log import Log, source_name
from features.transactions import transactions, unusable
from features.typed import typed_query
from regulars.errors import LogError

POSTGRESQL = ("postgres://", "postgresql://")
FETCHED_ROWS = 100_000
"""Rows that are in memory at a time while they travel."""
ROWS_A_MESSAGE = 1_000
SAID_OTHERWISE = (ops.TryCast, ops.ScalarUDF)
"""What PostgreSQL does otherwise than the engine, or not at all: a text that is no number is an error to it."""
PLAIN_TEXT = """
    SELECT a.attname FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
    LEFT JOIN pg_collation c ON c.oid = a.attcollation
    WHERE a.attrelid = to_regclass(%s) AND t.typname IN ('text', 'varchar') AND c.collisdeterministic
"""
"""Columns of a table in which two texts are equal only where they are the same."""


def is_database(source: Any) -> bool:
    """Return whether a log is a database table."""
    return isinstance(source, str) and "://" in source


def open_database(connection: Any, url: str) -> Any:
    """Fetch a database table whole.

    Parameters
    ----------
    connection
        Ibis connection of the engine.
    url
        Such as ``postgresql://host/database#schema.table``.

    Raises
    ------
    LogError
        The table is not there, or cannot be read.
    """
    with _table(url) as table:
        return engine_of(connection).land(connection, table.to_pyarrow_batches(chunk_size=FETCHED_ROWS))


def read_in_database(connection: Any, log: Log) -> Reading | None:
    """Let PostgreSQL add up a log, and fetch customer-days, and what was bought on them.

    Returns
    -------
    Reading
        Exactly what reading the log whole gives; None where it cannot be had like that: the log is elsewhere, or its
        numbers or dates are text, or one is too large for the database's arithmetic.
    """
    if not is_database(log.source) or not log.source.startswith(POSTGRESQL):
        return None
    with _table(log.source) as table:
        from psycopg import DataError

        session = table.get_backend().con
        # All queries see the same rows, and days begin in the business time zone.
        session.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        session.execute("SELECT set_config('TimeZone', %s, true)", (log.time_zone,))
        rows = transactions(table, log)
        if not _says_the_same(table, rows):
            return None
        try:
            days = _fetch(connection, daily(rows))
        except DataError:
            return None
        found = {column: _fetch(connection, bought(rows, column)) for column in VARIETIES if column in rows.columns}
        wrong, problems = unusable(table, log), days.filter(days.day.isnull()).count().to_pyarrow().as_py()
        # Of types that Ibis does not know nothing can travel.
        wrong = wrong.select([name for name in wrong.columns if not wrong[name].type().is_unknown()])
        return Reading(days, found, _fetch(connection, wrong if problems else wrong.limit(0)))


def _says_the_same(table: Any, rows: Any) -> bool:
    """Return whether PostgreSQL reads the rows as the engine does."""
    if rows.op().find(SAID_OTHERWISE):
        return False
    used = {field.name for field in rows.op().find(ops.Field) if field.rel == table.op() and field.dtype.is_string()}
    name = exp.table_(table.op().name, db=table.op().namespace.database, quoted=True).sql("postgres")
    with table.get_backend().con.execute(PLAIN_TEXT, (name,)) as found:
        return used <= {row[0] for row in found}


def _fetch(connection: Any, table: Any) -> Any:
    """Copy what PostgreSQL finds into a table of the engine."""
    remote = table.get_backend()
    query = typed_query(remote, table.op().replace(_in_its_words).to_expr())
    failed: list[Exception] = []
    stream = pa.RecordBatchReader.from_batches(
        table.schema().to_pyarrow(), _batches(remote.con, query, table.schema().as_struct().to_pyarrow(), failed)
    )
    try:
        return engine_of(connection).land(connection, stream)
    except Exception as error:
        # What the engine raises says that its source failed, and not of what.
        raise (failed[0] if failed else error) from None


def _batches(session: Any, query: str, kind: pa.StructType, failed: list[Exception]) -> Iterator[pa.RecordBatch]:
    try:
        with session.cursor() as cursor, closing(cursor.stream(query, size=ROWS_A_MESSAGE)) as rows:
            while batch := list(islice(rows, FETCHED_ROWS)):
                yield pa.RecordBatch.from_struct_array(pa.array(batch, type=kind))
    except Exception as error:
        failed.append(error)
        raise


def _in_its_words(node: Any, changed: Any) -> Any:
    """Say for PostgreSQL what it does otherwise: it rounds halves to even numbers, and truths are no numbers to it."""
    node = node.__recreate__(changed) if changed else node
    if isinstance(node, ops.Cast) and node.arg.dtype.is_boolean() and node.to.is_integer():
        truth = node.arg.to_expr()
        return truth.ifelse(1, truth.isnull().ifelse(ibis.null("int8"), 0)).cast(node.to).op()
    if isinstance(node, ops.Round):
        value = node.arg.to_expr()
        up, down = value.ceil(), value.floor()
        # What floor and ceil leave is exact in floating point.
        away = (value >= 0).ifelse((value - down >= 0.5).ifelse(up, down), (up - value >= 0.5).ifelse(down, up))
        return away.op()
    return node


@contextmanager
def _table(url: str) -> Iterator[Any]:
    """Lend the table that a URL names."""
    address, separator, table = url.rpartition("#")
    if not separator:
        raise LogError(f"{source_name(url)}: name the table after a #, as in postgresql://host/database#table")
    schema, _, name = table.rpartition(".")
    try:
        remote = ibis.connect(address)
        try:
            yield remote.table(name, database=schema or None)
        finally:
            remote.disconnect()
    except LogError:
        raise
    except TableNotFound as error:
        raise LogError(f"{source_name(url)}: the database has no table {table!r}") from error
    except Exception as error:
        # Engines quote the address, and the address may hold a password.
        reason = reason_of(error).replace(address, source_name(address))
        raise LogError(f"{source_name(url)}: the table cannot be read: {reason}") from error
