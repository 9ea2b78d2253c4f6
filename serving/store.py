"""The store: a folder that scoring fills and everybody else reads.

`scores/` is the public contract. `ledger/` and `customers/` are what the newest scoring knew, `models/` holds model
cards, `scorings/` a record of each scoring. Scores are committed last, and their record names the versions of the
tables that belong to them: a job that is killed at any moment leaves a store that reads as it did before.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
from deltalake import DeltaTable
from deltalake.exceptions import CommitFailedError
from filelock import FileLock, Timeout

from features.engine import connect
from features.fingerprint import month_of
from regulars.errors import StoreError
from serving.storage.delta import open_delta, read_delta
from serving.storage.part_files import PartFile
from serving.storage.score_files import commit_files, write_file
from serving.storage.score_table import MARGIN, REVENUE, SCHEMA, held_in, moments, read_scores
from serving.storage.scorings import SCORINGS, Scorings

__all__ = ["CUSTOMERS", "KEPT", "LEDGER", "MARGIN", "MODELS", "REVENUE", "SCHEMA", "SCORES", "Store"]

SCORES, LEDGER, CUSTOMERS, MODELS = "scores", "ledger", "customers", "models"
KEPT = "kept"
"""Where the log is kept, so that the next night reads only what is new: see `features.kept.kept_log`."""


class Store:
    """A folder of scores and of what belongs to them.

    Parameters
    ----------
    folder
        Where it is; made when the first scores are written.
    connection
        Ibis connection to DuckDB on which everything is read, so that its tables can be joined; None: one of its own.
    """

    def __init__(self, folder: Path, connection: Any = None) -> None:
        self.folder = folder
        self._given = connection
        self._lock = FileLock(folder / ".lock", timeout=0)

    @cached_property
    def connection(self) -> Any:
        """The Ibis connection of the tables."""
        return self._given or connect()

    @property
    def path(self) -> str:
        """Path of the Delta table of scores."""
        return str(self.folder / SCORES)

    @property
    def version(self) -> int:
        """Delta version of the scores: another number means that there is something new to read."""
        return int(self._table().version())

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Let nobody else write into the store for as long as this lasts.

        Raises
        ------
        StoreError
            Another job is writing into the store, or the folder cannot be written.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with self._lock:
                yield
        except Timeout as error:
            raise StoreError(f"{self.folder}: another job is writing here; run again when it is done") from error
        except CommitFailedError as error:
            raise StoreError(f"{self.folder}: another job wrote the same scores meanwhile; run again") from error
        except OSError as error:
            raise StoreError(f"{self.folder}: the scores cannot be written ({error}); the old ones stand") from error

    def write(
        self,
        batches: Iterable[pa.RecordBatch],
        as_of: date,
        horizon_days: int,
        record: Callable[[], Mapping[str, Any]] | None = None,
    ) -> None:
        """Replace the scores of one as-of date and horizon, atomically: a reader sees the old ones or the new.

        Parameters
        ----------
        batches
            Arrow batches of `SCHEMA`, streamed.
        as_of, horizon_days
            What they are scores of.
        record
            Called after the last batch and before the commit: what to remember of the scoring; None: nothing.

        Raises
        ------
        StoreError
            Another job is writing into the store, or the folder cannot be written.
        """

        def files() -> list[PartFile]:
            written = write_file(Path(self.path), "part-", as_of, horizon_days, batches)
            return [] if written is None else [written]

        self.adopt(files, as_of, horizon_days, record)

    def adopt(
        self,
        files: Callable[[], Sequence[PartFile]],
        as_of: date,
        horizon_days: int,
        record: Callable[[], Mapping[str, Any]] | None = None,
    ) -> None:
        """Replace the scores as `write` does, by files that are written into the table's folder.

        Parameters
        ----------
        files
            Has them written, and returns what they are.
        as_of, horizon_days, record
            As for `write`, and so are the errors.
        """
        with self.writing():
            written = files()
            if record is not None:
                self._records.prepare(record())
            commit_files(Path(self.path), written, as_of, horizon_days)
            if record is not None:
                self._records.settle(as_of, horizon_days)

    def held(self) -> list[tuple[date, int]]:
        """Return what there are scores of, as-of dates and horizons, oldest first."""
        return held_in(self._table())

    def scorings(self) -> list[dict[str, Any]]:
        """Return the record of every scoring whose scores are held, the newest as-of date first.

        Scores of a store of an older version have none.
        """
        if not DeltaTable.is_deltatable(self.path):
            return []
        found = [
            self._records.of(as_of, horizon, made) for (as_of, horizon), made in moments(DeltaTable(self.path)).items()
        ]
        kept = [record for record in found if record is not None]
        return sorted(kept, key=lambda record: (record["as_of"], record["scored_at"]), reverse=True)

    def record(self, as_of: date, horizon_days: int) -> dict[str, Any] | None:
        """Return the record of the scoring of an as-of date and horizon; None in a store of an older version."""
        asked = as_of.isoformat(), horizon_days
        return next((record for record in self.scorings() if (record["as_of"], record["horizon_days"]) == asked), None)

    def choose(self, as_of: date | None = None, horizon_days: int | None = None) -> tuple[date, int]:
        """Return the as-of date and horizon that `scores` reads; parameters and errors as there."""
        return self._chosen(self._table(), as_of, horizon_days)

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
        return read_scores(self.connection, table, *self._chosen(table, as_of, horizon_days))

    def apart(self) -> "Store":
        """Return the same store on a connection that nobody else uses."""
        return Store(self.folder)

    def kept_values(self, as_of: date | None, horizon_days: int | None) -> Any:
        """Return what `serving.economics.customer_values` gives, where it is kept at hand; None: work it out."""
        return None

    def ledger(self) -> Any:
        """Return the customer-days that the newest scoring knew, as an Ibis table; see `serving.storage.ledger_table`.

        Raises
        ------
        StoreError
            There is none yet: the store is of an older version.
        """
        rows = read_delta(self.connection, self._belonging(LEDGER))
        return rows.mutate(month=month_of(rows))

    def customers(self) -> Any:
        """Return the customers that the newest scoring knew, as an Ibis table; see `serving.storage.customer_table`.

        Raises
        ------
        StoreError
            There is none yet: the store is of an older version.
        """
        return read_delta(self.connection, self._belonging(CUSTOMERS))

    def card(self, model_version: str, horizon_days: int) -> Path:
        """Return the folder of a model's card: model_card.html, model_card.md, facts.json, as far as there were any."""
        return self.folder / MODELS / f"{int(horizon_days)}d-v{model_version}"

    def newest_tables(self) -> dict[str, Any] | None:
        """Return the as-of date and versions of `ledger` and `customers` that belong together; None where none do."""
        return next(
            (record["tables"] | {"as_of": record["as_of"]} for record in self.scorings() if record["tables"]), None
        )

    @property
    def _records(self) -> Scorings:
        return Scorings(self.folder / SCORINGS)

    def _belonging(self, name: str) -> DeltaTable:
        tables = self.newest_tables()
        return open_delta(self.folder / name, None if tables is None else tables[name]["version"])

    def _table(self) -> DeltaTable:
        path = Path(self.path)
        if not DeltaTable.is_deltatable(self.path):
            raise StoreError(f"{self.folder}: no store is here; `regulars score --store DIR` makes one")
        return open_delta(path)

    def _chosen(self, table: DeltaTable, as_of: date | None, horizon_days: int | None) -> tuple[date, int]:
        held = held_in(table)
        if not held:
            raise StoreError(f"{self.folder}: this store holds no scores yet; run `regulars score` first")
        asked = [(day, horizon) for day, horizon in held if horizon_days in (None, horizon)]
        as_of = as_of or (asked or held)[-1][0]
        horizons = [horizon for day, horizon in asked if day == as_of]
        if len(horizons) != 1:
            there = ", ".join(f"{day} for {horizon} days" for day, horizon in held[-5:])
            why = "no such scores" if not horizons else "scores of several horizons; choose one with --horizon"
            raise StoreError(f"{self.folder}: {why} (as of {as_of}). The newest held are of {there}")
        return as_of, horizons[0]
