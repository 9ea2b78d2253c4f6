"""The store: a folder whose `scores/` is a Delta table, one row a customer, as-of date, horizon and model version."""

from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

import ibis
import pyarrow as pa
from deltalake import DeltaTable, write_deltalake
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError
from filelock import FileLock, Timeout

from features.engine import connect
from regulars.errors import StoreError

SCORES = "scores"
PARTITIONS = ["as_of", "horizon_days"]
SCHEMA = pa.schema(
    [
        ("customer_id", pa.string()),
        ("as_of", pa.date32()),
        ("horizon_days", pa.int32()),
        ("expected_spend", pa.float64()),
        ("median_spend", pa.float64()),
        ("expected_spend_low", pa.float64()),
        ("expected_spend_high", pa.float64()),
        ("churn_probability", pa.float64()),
        ("expected_orders", pa.float64()),
        ("clv", pa.float64()),
        ("next_order_date", pa.date32()),
        ("recency_days", pa.float64()),
        ("frequency", pa.float64()),
        ("monetary", pa.float64()),
        ("tenure_days", pa.float64()),
        ("r_score", pa.int8()),
        ("f_score", pa.int8()),
        ("m_score", pa.int8()),
        ("segment", pa.string()),
        ("value_tier", pa.string()),
        ("reasons", pa.list_(pa.string())),
        ("model_version", pa.string()),
        ("run_id", pa.string()),
        ("log_fingerprint", pa.string()),
        ("scored_at", pa.timestamp("us", tz="UTC")),
    ]
)
"""The public contract of `scores/`."""


class Store:
    """A folder of scores.

    Parameters
    ----------
    folder
        Where it is; made when the first scores are written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def path(self) -> str:
        """Path of the Delta table of scores."""
        return str(self.folder / SCORES)

    def write(self, batches: Iterable[pa.RecordBatch], as_of: date, horizon_days: int) -> None:
        """Replace the scores of one as-of date and horizon, atomically: a reader sees the old ones or the new.

        Parameters
        ----------
        batches
            Arrow batches of `SCHEMA`, streamed.
        as_of, horizon_days
            What they are scores of.

        Raises
        ------
        StoreError
            Another job is writing into the store, or the folder cannot be written.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with FileLock(self.folder / ".lock", timeout=0):
                self._commit(pa.RecordBatchReader.from_batches(SCHEMA, batches), as_of, horizon_days)
        except Timeout as error:
            raise StoreError(f"{self.folder}: another job is writing here; run again when it is done") from error
        except CommitFailedError as error:
            raise StoreError(f"{self.folder}: another job wrote the same scores meanwhile; run again") from error
        except OSError as error:
            raise StoreError(f"{self.folder}: the scores cannot be written ({error}); the old ones stand") from error

    def _commit(self, reader: pa.RecordBatchReader, as_of: date, horizon_days: int) -> None:
        if not DeltaTable.is_deltatable(self.path):
            DeltaTable.create(self.path, SCHEMA, partition_by=PARTITIONS)
        write_deltalake(
            self.path,
            reader,
            mode="overwrite",
            partition_by=PARTITIONS,
            predicate=f"as_of = '{as_of.isoformat()}' AND horizon_days = {int(horizon_days)}",
        )

    def scores(self, as_of: date | None = None, horizon_days: int | None = None) -> Any:
        """Return scores as an Ibis table.

        Parameters
        ----------
        as_of
            As-of date; None: the newest.
        horizon_days
            Horizon; None: the only one there is at that date.

        Raises
        ------
        StoreError
            The store is not there, or holds no such scores, or several horizons and none was chosen.
        """
        table = self._table()
        held = sorted({(date.fromisoformat(p["as_of"]), int(p["horizon_days"])) for p in table.partitions()})
        if not held:
            raise StoreError(f"{self.folder}: this store holds no scores yet; run `regulars score` first")
        asked = [(day, horizon) for day, horizon in held if horizon_days in (None, horizon)]
        as_of = as_of or (asked or held)[-1][0]
        horizons = [horizon for day, horizon in asked if day == as_of]
        if len(horizons) != 1:
            there = ", ".join(f"{day} for {horizon} days" for day, horizon in held[-5:])
            why = "no such scores" if not horizons else "scores of several horizons; choose one with --horizon"
            raise StoreError(f"{self.folder}: {why} (as of {as_of}). The newest held are of {there}")
        return _read(table, as_of, horizons[0])

    def _table(self) -> DeltaTable:
        try:
            return DeltaTable(self.path)
        except TableNotFoundError as error:
            raise StoreError(f"{self.folder}: no store is here; `regulars score --store DIR` makes one") from error
        except DeltaError as error:
            raise StoreError(f"{self.folder}: the store cannot be read: {error}") from error


def _read(table: DeltaTable, as_of: date, horizon_days: int) -> Any:
    filters = [("as_of", "=", as_of.isoformat()), ("horizon_days", "=", str(horizon_days))]
    connection = connect()
    rows = connection.read_parquet(table.file_uris(file_pruning_predicate=filters))
    keys = {"as_of": ibis.literal(as_of), "horizon_days": ibis.literal(horizon_days, "int32")}
    # The keys stand in the paths of the files, not in them.
    return rows.mutate(**keys).select(*SCHEMA.names)
