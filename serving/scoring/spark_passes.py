"""The two passes of a scoring on Spark: batches never leave the executors, which write the files of the store."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

from features.ledger import Ledger
from features.snapshot import snapshot
from models.bundle_files import bundle_texts
from models.lifetime import PARTS
from models.pin import Totals
from regulars.errors import StoreError
from serving.scoring.batch import ALLOCATION, SUMMARY, BatchScoring
from serving.scoring.partitions import TOTALS, WRITTEN, Allocate, Carried, Finish, count
from serving.scoring.passes import Pinned, Progress, valued
from serving.storage.part_files import PartFile, sweep
from serving.store import Store
from serving.valuation.margins import Margins

RANKED = ("customer_id", "clv", "r_score", "f_score", "m_score", "value_tier", "segment")


@contextmanager
def shared_folder(store: Path) -> Iterator[str]:
    """Make a folder beside the scores, where driver and executors both write, for as long as a scoring lasts."""
    store.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="scoring-", dir=store) as folder:
        # Executors may run as somebody else, who may write where the scores go.
        Path(folder).chmod(store.stat().st_mode)
        yield folder


@dataclass
class SparkPasses:
    """What both passes know; attributes as in `serving.scoring.passes.Passes`.

    `spill` lies where driver and executors see it. Every question to Spark works out its answer from the beginning, so
    what the first pass finds is written there, once.
    """

    scoring: BatchScoring
    margins: Margins
    spill: Path
    progress: Progress
    _connection: Any = field(init=False)
    _carried: Carried = field(init=False)
    _customers: int = field(init=False)

    def allocate(self, known: Ledger) -> Totals:
        """Write each customer's allocation, reasons and summary below the spill; return the totals."""
        scoring, self._connection = self.scoring, known.connection
        texts = self._connection.session.sparkContext.broadcast(bundle_texts(scoring.bundle))
        self._carried = Carried(texts, scoring.as_of, scoring.economics, scoring.long_run)
        rows = snapshot(known, scoring.as_of, scoring.bundle.window_days)
        self._connection.map(rows, Allocate(self._carried), ALLOCATION).write.parquet(str(self.spill.resolve()))
        if not any(self.spill.glob("part-*")):
            raise StoreError(
                f"{self.spill.parent.parent}: what the executors write here is not seen by this process: the store has "
                "to lie in a folder that all machines of the cluster share"
            )
        totals = Totals()
        for counts in self._connection.map(self._spilled(), count, TOTALS).collect():
            totals.merge(counts.asDict())
        self._customers = totals.customers
        self.progress(totals.customers)
        return totals

    def write(self, pinned: Pinned, store: Store, record: Callable[[], Mapping[str, Any]]) -> None:
        """Have the executors pin, finish and write; commit what they wrote."""
        table, prefix = Path(store.path).resolve(), f"part-{uuid4().hex}-"
        finish = Finish(self._carried, pinned.pins, pinned.stamp, table, prefix)

        def files() -> list[PartFile]:
            kept: list[PartFile] = []
            try:
                for row in self._connection.map(self._ranked(pinned), finish, WRITTEN).collect():
                    pinned.revenue.expected += row.expected
                    pinned.revenue.variance += row.variance
                    kept.append(PartFile(row.path, row.size, row.stats))
            finally:
                # What an attempt left whose executor was lost is written anew by another.
                sweep(table, prefix, kept)
            return kept

        store.adopt(files, self.scoring.as_of, self.scoring.bundle.horizon_days, record)
        self.progress(self._customers)

    def _spilled(self) -> Any:
        return self._connection.read_parquet(self.spill.resolve())

    def _ranked(self, pinned: Pinned) -> Any:
        """Return the spill with what depends on all customers."""
        spilled = self._spilled()
        # A rank among all customers is found in one place: only what is ranked goes there.
        narrow = spilled.select("customer_id", *PARTS, *SUMMARY)
        ranked = valued(narrow, pinned.level, pinned.pins, self.margins)
        return spilled.inner_join(ranked.select(*RANKED), "customer_id")
