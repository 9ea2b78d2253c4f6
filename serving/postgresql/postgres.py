"""A PostgreSQL database that belongs to others: its address, the way in, and what it refuses, without secrets."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from features.log import source_name
from regulars.errors import PublishError

try:
    import psycopg
    from psycopg import conninfo, errors
except ModuleNotFoundError as missing:
    raise PublishError("publishing needs psycopg: install it with `pip install 'regulars[postgres]'`") from missing

Connection = psycopg.Connection[Any]
SCHEMES = ("postgresql", "postgres")
CONNECT_SECONDS = 10
LOCK_SECONDS = 30
"""For how long a publication waits for another one, or for somebody who holds rows or tables of ours."""
SETTINGS = {
    # Names in functions and operators mean PostgreSQL's own, whatever a role's search path says.
    "search_path": "pg_catalog",
    # Limits that a role may have for people's queries; a publication takes as long as its rows need.
    "statement_timeout": "0",
    "transaction_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    # A server otherwise finds out late, or never while it waits, that the publisher's process or machine has died.
    "client_connection_check_interval": "2s",
    "tcp_keepalives_idle": "30",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
}
PASSING = (psycopg.OperationalError, psycopg.DataError, psycopg.IntegrityError, psycopg.InternalError)
"""Errors of the database's state or of the data: what a person can mend. Others are defects of ours."""


@contextmanager
def connected(address: str) -> Iterator[Connection]:
    """Connect to a database; each statement stands for itself, and what belongs together asks for a transaction.

    Parameters
    ----------
    address
        As ``postgresql://user@host:5432/database``; the password may stand in it, or wherever libpq looks for one.

    Raises
    ------
    PublishError
        That is no address, the database cannot be reached, or it refuses what is done inside.
    """
    parameters = address_parts(address)
    shown = source_name(address)
    try:
        # Without prepared statements, so that poolers of connections may stand in between.
        connection = psycopg.connect("", autocommit=True, prepare_threshold=None, **parameters)
    except psycopg.Error as error:
        reason = str(error).strip().partition("\n")[0]
        raise PublishError(
            f"{shown}: the database cannot be reached ({reason}): check host, port, database, user and password"
        ) from None
    with connection:
        try:
            yield connection
        except errors.InsufficientPrivilege as error:
            raise PublishError(f"{shown}: {_said(error)}; docs/publishing.md has the grants") from error
        except errors.LockNotAvailable as error:
            raise PublishError(
                f"{shown}: somebody holds a lock on what is written here ({_said(error)}); "
                "nothing was changed, run again when it is gone"
            ) from error
        except PASSING as error:
            raise PublishError(f"{shown}: {_said(error)}; nothing was changed") from error


def address_parts(address: str) -> dict[str, Any]:
    """Return what an address says, as parameters of libpq; no message of a refusal repeats any of it.

    Raises
    ------
    PublishError
        It cannot be read, or a sign in the password makes it mean something else.
    """
    scheme, separator, _ = address.partition("://")
    if not separator or scheme not in SCHEMES:
        raise PublishError("that is no PostgreSQL address: write postgresql://user@host:5432/database")
    try:
        parts = dict(conninfo.conninfo_to_dict(address))
    except (psycopg.Error, UnicodeError):
        parts = {}
    # A sign that belongs to the password cuts it in two, and the other half would be taken for a host or a database.
    if not parts or any("@" in str(parts.get(name, "")) for name in ("host", "port", "dbname")):
        raise PublishError(
            "the PostgreSQL address cannot be read: write postgresql://user@host:5432/database, and in user and "
            "password %40 for @, %2F for /, %3A for :, %20 for a space, %25 for %; or leave the password to PGPASSWORD"
        ) from None
    defaults = {"connect_timeout": CONNECT_SECONDS, "fallback_application_name": "regulars publish"}
    return defaults | parts | {"client_encoding": "utf8"}


def settle(connection: Connection, lock_seconds: int | None = None) -> None:
    """Set for a transaction what `SETTINGS` says, as far as the server knows it, and how long it waits for locks."""
    lock_timeout = f"{LOCK_SECONDS if lock_seconds is None else lock_seconds}s"
    settings = SETTINGS | {"lock_timeout": lock_timeout}
    connection.execute(
        "select pg_catalog.set_config(known.name, wanted.value, true) from pg_catalog.pg_settings known "
        "join unnest(%s::text[], %s::text[]) as wanted (name, value) on wanted.name = known.name",
        [list(settings), list(settings.values())],
    )


def _said(error: psycopg.Error) -> str:
    parts = [error.diag.message_primary or str(error).strip().partition("\n")[0]]
    if isinstance(error, psycopg.DataError) and error.diag.context:
        # Which table, row and column it was.
        parts.append(error.diag.context.partition("\n")[0])
    return "; ".join(parts)
