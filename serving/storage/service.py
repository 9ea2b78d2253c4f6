"""The store's `service.db`: what the people and programs around the scores did, in SQLite."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from regulars.errors import StoreError

SERVICE = "service.db"
LOCK = ".service.lock"
WAIT_SECONDS, POLL_SECONDS = 30.0, 0.002
TABLES = """
create table if not exists tokens (
    name text primary key, hash text not null unique, scopes text not null, created text not null,
    expires text, revoked text
) strict;
create table if not exists people (
    name text primary key, password_hash text not null, scopes text not null, created text not null
) strict;
create table if not exists ended_sessions (id text primary key, until text not null) strict;
create table if not exists lists (
    name text primary key, definition text not null, created text not null, created_by text not null
) strict;
create table if not exists exports (
    id integer primary key, at text not null, who text not null, list text not null, definition text not null,
    format text not null, rows integer, as_of text not null, horizon_days integer not null, model_version text not null,
    file text, part text
) strict;
create table if not exists contacts (
    export integer not null references exports (id), customer_id text not null, held_back integer not null,
    row_hash text not null, primary key (export, customer_id)
) strict, without rowid;
create index if not exists contacts_of_customer on contacts (customer_id);
create index if not exists exports_of_list on exports (list, at);
"""


@contextmanager
def service(folder: Path) -> Iterator[sqlite3.Connection]:
    """Open the database of a store, in one transaction that is committed at the end or undone by an exception.

    Parameters
    ----------
    folder
        The store's; made where it is not there.

    Raises
    ------
    StoreError
        The file is no database, or somebody else writes into it for longer than `WAIT_SECONDS`.
    """
    path = folder / SERVICE
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(path, timeout=WAIT_SECONDS)) as connection:
            _prepare(connection, folder)
            with connection:
                yield connection
    except (sqlite3.DatabaseError, Timeout) as error:
        raise StoreError(f"{path}: {error}; if another job holds it, run again when that is done") from error


def _prepare(connection: sqlite3.Connection, folder: Path) -> None:
    connection.row_factory = sqlite3.Row
    # SQLite waits for others everywhere but where it begins to write ahead: of two who do so at once, one is refused.
    with FileLock(folder / LOCK, timeout=WAIT_SECONDS, poll_interval=POLL_SECONDS):
        connection.execute("pragma journal_mode = wal")
        connection.executescript(TABLES)
    connection.execute("pragma foreign_keys = on")
