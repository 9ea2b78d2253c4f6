"""Publishing: the newest scores and the saved lists into a PostgreSQL database, all or nothing.

Rows are deleted and copied anew in one transaction. That takes longer than swapping tables, and it is the road on which
readers notice nothing: they are never locked out, they see the old rows or the new ones, whole, in whatever transaction
they are, and their views, grants, indexes and comments stay, because the tables do.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any
from zlib import crc32

import psycopg
from psycopg import errors, sql

from features.log import source_name
from regulars.errors import PublishError, StoreError
from serving.postgresql.arrow_copy import copy_batches
from serving.postgresql.postgres import Connection, connected, settle
from serving.postgresql.published import LISTS, MEMBERS, PUBLISHED, SCORES, TABLES, Table
from serving.postgresql.published_lists import Departures, ListRows, departures
from serving.postgresql.published_scores import score_batches
from serving.postgresql.tables_in_place import add_columns, document, in_schema, make_tables, require_name
from serving.store import Store

SCHEMA = "regulars"
LOCK = 0x52454755
"""First half of the key of the advisory lock that a publication holds; the other half is of the schema's name."""
ADAPT_LOCK_SECONDS = 2
"""Adding a column waits for running readers, and new ones wait behind it."""
SUMMARY = """
insert into {published} ({columns})
select s.horizon_days, max(s.as_of), max(s.model_version), max(s.run_id), max(s.log_fingerprint), max(s.scored_at),
    max(s.clv_basis), count(*),
    (select count(*) from {lists} l where l.horizon_days = s.horizon_days),
    (select count(*) from {members} m where m.horizon_days = s.horizon_days),
    clock_timestamp()
from {scores} s where s.horizon_days = any(%s) group by s.horizon_days order by s.horizon_days
returning horizon_days, as_of, model_version, clv_basis, rows, lists, members
"""


@dataclass(frozen=True)
class Published:
    """What was published of one horizon: its as-of date and model, what its value is of, and numbers of rows."""

    horizon_days: int
    as_of: date
    model_version: str
    clv_basis: str | None
    customers: int
    lists: int
    members: int


@dataclass(frozen=True)
class Publication:
    """What was published, and where; `database` holds no password."""

    database: str
    schema: str
    horizons: tuple[Published, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        return asdict(self)


def publish(
    store: Store,
    to: str,
    schema: str = SCHEMA,
    horizon_days: int | None = None,
    progress: Callable[[int], None] = lambda rows: None,
) -> Publication:
    """Replace what is published by the newest scores of each horizon and the saved lists, in one transaction.

    Parameters
    ----------
    store
        Where scores and lists are.
    to
        Address of the database, as ``postgresql://user@host:5432/database``.
    schema
        Schema of the tables in `serving.postgresql.published`; made where it is not there.
    horizon_days
        Publish this horizon, and leave the rows of others; None: all, and rows of horizons that the store does not hold
        are removed.
    progress
        Called with the number of scores of each batch when it is sent.

    Raises
    ------
    StoreError
        The store holds no such scores, was written meanwhile, or a saved list cannot be evaluated.
    PublishError
        The database cannot be reached or refuses, another publication is running, or tables of another make have the
        names of ours. What was published before stands.
    """
    require_name(schema)
    newest_scores(store, horizon_days)  # a store that holds none should say so before a database is asked
    with connected(to) as connection:
        with _alone(connection, schema):
            settle(connection, ADAPT_LOCK_SECONDS)
            add_columns(connection, schema)
        # The transaction ends first, so that what is written down of the lists is forgotten where it cannot.
        with departures(store) as lists, _alone(connection, schema):
            make_tables(connection, schema)
            horizons = _replace(connection, schema, lists, horizon_days, progress)
            lists.mark()
        _tidy(connection, schema)
    return Publication(source_name(to), schema, horizons)


def newest_scores(store: Store, horizon_days: int | None = None) -> dict[int, date]:
    """Return the newest as-of date of each horizon that a store holds, or of one horizon.

    Raises
    ------
    StoreError
        The store holds none of them.
    """
    newest = {horizon: as_of for as_of, horizon in store.held()}
    if not newest:
        raise StoreError(f"{store.folder}: this store holds no scores yet; run `regulars score` first")
    if horizon_days is None:
        return newest
    if horizon_days not in newest:
        there = ", ".join(map(str, sorted(newest)))
        raise StoreError(f"{store.folder}: no scores for {horizon_days} days; those held are for {there}")
    return {horizon_days: newest[horizon_days]}


@contextmanager
def _alone(connection: Connection, schema: str) -> Iterator[None]:
    """Open a transaction in which no other publication writes into the schema; what another one does is waited for."""
    with connection.transaction():
        settle(connection)
        try:
            key = crc32(schema.encode()) - 2**31
            connection.execute("select pg_advisory_xact_lock(%s::int, %s::int)", [LOCK, key])
        except errors.LockNotAvailable as error:
            raise PublishError(
                f"another publication is writing into schema {schema}; run again when it is done"
            ) from error
        yield


def _replace(
    connection: Connection, schema: str, lists: Departures, horizon_days: int | None, progress: Callable[[int], None]
) -> tuple[Published, ...]:
    store = lists.store
    version, newest = store.version, newest_scores(store, horizon_days)
    _delete(connection, schema, (SCORES, LISTS, MEMBERS), horizon_days)
    for horizon, as_of in newest.items():
        batches = score_batches(store, as_of, horizon)
        copy_batches(connection, in_schema(schema, SCORES), SCORES.names, batches, progress)
        for rows in lists.of(as_of, horizon):
            _copy_list(connection, schema, rows)
    document(connection, schema)
    if store.version != version:
        raise StoreError(f"{store.folder}: the store was written meanwhile; nothing was published, run again")
    _delete(connection, schema, (PUBLISHED,), horizon_days)
    found = connection.execute(_summary(schema), [list(newest)])
    return tuple(Published(*row) for row in found)


def _delete(connection: Connection, schema: str, tables: tuple[Table, ...], horizon_days: int | None) -> None:
    # Not truncated: that would shut readers out, and those in the middle of something would find nothing.
    for table in tables:
        statement = sql.SQL("delete from {} where %s::int is null or horizon_days = %s").format(
            in_schema(schema, table)
        )
        connection.execute(statement, [horizon_days, horizon_days])


def _copy_list(connection: Connection, schema: str, rows: ListRows) -> None:
    copy_batches(connection, in_schema(schema, MEMBERS), MEMBERS.names, rows.members())
    copy_batches(connection, in_schema(schema, LISTS), LISTS.names, [rows.summary()])


def _summary(schema: str) -> sql.Composed:
    names = {"published": PUBLISHED, "scores": SCORES, "lists": LISTS, "members": MEMBERS}
    return sql.SQL(SUMMARY).format(
        columns=sql.SQL(", ").join(map(sql.Identifier, PUBLISHED.names)),
        **{name: in_schema(schema, table) for name, table in names.items()},
    )


def _tidy(connection: Connection, schema: str) -> None:
    """Free the room of the old rows, and let the planner know the new ones; where that fails, autovacuum does it."""
    for table in TABLES:
        with suppress(psycopg.Error):
            # Shrinking the table would lock readers out, and the next publication needs the room.
            statement = sql.SQL("vacuum (analyze, skip_locked, truncate false) {}")
            connection.execute(statement.format(in_schema(schema, table)))
