"""Files of scores that several processes write into a score table's folder, and the one commit that makes them count.

A file that no commit names does not belong to the table: what an attempt that failed leaves is swept or lies there, and
nobody reads it.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from uuid import uuid4

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from deltalake import DeltaTable, Schema
from deltalake.transaction import AddAction

from serving.storage.score_table import PARTITIONS, SCHEMA, require_table

COLUMNS = [name for name in SCHEMA.names if name not in PARTITIONS]
FILE_SCHEMA = pa.schema([SCHEMA.field(name) for name in COLUMNS])
"""Columns of a file: those by which the table is partitioned stand in its path."""


@dataclass(frozen=True)
class ScoreFile:
    """A file that was written.

    Attributes
    ----------
    path
        Below the table's folder.
    size
        Bytes.
    stats
        What Delta keeps of it, as JSON: the number of rows, and bounds.
    """

    path: str
    size: int
    stats: str


def write_file(
    table: Path, prefix: str, as_of: date, horizon_days: int, batches: Iterable[pa.RecordBatch]
) -> ScoreFile | None:
    """Write batches of `SCHEMA` into a file of their own; None where there are none.

    Parameters
    ----------
    table
        Folder of the table of scores.
    prefix
        What the name of the file begins with.
    as_of, horizon_days
        What they are scores of.
    batches
        Streamed.
    """
    path = Path(f"as_of={as_of.isoformat()}", f"horizon_days={horizon_days}", f"{prefix}{uuid4().hex}.parquet")
    writer, bounds = None, _Bounds()
    for batch in batches:
        if writer is None:
            (table / path).parent.mkdir(parents=True, exist_ok=True)
            writer = pq.ParquetWriter(table / path, FILE_SCHEMA)
        writer.write_batch(batch.select(COLUMNS))
        bounds.add(batch)
    if writer is None:
        return None
    writer.close()
    return ScoreFile(path.as_posix(), (table / path).stat().st_size, bounds.to_json())


def commit_files(path: Path, files: Sequence[ScoreFile], as_of: date, horizon_days: int) -> None:
    """Replace the scores of one as-of date and horizon by files of the table's folder, in one commit."""
    require_table(path)
    keys = {"as_of": as_of.isoformat(), "horizon_days": str(int(horizon_days))}
    moment = int((path / files[0].path).stat().st_mtime * 1000) if files else 0
    DeltaTable(str(path)).create_write_transaction(
        [AddAction(file.path, file.size, keys, moment, True, file.stats) for file in files],
        mode="overwrite",
        schema=Schema.from_arrow(SCHEMA),
        partition_by=PARTITIONS,
        partition_filters=[(name, "=", value) for name, value in keys.items()],
    )


def sweep(table: Path, prefix: str, kept: Iterable[ScoreFile] = ()) -> None:
    """Delete the files whose names begin like this, but for those that are kept."""
    named = {table / file.path for file in kept}
    for path in table.glob(f"*/*/{prefix}*"):
        if path not in named:
            path.unlink(missing_ok=True)


class _Bounds:
    """Number of rows, and the least and largest of the columns by which files are found."""

    def __init__(self) -> None:
        self.rows = 0
        self.least: dict[str, str] = {}
        self.largest: dict[str, str] = {}

    def add(self, batch: pa.RecordBatch) -> None:
        """Count one batch."""
        self.rows += batch.num_rows
        for name in ("customer_id", "scored_at"):
            found = pc.min_max(batch[name]).as_py()
            least, largest = (_text(found[end]) for end in ("min", "max"))
            self.least[name] = min(self.least.get(name, least), least)
            self.largest[name] = max(self.largest.get(name, largest), largest)

    def to_json(self) -> str:
        """Return them as Delta writes them."""
        return json.dumps({"numRecords": self.rows, "minValues": self.least, "maxValues": self.largest})


def _text(value: object) -> str:
    # Delta's moments have whole milliseconds, and so have those of a scoring.
    return value if isinstance(value, str) else f"{value:%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z"
