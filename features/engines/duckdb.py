"""DuckDB in this process, out of core, in a scratch file of its own."""

import os
import shutil
import tempfile
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import ibis

from features.memory import Memory
from regulars.errors import RegularsError

PARQUET_OPTIONS = {"union_by_name": True}
# Quotes are stated because the first rows may hold none, comments because an id may begin with such a sign.
CSV_OPTIONS = {"union_by_name": True, "all_varchar": True, "quote": '"', "comment": ""}
DISTRIBUTED = False
JSON_NUMBERS = {"int64": "BIGINT", "float64": "DOUBLE"}


def connect(time_zone: str, memory: str | None, threads: int | None) -> Any:
    """Open a connection to a DuckDB whose tables live in a scratch folder; parameters as for `features.engine`."""
    scratch = Path(tempfile.mkdtemp(prefix="regulars-"))
    try:
        connection = ibis.duckdb.connect(
            scratch / "scratch.duckdb",
            memory_limit=memory or Memory.of().engine,
            threads=threads or os.cpu_count() or 1,
            temp_directory=str(scratch),
            preserve_insertion_order=False,
            # Nothing older reads the scratch file, and texts are packed better and in half the time.
            storage_compatibility_version="latest",
            autoinstall_known_extensions=False,
        )
        # The name is known to be one; DuckDB takes this setting only once it is open, and only as a literal.
        connection.raw_sql(f"SET TimeZone = '{time_zone}'")
    except Exception as error:
        shutil.rmtree(scratch, ignore_errors=True)
        raise RegularsError(
            f"the engine does not start with memory={memory!r}, threads={threads!r}: {error}"
        ) from error
    weakref.finalize(connection, shutil.rmtree, scratch, ignore_errors=True)
    return connection


def fork(connection: Any) -> Any:
    """Return a cursor: nothing but the tables is shared, the scratch file stays with the connection that made it."""
    return ibis.duckdb.from_connection(connection.con.cursor())


def open_parquet(connection: Any, files: Sequence[str], **options: Any) -> Any:
    """Read Parquet files, columns brought together by name."""
    return connection.read_parquet(files, **PARQUET_OPTIONS, **options)


def open_csv(connection: Any, files: Sequence[str], **options: Any) -> Any:
    """Read delimited files, everything as text: a type that is guessed would strip the zeros of ids."""
    return connection.read_csv(files, **CSV_OPTIONS, **options)


def open_json(connection: Any, files: Sequence[str]) -> Any:
    """Read numbers as numbers and everything else as text: a guessed date or UUID would lose offsets and spelling."""
    found = connection.read_json(files, union_by_name=True, sample_size=-1).schema()
    columns = {name: JSON_NUMBERS.get(str(kind), "VARCHAR") for name, kind in found.items()}
    return connection.read_json(files, columns=columns)


def open_delta(connection: Any, table: Any) -> Any:
    """Read the files of a Delta table where they say everything."""
    files = plain_files(table)
    # A data set knows of what stands beside the files, or refuses.
    return show(connection, table.to_pyarrow_dataset()) if files is None else open_parquet(connection, files)


def plain_files(table: Any) -> list[str] | None:
    """Return the files of a Delta table where they say everything; None where they do not.

    Deleted rows and renamed columns stand beside the files, and so do the columns that a table is partitioned by.
    """
    files: list[str] = table.file_uris()
    beside = set(table.protocol().reader_features or ()) - {"timestampNtz"}
    return None if table.metadata().partition_columns or beside or not files else files


def show(connection: Any, data: Any) -> Any:
    """Register an Arrow table or data set, under the connection's limits and in its time zone, without a copy."""
    name = ibis.util.gen_name("log")
    connection.con.register(name, data)
    return connection.table(name)


def land(connection: Any, batches: Any) -> Any:
    """Copy a stream of Arrow batches into a table."""
    name, stream = ibis.util.gen_name("log"), ibis.util.gen_name("stream")
    connection.con.register(stream, batches)
    connection.raw_sql(f"CREATE TEMP TABLE {name} AS SELECT * FROM {stream}")  # noqa: S608  both names are ours
    connection.con.unregister(stream)
    return connection.table(name)
