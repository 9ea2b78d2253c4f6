"""Opening what people have as Ibis tables: files, folders, globs, Delta tables, database tables, tables in memory."""

import glob
import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import ibis
import pandas as pd
import pyarrow as pa
from ibis.common.exceptions import TableNotFound

from features.log import QUARANTINE_SUFFIX, source_name
from regulars.errors import LogError

CSV_SUFFIXES = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz")
JSON_SUFFIXES = (".jsonl", ".ndjson", ".json", ".jsonl.gz", ".ndjson.gz", ".json.gz")
PARQUET_SUFFIXES = (".parquet", ".pq")
JSON_NUMBERS = {"int64": "BIGINT", "float64": "DOUBLE"}
HINTS = ("Possible ", "Try ", "LINE ")
SUFFIXES = PARQUET_SUFFIXES + CSV_SUFFIXES + JSON_SUFFIXES


def open_source(connection: Any, source: Any) -> Any:
    """Return a source as an Ibis table of the connection, every text column still text.

    Parameters
    ----------
    connection
        Ibis connection, of `features.engine.connect`.
    source
        See `features.log.Log.source`.

    Raises
    ------
    LogError
        Nothing is there, the format is unknown, or the file cannot be read.
    """
    if isinstance(source, (str, Path)):
        text = str(source)
        if "://" in text:
            return _open_database(connection, text)
        return _open_paths(connection, [text])
    if isinstance(source, Sequence):
        return _open_paths(connection, [str(part) for part in source])
    if isinstance(source, ibis.expr.types.Table):
        backends, _ = source._find_backends()
        return source if connection in backends or not backends else _land(connection, source.to_pyarrow_batches())
    try:
        return _register(connection, _as_arrow(source) if isinstance(source, pd.DataFrame) else source)
    except Exception as error:
        raise LogError(
            f"a {type(source).__name__} is no transaction log: give a path, a database URL, "
            "or a pandas, Arrow or Ibis table"
        ) from error


def _as_arrow(frame: pd.DataFrame) -> pa.Table:
    """Return a pandas table as an Arrow table; columns of mixed kinds, such as ids in a worksheet, become text."""
    kinds = {name: pd.api.types.infer_dtype(frame[name]) for name in frame.columns}
    mixed = [name for name, kind in kinds.items() if kind.startswith("mixed")]
    return pa.Table.from_pandas(frame.astype(dict.fromkeys(mixed, "string")), preserve_index=False)


def _open_paths(connection: Any, texts: list[str]) -> Any:
    if len(texts) == 1 and (Path(texts[0]) / "_delta_log").is_dir():
        return _open_delta(connection, texts[0])
    paths = sorted({path.resolve() for text in texts for path in _files(text)})
    reader = _reader(connection, paths)
    named = ", ".join(path.name for path in paths[:3]) + (" …" if len(paths) > 3 else "")
    if not any(path.stat().st_size for path in paths):
        raise LogError(f"{named}: the log is empty: it has no columns and no row")
    with reading(named):
        return reader([str(path) for path in paths])


@contextmanager
def reading(name: str) -> Iterator[None]:
    """Turn what the engine says of an unreadable source into a `LogError`: it finds much of it after the opening."""
    try:
        yield
    except (duckdb.Error, pa.ArrowException, OSError) as error:
        raise LogError(f"{name} cannot be read: {_reason(error)}") from error


def _files(text: str) -> list[Path]:
    path = Path(text)
    if path.is_dir():
        found = [p for p in path.rglob("*") if p.is_file() and p.name.lower().endswith(SUFFIXES) and not _bad(p)]
    elif path.exists():
        found = [path]
    else:
        paths = glob.glob(text, recursive=True)  # noqa: PTH207  Path.glob takes no absolute pattern
        found = [Path(p) for p in paths if Path(p).is_file() and not _bad(Path(p))]
    if not found:
        kinds = ", ".join(SUFFIXES[:3])
        here = "that folder holds no log" if path.is_dir() else "no such file"
        raise LogError(
            f"{text}: {here}; give a file, a folder or a glob of files ({kinds}, .jsonl …), or a Delta table"
        )
    return found


