"""Files of scores, of this process or of several, and the one commit that makes them count."""

from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from uuid import uuid4

import pyarrow as pa
from deltalake import DeltaTable, Schema

from serving.storage.part_files import PartFile, write_part
from serving.storage.score_table import PARTITIONS, SCHEMA, require_table

FILE_SCHEMA = pa.schema([field for field in SCHEMA if field.name not in PARTITIONS])
BOUNDED = ("customer_id", "scored_at")


def write_file(
    table: Path, prefix: str, as_of: date, horizon_days: int, batches: Iterable[pa.RecordBatch]
) -> PartFile | None:
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
    return write_part(table, path, FILE_SCHEMA, batches, BOUNDED)


def commit_files(path: Path, files: Sequence[PartFile], as_of: date, horizon_days: int) -> None:
    """Replace the scores of one as-of date and horizon by files of the table's folder, in one commit."""
    require_table(path)
    keys = {"as_of": as_of.isoformat(), "horizon_days": str(int(horizon_days))}
    DeltaTable(str(path)).create_write_transaction(
        [file.added_to(path) for file in files],
        mode="overwrite",
        schema=Schema.from_arrow(SCHEMA),
        partition_by=PARTITIONS,
        partition_filters=[(name, "=", value) for name, value in keys.items()],
    )
