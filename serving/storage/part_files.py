"""Parquet files that are written into a Delta table's folder before a commit makes them count.

A file that no commit names does not belong to the table: what an attempt that failed leaves lies there, and nobody
reads it.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from deltalake.transaction import AddAction


@dataclass(frozen=True)
class PartFile:
    """A file that was written.

    Attributes
    ----------
    path
        Below the table's folder: the columns by which it is partitioned, as ``name=value``, and the file.
    size
        Bytes.
    stats
        What Delta keeps of it, as JSON: the number of rows, and bounds.
    """

    path: str
    size: int
    stats: str

    def added_to(self, table: Path) -> AddAction:
        """Return what a commit says of it."""
        keys = dict(part.split("=", 1) for part in self.path.split("/")[:-1])
        moment = int((table / self.path).stat().st_mtime * 1000)
        return AddAction(self.path, self.size, keys, moment, True, self.stats)


def write_part(
    table: Path, path: Path, schema: pa.Schema, batches: Iterable[pa.RecordBatch], bounded: Sequence[str] = ()
) -> PartFile | None:
    """Write batches into a file of their own; None where there are none.

    Parameters
    ----------
    table, path
        The table's folder, and where the file will lie below it.
    schema
        Columns of the file: those by which the table is partitioned stand in its path.
    batches
        Streamed; they may have other columns besides.
    bounded
        Columns whose least and largest value Delta keeps, by which whoever reads finds the file.
    """
    rows = iter(batches)
    first = next(rows, None)
    if first is None:
        return None
    (table / path).parent.mkdir(parents=True, exist_ok=True)
    bounds = _Bounds(bounded)
    try:
        with pq.ParquetWriter(table / path, schema) as writer:
            for batch in chain([first], rows):
                writer.write_batch(batch.select(schema.names))
                bounds.add(batch)
    except BaseException:
        (table / path).unlink(missing_ok=True)
        raise
    return PartFile(path.as_posix(), (table / path).stat().st_size, bounds.to_json())


def sweep(table: Path, prefix: str, kept: Iterable[PartFile] = ()) -> None:
    """Delete the files whose names begin like this, but for those that are kept."""
    named = {table / file.path for file in kept}
    for path in table.glob(f"**/{prefix}*"):
        if path not in named:
            path.unlink(missing_ok=True)


class _Bounds:
    """Number of rows, and the least and largest of some columns."""

    def __init__(self, names: Iterable[str]) -> None:
        self.rows = 0
        self.least: dict[str, Any] = dict.fromkeys(names)
        self.largest: dict[str, Any] = dict.fromkeys(names)

    def add(self, batch: pa.RecordBatch) -> None:
        """Count one batch."""
        self.rows += batch.num_rows
        for name in self.least:
            found = pc.min_max(batch[name]).as_py()
            least, largest = (_text(found[end]) for end in ("min", "max"))
            self.least[name] = min(self.least[name] or least, least)
            self.largest[name] = max(self.largest[name] or largest, largest)

    def to_json(self) -> str:
        """Return them as Delta writes them."""
        return json.dumps({"numRecords": self.rows, "minValues": self.least, "maxValues": self.largest})


def _text(value: object) -> str:
    # Delta's moments have whole milliseconds, and so have those of a scoring.
    return value if isinstance(value, str) else f"{value:%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z"
