"""Opening what people have as Ibis tables: files, folders, globs, Delta tables, database tables, tables in memory."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import ibis
import pandas as pd
import pyarrow as pa

from features.database import open_database
from features.engine import engine_errors, engine_of, reason_of
from features.files import list_files, open_files
from regulars.errors import LogError


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
            return open_database(connection, text)
        return _open_paths(connection, [text])
    if isinstance(source, Sequence):
        return _open_paths(connection, [str(part) for part in source])
    if isinstance(source, ibis.expr.types.Table):
        backends, _ = source._find_backends()
        if connection in backends or not backends:
            return source
        return engine_of(connection).land(connection, source.to_pyarrow_batches())
    try:
        data = _as_arrow(source) if isinstance(source, pd.DataFrame) else source
        return engine_of(connection).show(connection, data)
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
    paths = list_files(texts)
    named = ", ".join(path.name for path in paths[:3]) + (" …" if len(paths) > 3 else "")
    if not any(path.stat().st_size for path in paths):
        raise LogError(f"{named}: the log is empty: it has no columns and no row")
    with reading(named):
        return open_files(connection, paths)


@contextmanager
def reading(name: str) -> Iterator[None]:
    """Turn what the engine says of an unreadable source into a `LogError`: it finds much of it after the opening."""
    try:
        yield
    except (*engine_errors(), pa.ArrowException, OSError) as error:
        raise LogError(f"{name} cannot be read: {reason_of(error)}") from error


def _open_delta(connection: Any, path: str) -> Any:
    from deltalake import DeltaTable
    from deltalake.exceptions import DeltaError

    try:
        table = DeltaTable(path)
        with reading(path):
            return engine_of(connection).open_delta(connection, table)
    except DeltaError as error:
        raise LogError(f"{path}: the Delta table cannot be read: {reason_of(error)}") from error
