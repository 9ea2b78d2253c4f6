"""The two passes of a scoring, of bounded memory: allocate to customers, then pin the sum and say what is written."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from features.engine import connect
from features.exact import number
from features.ledger import Ledger
from features.snapshot import BATCH_ROWS, frames, snapshot
from models.bundle import Bundle
from models.level import Level
from models.lifetime import Economics, value
from models.long_run import LongRun
from models.pin import Pins, Totals
from serving.scoring.past_years import forecast_long_run
from serving.scoring.reasons import reasons
from serving.scoring.revenue import Revenue
from serving.scoring.rfm_scores import rfm_scores
from serving.segments import segment, value_tier
from serving.storage.score_table import MARGIN, REVENUE, SCHEMA
from serving.valuation.margins import Margins

Progress = Callable[[int], None]


@dataclass(frozen=True)
class Passes:
    """What both passes know.

    Attributes
    ----------
    bundle
        The models.
    as_of
        The as-of date.
    economics, margins
        What turns spend into value.
    spill
        File in which the first pass leaves what the second one reads.
    progress
        Called with the number of customers done, after each batch.
    """

    bundle: Bundle
    as_of: date
    economics: Economics
    margins: Margins
    spill: Path
    progress: Progress

    def allocate(self, known: Ledger) -> Totals:
        """Write each customer's allocation, reasons and summary to the spill file; return the totals."""
        totals = Totals()
        long_run = forecast_long_run(self.bundle, known, self.as_of)
        writer: pq.ParquetWriter | None = None
        for frame in frames(snapshot(known, self.as_of, self.bundle.window_days)):
            allocation = self.bundle.allocate(frame)
            totals.add(allocation)
            table = pa.Table.from_pandas(self._summary(frame, allocation, long_run), preserve_index=False)
            # A batch in which nobody has a reason would give that column no type.
            place = table.schema.get_field_index("reasons")
            table = table.set_column(place, "reasons", table["reasons"].cast(pa.list_(pa.string())))
            writer = writer or pq.ParquetWriter(self.spill, table.schema)
            writer.write_table(table)
            self.progress(len(frame))
        if writer is not None:
            writer.close()
        return totals

    def _summary(self, frame: pd.DataFrame, allocation: pd.DataFrame, long_run: LongRun) -> pd.DataFrame:
        keys = frame.index.to_frame()
        return allocation.join(self.bundle.value_parts(frame, allocation, long_run, self.economics)).assign(
            customer_id=keys["customer_id"],
            as_of=keys["as_of"],
            recency_days=frame["recency_days"],
            frequency=frame["purchase_days"],
            monetary=frame["monetary"],
            tenure_days=frame["tenure_days"],
            reasons=reasons(self.bundle, frame),
        )

    def pinned(self, level: Level, pins: Pins, stamp: dict[str, Any], revenue: Revenue) -> Iterator[pa.RecordBatch]:
        """Stream the spill file with what depends on all customers, pinned and in the store's columns."""
        if not self.spill.exists():
            return
        table = self._valued(level, pins).order_by("customer_id")
        basis = REVENUE if self.economics.margin is None else MARGIN
        for batch in table.to_pyarrow_batches(chunk_size=BATCH_ROWS):
            frame = batch.to_pandas()
            predicted = self.bundle.predictions(frame, pins)
            revenue.add(predicted)
            days = pd.to_timedelta(predicted["next_order_days"], unit="D")
            full = frame.assign(
                **predicted.drop(columns="next_order_days"),
                clv_basis=basis,
                next_order_date=pd.to_datetime(frame["as_of"]) + days,
                horizon_days=self.bundle.horizon_days,
                **stamp,
            )
            self.progress(len(frame))
            yield pa.RecordBatch.from_pandas(full[SCHEMA.names], schema=SCHEMA, preserve_index=False)

    def _valued(self, level: Level, pins: Pins) -> Any:
        connection = connect()
        table = connection.read_parquet(self.spill)
        worth = value(table, pins, level, number)
        if self.margins.rates is not None:
            table = self.margins.rate_of(table.mutate(clv=worth), connection)
            table = table.mutate(clv=table.clv * table.margin_rate)
        else:
            table = table.mutate(clv=worth)
        table = table.mutate(**rfm_scores(table), value_tier=value_tier(table))
        return table.mutate(segment=segment(table.r_score, table.f_score, table.m_score))
