"""Parts of a log: some of its files, opened with the columns that the whole log has."""

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

import ibis
from ibis.backends.sql.datatypes import DuckDBType
from sqlglot import exp

from features.engines.duckdb import CSV_OPTIONS, PARQUET_OPTIONS, open_csv, open_parquet
from features.files import CSV

FILE = "file_of_the_log"
"""Column that says in which file a row stands."""


def columns_of(connection: Any, file: str) -> dict[str, str]:
    """Return the columns of one file and their types, as the engine calls them."""
    reader, options = ("read_csv", CSV_OPTIONS) if _is_csv(file) else ("read_parquet", PARQUET_OPTIONS)
    stated = ", ".join(f"{name} = {exp.convert(value).sql('duckdb')}" for name, value in options.items())
    query = f"DESCRIBE SELECT * FROM {reader}(?, {stated})"  # noqa: S608  all of it is ours
    found = connection.con.execute(query, [file]).fetchall()
    return {row[0]: row[1] for row in found}


def open_part(connection: Any, files: Collection[str], columns: Mapping[str, str]) -> Any:
    """Return the rows of files as an Ibis table with `FILE` and all columns of the log, null where a file has none."""
    paths = sorted(files)
    opened = (open_csv if _is_csv(paths[0]) else open_parquet)(connection, paths, filename=FILE)
    return opened.select(
        FILE,
        **{
            name: opened[name] if name in opened.columns else ibis.null(DuckDBType.from_string(kind))
            for name, kind in columns.items()
        },
    )


def kept_rows(connection: Any, folder: Path, paths: Iterable[str]) -> Any:
    """Return the rows of kept files, by their paths in the folder."""
    return connection.read_parquet([str(folder / path) for path in paths], hive_partitioning=False)


def no_rows(connection: Any, columns: Mapping[str, str]) -> Any:
    """Return a table of columns, with types as the engine calls them, and no row."""
    schema = ibis.schema({name: DuckDBType.from_string(kind) for name, kind in columns.items()})
    return connection.create_table(ibis.util.gen_name("no_rows"), schema=schema, temp=True)


def _is_csv(file: str) -> bool:
    return file.lower().endswith(CSV)
