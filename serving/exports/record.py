"""The record of exports in the store's `service.db`: which list left, when, for whom, and which customers were on it.

An export is recorded in two steps. `begin` writes it down with all its customers, in one transaction, before anybody
can have the file; `finish` writes the number of rows, once the file is whole or the last byte was sent. What has no
number of rows counts for nothing: no cap, no change, no measurement. A job that is killed in between leaves either no
file and an export that does not count, or a whole file, which `settle` recognises: there is no `part` any more, and
`file` is not older than the export, whose time is given to the part before it is renamed.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from serving.listing.definition import Cap
from serving.storage.service import service

ROWS_A_BATCH = 65_536
CACHE_KIB = 65_536
"""Of SQLite while it writes contacts: enough that their index stays in memory."""
UNDER_WAY = timedelta(hours=1)
"""For so long an export without a number of rows may still become whole; caps count it."""
CONTACTS = pa.schema([("customer_id", pa.string()), ("held_back", pa.int8()), ("row_hash", pa.string())])

PUBLISHED = "table"
"""Format of lists that were published into a database."""
FIRST_CONTACTS = pa.schema([("customer_id", pa.string()), ("held_back", pa.int8()), ("since", pa.date32())])


@dataclass(frozen=True)
class Entry:
    """What is written down of an export; times are UTC, `file` and `part` are where it goes and where it is made."""

    who: str
    list: str
    definition: str
    format: str
    as_of: str
    horizon_days: int
    model_version: str
    file: Path | None = None
    part: Path | None = None


def begin(folder: Path, entry: Entry, contacts: Iterable[pa.RecordBatch], now: datetime | None = None) -> int:
    """Write down an export and its customers, in one transaction; return its number.

    Parameters
    ----------
    folder
        Of the store.
    entry
        What is written down.
    contacts
        Batches of `CONTACTS`: who is in the file, and who is held back.
    now
        When; None: now.
    """
    with service(folder) as connection:
        connection.execute(f"pragma cache_size = -{CACHE_KIB}")
        connection.execute("begin immediate")
        cursor = connection.execute(
            "insert into exports (at, who, list, definition, format, as_of, horizon_days, model_version, file, part) "
            "values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                stamp(now),
                entry.who,
                entry.list,
                entry.definition,
                entry.format,
                entry.as_of,
                entry.horizon_days,
                entry.model_version,
                None if entry.file is None else str(entry.file),
                None if entry.part is None else str(entry.part),
            ),
        )
        number = int(cursor.lastrowid or 0)
        for batch in contacts:
            columns = [batch.column(name).to_pylist() for name in CONTACTS.names]
            connection.executemany(
                f"insert into contacts (export, customer_id, held_back, row_hash) values ({number}, ?, ?, ?)",  # noqa: S608
                zip(*columns, strict=True),
            )
    return number


def finish(folder: Path, number: int, rows: int) -> None:
    """Write down that an export is whole, and of how many rows."""
    with service(folder) as connection:
        connection.execute("update exports set rows = ?, part = null where id = ?", (rows, number))


def forget(folder: Path, number: int) -> None:
    """Delete what was written down of an export that did not come about."""
    with service(folder) as connection:
        _forget(connection, number)


def settle(folder: Path) -> None:
    """Bring record and files into agreement after a job was killed between its two steps."""
    with service(folder) as connection:
        for number, at, file, part in connection.execute(
            "select id, at, file, part from exports where rows is null and part is not null"
        ).fetchall():
            if Path(part).exists():
                continue  # under way, or never finished: it does not count
            if Path(file).exists() and Path(file).stat().st_mtime >= datetime.fromisoformat(at).timestamp():
                connection.execute(
                    "update exports set part = null, rows = "
                    "(select count(*) from contacts where export = ? and held_back = 0) where id = ?",
                    (number, number),
                )
            else:
                _forget(connection, number)


def capped(folder: Path, name: str, cap: Cap, now: datetime | None = None) -> Iterator[pa.RecordBatch]:
    """Yield the customers who may not be on another list, as batches of `customer_id`.

    A list counts once a day, however often it was pulled, and whether a customer was held back from it or not: else
    those who were held back would stay on later lists when the others no longer do, and the groups would not be alike.
    What the same list gave on the same day does not count, so that it can be pulled again; nor does what was published
    of it on any day, so that it still has members when it is published every night.
    """
    moment = now or datetime.now(UTC)
    since, under_way = stamp(moment - timedelta(days=cap.days)), stamp(moment - UNDER_WAY)
    query = (
        "select customer_id from contacts join exports on exports.id = contacts.export "
        "where at > ? and (rows is not null or at > ?) "
        "and not (list = ? and (format = ? or substr(at, 1, 10) = ?)) "
        "group by customer_id having count(distinct list || char(10) || substr(at, 1, 10)) >= ?"
    )
    parameters = (since, under_way, name, PUBLISHED, stamp(moment)[:10], cap.contacts)
    return _batches(folder, query, parameters, pa.schema([("customer_id", pa.string())]))


def last_hashes(folder: Path, name: str, format: str) -> Iterator[pa.RecordBatch]:  # noqa: A002
    """Yield the newest row hash of every customer that a list gave in a format, as batches of customer and hash."""
    query = (
        # SQLite takes the hash from the row of the maximum: https://www.sqlite.org/lang_select.html#bareagg .
        "select customer_id, row_hash, max(export) from contacts join exports on exports.id = contacts.export "
        "where list = ? and format = ? and rows is not null group by customer_id"
    )
    schema = pa.schema([("customer_id", pa.string()), ("row_hash", pa.string())])
    return _batches(folder, query, (name, format), schema)


def first_contacts(folder: Path, name: str, starts: Mapping[int, date]) -> Iterator[pa.RecordBatch]:
    """Yield every customer of a list once, as they were on its first export, as batches of `FIRST_CONTACTS`.

    Parameters
    ----------
    folder
        Of the store.
    name
        Of the list.
    starts
        By the number of the export, the day from which its customers count.
    """
    query = (
        "select customer_id, held_back, min(export) from contacts join exports on exports.id = contacts.export "
        "where list = ? and rows is not null group by customer_id"
    )
    schema = pa.schema([*list(FIRST_CONTACTS)[:2], ("export", pa.int64())])
    for batch in _batches(folder, query, (name,), schema):
        since = pa.array([starts[number] for number in batch.column("export").to_pylist()], pa.date32())
        yield pa.RecordBatch.from_arrays([*batch.columns[:2], since], schema=FIRST_CONTACTS)


def spill(batches: Iterable[pa.RecordBatch], schema: pa.Schema, path: Path) -> Path:
    """Write batches to a Parquet file, for an engine to read."""
    with pq.ParquetWriter(path, schema) as writer:
        for batch in batches:
            writer.write_batch(batch)
    return path


def stamp(moment: datetime | None = None) -> str:
    """Return a moment, now by default, as ISO text in UTC."""
    return (moment or datetime.now(UTC)).astimezone(UTC).isoformat(timespec="seconds")


def _forget(connection: sqlite3.Connection, number: int) -> None:
    connection.execute("delete from contacts where export = ?", (number,))
    connection.execute("delete from exports where id = ?", (number,))


def _batches(folder: Path, query: str, parameters: tuple[Any, ...], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    with service(folder) as connection:
        cursor = connection.execute(query, parameters)
        while rows := cursor.fetchmany(ROWS_A_BATCH):
            columns = list(zip(*rows, strict=True))
            arrays = [pa.array(columns[i], field.type) for i, field in enumerate(schema)]
            yield pa.RecordBatch.from_arrays(arrays, schema=schema)
