"""Files of a log: which there are, in which format, and opening them."""

import glob
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from features.engine import engine_of
from features.log import QUARANTINE_SUFFIX
from regulars.errors import LogError

PARQUET = (".parquet", ".pq")
CSV = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz")
JSON = (".jsonl", ".ndjson", ".json", ".jsonl.gz", ".ndjson.gz", ".json.gz")
"""Endings of the names of each format's files."""
SUFFIXES = PARQUET + CSV + JSON


def list_files(texts: Sequence[str]) -> list[Path]:
    """Return the files that paths, folders and globs stand for, in one order, but for quarantine files.

    Raises
    ------
    LogError
        One of them stands for none.
    """
    return sorted({path.resolve() for text in texts for path in _files(text)})


def format_of(paths: Sequence[Path]) -> tuple[str, ...]:
    """Return the format of files: `PARQUET`, `CSV` or `JSON`.

    Raises
    ------
    LogError
        They are of several, or of an unknown one.
    """
    for suffixes in (PARQUET, CSV, JSON):
        if all(path.name.lower().endswith(suffixes) for path in paths):
            return suffixes
    odd = next(p for p in paths if not p.name.lower().endswith(SUFFIXES) or p.suffix.lower() != paths[0].suffix.lower())
    raise LogError(f"{odd}: give files of one format, of these: {', '.join(SUFFIXES)}")


def open_files(connection: Any, paths: Sequence[Path]) -> Any:
    """Return the rows of files of one format as one table."""
    engine = engine_of(connection)
    openers = {PARQUET: engine.open_parquet, CSV: engine.open_csv, JSON: engine.open_json}
    return openers[format_of(paths)](connection, [str(path) for path in paths])


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