def _bad(path: Path) -> bool:
    return path.name.endswith(QUARANTINE_SUFFIX)


def _reader(connection: Any, paths: list[Path]) -> Callable[[list[str]], Any]:
    readers: dict[tuple[str, ...], Callable[[list[str]], Any]] = {
        PARQUET_SUFFIXES: lambda files: connection.read_parquet(files, union_by_name=True),
        # Everything as text: a type that is guessed would strip the zeros of ids and hide what is wrong.
        # Quotes are stated because the first rows may hold none, comments because an id may begin with such a sign.
        CSV_SUFFIXES: lambda files: connection.read_csv(
            files, all_varchar=True, union_by_name=True, quote='"', comment=""
        ),
        JSON_SUFFIXES: lambda files: _read_json(connection, files),
    }
    for suffixes, reader in readers.items():
        if all(path.name.lower().endswith(suffixes) for path in paths):
            return reader
    odd = next(p for p in paths if not p.name.lower().endswith(SUFFIXES) or p.suffix.lower() != paths[0].suffix.lower())
    raise LogError(f"{odd}: give files of one format, of these: {', '.join(SUFFIXES)}")


def _read_json(connection: Any, files: list[str]) -> Any:
    """Read numbers as numbers and everything else as text: a guessed date or UUID would lose offsets and spelling."""
    found = connection.read_json(files, union_by_name=True, sample_size=-1).schema()
    columns = {name: JSON_NUMBERS.get(str(kind), "VARCHAR") for name, kind in found.items()}
    return connection.read_json(files, columns=columns)


def _open_delta(connection: Any, path: str) -> Any:
    from deltalake import DeltaTable
    from deltalake.exceptions import DeltaError

    try:
        table = DeltaTable(path)
        files = table.file_uris()
        # Deleted rows and renamed columns stand beside the files: a data set knows of them, or refuses.
        if table.metadata().partition_columns or table.protocol().reader_features or not files:
            return _register(connection, table.to_pyarrow_dataset())
        with reading(path):
            return connection.read_parquet(files)
    except DeltaError as error:
        raise LogError(f"{path}: the Delta table cannot be read: {_reason(error)}") from error


def _open_database(connection: Any, url: str) -> Any:
    address, separator, table = url.rpartition("#")
    if not separator:
        raise LogError(f"{source_name(url)}: name the table after a #, as in postgresql://host/database#table")
    schema, _, name = table.rpartition(".")
    try:
        with _disconnecting(ibis.connect(address)) as remote:
            return _land(connection, remote.table(name, database=schema or None).to_pyarrow_batches())
    except TableNotFound as error:
        raise LogError(f"{source_name(url)}: the database has no table {table!r}") from error
    except Exception as error:
        # Engines quote the address, and the address may hold a password.
        reason = _reason(error).replace(address, source_name(address))
        raise LogError(f"{source_name(url)}: the table cannot be read: {reason}") from error


@contextmanager
def _disconnecting(backend: Any) -> Iterator[Any]:
    """Disconnect an Ibis backend when it has been read."""
    try:
        yield backend
    finally:
        backend.disconnect()


def _register(connection: Any, data: Any) -> Any:
    """Show an Arrow table or data set to the connection, under its limits and in its time zone, without a copy."""
    name = ibis.util.gen_name("log")
    connection.con.register(name, data)
    return connection.table(name)


def _land(connection: Any, batches: Any) -> Any:
    """Copy a stream of Arrow batches into a table of the connection: a stream can be read only once."""
    name, stream = ibis.util.gen_name("log"), ibis.util.gen_name("stream")
    connection.con.register(stream, batches)
    connection.raw_sql(f"CREATE TEMP TABLE {name} AS SELECT * FROM {stream}")  # noqa: S608  both names are ours
    connection.con.unregister(stream)
    return connection.table(name)


def _reason(error: Exception) -> str:
    """Return what an engine's message says is wrong: the lines before its hints, which are options of the engine."""
    lines = itertools.takewhile(lambda line: line and not line.startswith(HINTS), str(error).strip().splitlines())
    return "; ".join(lines)
