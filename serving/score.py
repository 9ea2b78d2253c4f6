"""Scoring: one score a customer, in two passes of bounded memory: allocate, then pin the sum and write."""

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import ibis
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from features.engine import connect
from features.ledger import Ledger
from features.outcome import customer_groups
from features.snapshot import BATCH_ROWS, frames, snapshot
from features.window import schedule
from models.bundle import Bundle
from models.level import Level, windows
from models.lifetime import Economics, value
from models.long_run import LongRun
from models.pin import Pins, Totals
from models.registry import Registered
from regulars.errors import BundleError, HistoryError
from serving.past_years import forecast_long_run
from serving.reasons import reasons
from serving.rfm_scores import rfm_scores
from serving.segments import segment, value_tier
from serving.store import SCHEMA, Store

Progress = Callable[[int], None]


@dataclass(frozen=True)
class Scoring:
    """What a scoring run did.

    Attributes
    ----------
    customers
        Number of scores.
    as_of, horizon_days
        What they are scores of.
    level
        The level forecast of the as-of date.
    model_version
        The version that was used.
    window_days
        Length of the past windows that taught it: shorter than the horizon where it extrapolates.
    """

    customers: int
    as_of: date
    horizon_days: int
    level: Level
    model_version: str
    window_days: int


def score(
    ledger: Ledger,
    as_of: date,
    registered: Registered,
    store: Store,
    economics: Economics | None = None,
    progress: Progress = lambda customers: None,
) -> Scoring:
    """Score every customer known at an as-of date into a store.

    Parameters
    ----------
    ledger
        The ledger; its days at or after `as_of` are not read.
    as_of
        At or after the as-of date of the training. The level is forecast anew for it, from the ledger.
    registered
        The bundle.
    store
        Where the scores go; those of the same as-of date and horizon are replaced, all at once.
    economics
        Margin, discount rate and lifetime; None: the defaults.
    progress
        Called with the number of customers done, after each batch of either pass: twice their number in all.

    Raises
    ------
    BundleError
        The as-of date is before the training's, or the log's columns are not those of the training.
    HistoryError
        Nothing is known at the as-of date.
    StoreError
        The scores cannot be written.
    """
    bundle = registered.bundle
    _require_later(bundle, as_of)
    known = ledger.before(as_of)
    level = forecast_level(bundle, known, as_of)
    with tempfile.TemporaryDirectory(prefix="regulars-score-") as folder:
        spill = Path(folder) / "allocation.parquet"
        totals = _allocate(bundle, known, as_of, economics or Economics(), spill, progress)
        stamp = {
            "model_version": registered.version,
            "run_id": registered.run_id,
            "log_fingerprint": ledger.fingerprint,
            "scored_at": datetime.now(UTC),
        }
        pinned = _pinned(bundle, level, totals.pins(level), spill, stamp, progress)
        store.write(pinned, as_of, bundle.horizon_days)
    return Scoring(totals.customers, as_of, bundle.horizon_days, level, registered.version, bundle.window_days)


def forecast_level(bundle: Bundle, known: Ledger, as_of: date) -> Level:
    """Forecast the level of an as-of date from the windows of a bundle's length that were complete by then."""
    plan = schedule(known.span, as_of, bundle.horizon_days, bundle.window_days)
    past = windows(customer_groups(known, plan.dates, plan.window_days).to_pandas(), bundle.btyd, plan.window_days)
    if as_of not in past:
        raise HistoryError(f"nobody had bought before {as_of}: the log holds only refunds by then; choose a later date")
    return bundle.level_rule.forecast(past, plan)


def _require_later(bundle: Bundle, as_of: date) -> None:
    trained = date.fromisoformat(bundle.facts["as_of"])
    if as_of < trained:
        raise BundleError(
            f"the model was trained as of {trained} and has seen what came after {as_of}: its scores there would look "
            f"better than they are; score as of {trained} or later, or train with --as-of {as_of}"
        )


def _allocate(
    bundle: Bundle, known: Ledger, as_of: date, economics: Economics, spill: Path, progress: Progress
) -> Totals:
    """First pass: write each customer's allocation, reasons and summary to a spill file; return the totals."""
    totals = Totals()
    long_run = forecast_long_run(bundle, known, as_of)
    writer: pq.ParquetWriter | None = None
    for frame in frames(snapshot(known, as_of, bundle.window_days)):
        allocation = bundle.allocate(frame)
        totals.add(allocation)
        table = pa.Table.from_pandas(_summary(bundle, frame, allocation, long_run, economics), preserve_index=False)
        # A batch in which nobody has a reason would give that column no type.
        place = table.schema.get_field_index("reasons")
        table = table.set_column(place, "reasons", table["reasons"].cast(pa.list_(pa.string())))
        writer = writer or pq.ParquetWriter(spill, table.schema)
        writer.write_table(table)
        progress(len(frame))
    if writer is not None:
        writer.close()
    return totals


def _summary(
    bundle: Bundle, frame: pd.DataFrame, allocation: pd.DataFrame, long_run: LongRun, economics: Economics
) -> pd.DataFrame:
    keys = frame.index.to_frame()
    return allocation.join(bundle.value_parts(frame, allocation, long_run, economics)).assign(
        customer_id=keys["customer_id"],
        as_of=keys["as_of"],
        recency_days=frame["recency_days"],
        frequency=frame["purchase_days"],
        monetary=frame["monetary"],
        tenure_days=frame["tenure_days"],
        reasons=reasons(bundle, frame),
    )


def _pinned(
    bundle: Bundle, level: Level, pins: Pins, spill: Path, stamp: dict[str, Any], progress: Progress
) -> Iterator[pa.RecordBatch]:
    """Second pass: stream the spill file with what depends on all customers, pinned and in the store's columns."""
    if not spill.exists():
        return
    table = connect().read_parquet(spill)
    table = table.mutate(clv=value(table, pins, level, _exactly))
    table = table.mutate(**rfm_scores(table), value_tier=value_tier(table))
    table = table.mutate(segment=segment(table.r_score, table.f_score, table.m_score)).order_by("customer_id")
    for batch in table.to_pyarrow_batches(chunk_size=BATCH_ROWS):
        frame = batch.to_pandas()
        predicted = bundle.predictions(frame, pins)
        days = pd.to_timedelta(predicted["next_order_days"], unit="D")
        full = frame.assign(
            **predicted.drop(columns="next_order_days"),
            next_order_date=pd.to_datetime(frame["as_of"]) + days,
            horizon_days=bundle.horizon_days,
            **stamp,
        )
        progress(len(frame))
        yield pa.RecordBatch.from_pandas(full[SCHEMA.names], schema=SCHEMA, preserve_index=False)


def _exactly(number: float) -> Any:
    # Written as a number, SQL would read a decimal out of it, and miss its last bit.
    return ibis.literal(repr(float(number))).cast("float64")
