"""The published tables in a database: made where they are not there, and left alone where they are somebody else's."""

from collections.abc import Iterable
from typing import Any

from psycopg import sql

from regulars.errors import PublishError
from serving.postgresql.postgres import Connection
from serving.postgresql.published import MARK, TABLES, Column, Table

LONGEST_NAME = 63
"""Bytes; PostgreSQL cuts what is longer, without an error."""
FOUND = """
select c.relname, pg_get_userbyid(c.relowner) as owner, pg_has_role(c.relowner, 'usage') as owned,
    c.relkind = 'r' and coalesce(obj_description(c.oid, 'pg_class') like %s, false) as ours
from pg_class c where c.relnamespace = %s and c.relname = any(%s)
"""
COLUMNS = """
select c.relname, a.attname, format_type(a.atttypid, a.atttypmod)
from pg_attribute a join pg_class c on c.oid = a.attrelid
where c.relnamespace = %s and c.relname = any(%s) and a.attnum > 0 and not a.attisdropped
"""


def in_schema(schema: str, table: Table) -> sql.Identifier:
    """Return a table's name, quoted."""
    return sql.Identifier(schema, table.name)


def make_tables(connection: Connection, schema: str) -> None:
    """Make schema and tables where they are not there.

    Raises
    ------
    PublishError
        Something of another make has a name of ours, or there is no right to make or to change what has to be.
    """
    if _schema_id(connection, schema) is None:
        _make_schema(connection, schema)
    there = _ours(connection, schema)
    for table in TABLES:
        if table.name not in there:
            lines = [sql.SQL("{} {}").format(sql.Identifier(column.name), _type(column)) for column in table.columns]
            lines.append(sql.SQL("primary key ({})").format(_names(table.key)))
            connection.execute(
                sql.SQL("create table {} ({})").format(in_schema(schema, table), sql.SQL(", ").join(lines))
            )


def add_columns(connection: Connection, schema: str) -> None:
    """Add the columns that tables of an older version lack; where there is nothing to add, nothing is locked.

    Raises
    ------
    PublishError
        As `make_tables`; or a column has another type.
    """
    if _schema_id(connection, schema) is None:
        return
    there = _ours(connection, schema)
    for table in TABLES:
        known = there.get(table.name)
        if known is not None:
            _complete(connection, schema, table, known)


def document(connection: Connection, schema: str) -> None:
    """Write what tables and columns mean beside them, and make the indexes that are not there.

    Readers are not held up by either; making the indexes after the rows is faster.
    """
    for table in TABLES:
        name = in_schema(schema, table)
        for index in table.indexes:
            statement = sql.SQL("create index if not exists {} on {} ({}) {}").format(
                sql.Identifier(index.name),
                name,
                sql.SQL(index.columns),
                sql.SQL(f"where {index.where}" if index.where else ""),
            )
            connection.execute(statement)
        comment = sql.Literal(f"{table.comment} {MARK}")
        connection.execute(sql.SQL("comment on table {} is {}").format(name, comment))
        for column in table.columns:
            place = sql.Identifier(schema, table.name, column.name)
            connection.execute(sql.SQL("comment on column {} is {}").format(place, sql.Literal(column.comment)))


def require_name(schema: str) -> None:
    """Refuse a schema that PostgreSQL would not take as it is written.

    Raises
    ------
    PublishError
        It is empty, too long, holds a zero, or is one of PostgreSQL's own.
    """
    size = len(schema.encode())
    if not 0 < size <= LONGEST_NAME or "\0" in schema or schema.startswith("pg_") or schema == "information_schema":
        raise PublishError(
            f"{schema!r} is no name for a schema: give one of 1 to {LONGEST_NAME} bytes, not PostgreSQL's own"
        )


def _schema_id(connection: Connection, schema: str) -> int | None:
    row = connection.execute("select oid from pg_namespace where nspname = %s", [schema]).fetchone()
    return None if row is None else int(row[0])


def _make_schema(connection: Connection, schema: str) -> None:
    row = _one(
        connection, "select has_database_privilege(current_database(), 'create'), current_user, current_database()"
    )
    if not row[0]:
        raise PublishError(
            f"there is no schema {schema} in database {row[2]}, and {row[1]} may not make one: let somebody who may "
            f"run `create schema {schema} authorization {row[1]}`"
        )
    connection.execute(sql.SQL("create schema {}").format(sql.Identifier(schema)))


def _ours(connection: Connection, schema: str) -> dict[str, dict[str, str]]:
    """Return the types of the columns of the tables that are there, by table and column, if they all may be changed."""
    place, names = _schema_id(connection, schema), [table.name for table in TABLES]
    row = _one(
        connection,
        "select has_schema_privilege(%s, 'create'), has_schema_privilege(%s, 'usage'), current_user",
        [place, place],
    )
    if not (row[0] and row[1]):
        raise PublishError(
            f"{row[2]} may not make tables in schema {schema}: let its owner run "
            f"`grant usage, create on schema {schema} to {row[2]}`"
        )
    found = connection.execute(FOUND, [f"%{MARK}", place, names]).fetchall()
    for name, owner, owned, ours in found:
        if not ours:
            raise PublishError(
                f"{schema}.{name} is there already and was not made by regulars publish (its owner is {owner}): "
                "rename it, or choose another --schema"
            )
        if not owned:
            raise PublishError(f"{schema}.{name} belongs to {owner}: publish as {owner}, or as a member of that role")
    kinds: dict[str, dict[str, str]] = {name: {} for name, *_ in found}
    for name, column, kind in connection.execute(COLUMNS, [place, list(kinds)]):
        kinds[name][column] = kind
    return kinds


def _complete(connection: Connection, schema: str, table: Table, known: dict[str, str]) -> None:
    for column in table.columns:
        if column.name not in known:
            statement = sql.SQL("alter table {} add column {} {}")
            name = sql.Identifier(column.name)
            connection.execute(statement.format(in_schema(schema, table), name, _type(column)))
        elif known[column.name] != column.type:
            raise PublishError(
                f"{schema}.{table.name}.{column.name} is of type {known[column.name]}, and publishing needs "
                f"{column.type}: somebody changed it; drop the table, or choose another --schema"
            )


def _one(connection: Connection, query: Any, parameters: list[Any] | None = None) -> Any:
    return connection.execute(query, parameters or []).fetchone()


def _type(column: Column) -> sql.SQL:
    return sql.SQL(column.type)


def _names(columns: Iterable[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, columns))
