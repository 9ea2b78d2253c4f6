"""The two passes of a scoring on this machine, of bounded memory: allocate to customers, then pin and finish."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from features.engine import engine_of
from features.exact import number
from features.ledger import Ledger
from features.sample import parts
from features.snapshot import BATCH_ROWS, framed, snapshot
from models.level import Level
from models.lifetime import value
from models.pin import Pins, Totals
from serving.scoring.batch import ALLOCATION, BatchScoring
from serving.scoring.revenue import Revenue
from serving.scoring.rfm_scores import rfm_scores
from serving.segments import segment, value_tier
from serving.store import Store
from serving.valuation.margins import Margins

Progress = Callable[[int], None]


@dataclass(frozen=True)
class Pinned:
    """What the second pass needs to know of all customers together.

    Attributes
    ----------
    level, pins
        The level forecast, and what makes the totals follow it.
    stamp
        `model_version`, `run_id`, `log_fingerprint`, `scored_at` of the scores.
    revenue
        Counts what is written.
    """

    level: Level
    pins: Pins
    stamp: Mapping[str, Any]
    revenue: Revenue


@dataclass
class Passes:
    """What both passes know.

    Attributes
    ----------
    scoring
        What happens to one batch.
    margins
        Margins of customers, where they have their own.
    spill
        File in which the first pass leaves what the second one reads.
    progress
        Called with the number of customers done, after each batch.
    """

    scoring: BatchScoring
    margins: Margins
    spill: Path
    progress: Progress
    _known: Ledger = field(init=False)

    def allocate(self, known: Ledger) -> Totals:
        """Write each customer's allocation, reasons and summary to the spill file; return the totals."""
        totals, self._known = Totals(), known
        # Numbers hardly repeat, and the file is read once: a dictionary would cost more than it saves.
        with pq.ParquetWriter(self.spill, ALLOCATION, use_dictionary=False, compression="lz4") as writer:
            for frame in self._frames(known):
                table = self.scoring.allocate(frame)
                totals.add(table)
                writer.write_table(table)
                self.progress(len(frame))
        return totals

    def write(self, pinned: Pinned, store: Store, record: Callable[[], Mapping[str, Any]]) -> None:
        """Write the scores into a store, streamed from the spill file; `record` is as for `Store.write`."""
        scores = pinned.revenue.counting(self._finished(pinned))
        store.write(scores, self.scoring.as_of, self.scoring.bundle.horizon_days, record)

    def _frames(self, known: Ledger) -> Iterator[pd.DataFrame]:
        for part in parts(known):
            # In no order: what is found of a customer depends on no other, and the second pass sorts far fewer columns.
            rows = snapshot(part, self.scoring.as_of, self.scoring.bundle.window_days)
            yield from map(framed, rows.to_pyarrow_batches(chunk_size=self._rows))

    @property
    def _rows(self) -> int:
        """Customers in a batch: it changes no score."""
        return min(BATCH_ROWS, self._known.memory.scored_rows)

    def _finished(self, pinned: Pinned) -> Iterator[pa.RecordBatch]:
        # The same engine, and so the same memory; another connection, on which nothing else is asked meanwhile.
        connection = engine_of(self._known.connection).fork(self._known.connection)
        spilled = connection.read_parquet(self.spill)
        table = valued(spilled, pinned.level, pinned.pins, self.margins).order_by("customer_id")
        for batch in table.to_pyarrow_batches(chunk_size=self._rows):
            self.progress(len(batch))
            yield self.scoring.finish(batch, pinned.pins, pinned.stamp)


def valued(allocation: Any, level: Level, pins: Pins, margins: Margins) -> Any:
    """Add to an Ibis table of `serving.scoring.batch.ALLOCATION`, of all customers, their values, scores and segments.

    Returns
    -------
    ibis.Table
        With `clv`, `r_score`, `f_score`, `m_score`, `value_tier`, `segment`.
    """
    table = allocation.mutate(clv=value(allocation, pins, level, number))
    if margins.rates is not None:
        table = margins.rate_of(table, table.get_backend())
        table = table.mutate(clv=table.clv * table.margin_rate)
    table = table.mutate(**rfm_scores(table), value_tier=value_tier(table))
    return table.mutate(segment=segment(table.r_score, table.f_score, table.m_score))
