"""Delta tables on disk: opened as they were at a version, read on one connection, cleared of what nobody reads."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from deltalake import DeltaTable
from deltalake.exceptions import DeltaError, TableNotFoundError

from regulars.errors import StoreError

KEPT_HOURS = 168
"""For how long files stay that a newer version has replaced: somebody may be reading them."""


def open_delta(path: Path, version: int | None = None) -> DeltaTable:
    """Open a Delta table, as it is now or as it was at a version.

    Raises
    ------
    StoreError
        Nothing is there, or it cannot be read.
    """
    try:
        return DeltaTable(str(path), version=version)
    except TableNotFoundError as error:
        raise StoreError(
            f"{path}: the store does not have this yet; `regulars score --store DIR` makes it, and in a store of an "
            "older version scoring again does"
        ) from error
    except (DeltaError, OSError) as error:
        raise StoreError(f"{path}: the store cannot be read: {error}") from error


def version_of(path: Path) -> int | None:
    """Return the version of a Delta table; None where there is none."""
    return DeltaTable(str(path)).version() if DeltaTable.is_deltatable(str(path)) else None


def read_delta(connection: Any, table: DeltaTable, filters: Sequence[tuple[str, str, str]] = ()) -> Any:
    """Return the rows of a Delta table as an Ibis table of a connection, without the columns it is partitioned by.

    Parameters
    ----------
    connection
        Ibis connection to DuckDB.
    table
        The table, at the version it was opened at.
    filters
        Partitions that are asked for, such as ``("as_of", "=", "2011-09-10")``; none: all.
    """
    files = table.file_uris(file_pruning_predicate=list(filters)) if filters else table.file_uris()
    if not files:
        raise StoreError(f"{table.table_uri}: the store holds no rows here")
    return connection.read_parquet(files, hive_partitioning=False)


def clear(path: Path, kept: int) -> None:
    """Delete files that newer versions of a Delta table replaced a week ago, but for those of one version."""
    # What cannot be deleted tonight takes room and does no harm: the next night tries again.
    with suppress(DeltaError, OSError):
        DeltaTable(str(path)).vacuum(KEPT_HOURS, dry_run=False, keep_versions=[kept])
