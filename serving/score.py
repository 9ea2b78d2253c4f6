"""Scoring: one score a customer into the store, and what pages and lists need beside it."""

import tempfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from features.engine import engine_of
from features.ledger import Ledger
from features.sample import fits
from models.bundle import Bundle
from models.level import Level
from models.lifetime import Economics
from models.pin import Totals
from models.registry import Registered
from regulars.errors import BundleError
from serving.scoring.batch import BatchScoring
from serving.scoring.hindsight import Hindsight
from serving.scoring.passes import Passes, Pinned, Progress
from serving.scoring.revenue import Revenue
from serving.scoring.spark_passes import SparkPasses, shared_folder
from serving.storage.customer_table import known_customers, write_customers
from serving.storage.delta import clear, open_delta, read_delta
from serving.storage.ledger_table import write_ledger
from serving.store import CUSTOMERS, LEDGER, Store
from serving.valuation.acquisition import Acquisition, find_acquisition
from serving.valuation.margins import Margins, find_margins


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
    revenue
        `expected_spend` of all customers, and `low` and `high`: see `serving.scoring.revenue`.
    margin
        Margin of all together; None: not given, and `clv` is discounted revenue.
    notes
        What a person should know besides.
    """

    customers: int
    as_of: date
    horizon_days: int
    level: Level
    model_version: str
    window_days: int
    revenue: dict[str, float]
    margin: float | None = None
    notes: tuple[str, ...] = ()


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
        Where the scores go; those of the same as-of date and horizon are replaced, all at once. Where no scoring of a
        later date is there, so are the store's ledger and customers.
    economics
        Margin, discount rate, lifetime and acquisition cost; None: the defaults.
    progress
        Called with the number of customers done, after each batch of either pass: twice their number in all.

    Raises
    ------
    BundleError
        The as-of date is before the training's, or the log's columns are not those of the training.
    HistoryError
        Nothing is known at the as-of date.
    RegularsError
        Margins or costs cannot be read.
    StoreError
        The scores cannot be written.
    """
    bundle = registered.bundle
    _require_later(bundle, as_of)
    known = ledger.before(as_of).following(bundle.encoding.columns)
    economics = economics or Economics()
    on_spark = engine_of(known.connection).DISTRIBUTED
    with shared_folder(store.folder) if on_spark else tempfile.TemporaryDirectory(prefix="regulars-score-") as folder:
        margins = find_margins(known, as_of, economics, Path(folder))
        acquisition = find_acquisition(known, economics)
        job = _Job(registered, known, as_of, economics, margins, acquisition)
        return job.run(Path(folder) / "allocation.parquet", store, progress)


def _require_later(bundle: Bundle, as_of: date) -> None:
    trained = date.fromisoformat(bundle.facts["as_of"])
    if as_of < trained:
        raise BundleError(
            f"the model was trained as of {trained} and has seen what came after {as_of}: its scores there would look "
            f"better than they are; score as of {trained} or later, or train with --as-of {as_of}"
        )


@dataclass(frozen=True)
class _Job:
    """One scoring, once everything that it needs was found."""

    registered: Registered
    known: Ledger
    as_of: date
    economics: Economics
    margins: Margins
    acquisition: Acquisition

    def run(self, spill: Path, store: Store, progress: Progress) -> Scoring:
        with store.writing(), ThreadPoolExecutor(max_workers=1) as beside:
            # It is not needed until the scores are committed, and what each leaves of the cores the other takes.
            written = beside.submit(self._write_ledger, store)
            if not fits(self.known):
                # Nor is there memory for both.
                written.result()
            past = Hindsight.of(self.registered.bundle, self.known, self.as_of)
            scoring = BatchScoring(self.registered.bundle, self.as_of, self.economics, past.long_run)
            on_spark = engine_of(self.known.connection).DISTRIBUTED
            passes = (SparkPasses if on_spark else Passes)(scoring, self.margins, spill, progress)
            totals = passes.allocate(self.known)
            return self._finish(passes, store, totals, past, written.result())

    def _write_ledger(self, store: Store) -> dict[str, Any] | None:
        """Bring the store's ledger up to date, unless a scoring of a later date did."""
        newest = store.newest_tables()
        if newest is not None and date.fromisoformat(newest["as_of"]) > self.as_of:
            return None
        return write_ledger(store.folder / LEDGER, self.known.fork(), newest and newest[LEDGER])

    def _finish(
        self,
        passes: Passes | SparkPasses,
        store: Store,
        totals: Totals,
        past: Hindsight,
        ledger: dict[str, Any] | None,
    ) -> Scoring:
        bundle, registered, revenue, level = self.registered.bundle, self.registered, Revenue(), past.level
        # Whole milliseconds: so they stand in the statistics of the table, by which a record finds its scores.
        now = datetime.now(UTC)
        stamp = {
            "model_version": registered.version,
            "run_id": registered.run_id,
            "log_fingerprint": self.known.fingerprint,
            "scored_at": now.replace(microsecond=now.microsecond // 1000 * 1000),
        }
        pinned = Pinned(level, totals.pins(level), stamp, revenue)
        tables, notes = None, self.margins.notes
        if ledger is not None:
            customers, more = self._write_customers(store)
            tables, notes = {LEDGER: ledger, CUSTOMERS: customers}, (*notes, *more)

        def record() -> dict[str, Any]:
            written = {"notes": notes, "tables": tables}
            return self._record(stamp, totals.customers, level, revenue.interval(past.misses)) | written

        passes.write(pinned, store, record)
        for name, written in (tables or {}).items():
            clear(store.folder / name, written["version"])
        return Scoring(
            totals.customers,
            self.as_of,
            bundle.horizon_days,
            level,
            registered.version,
            bundle.window_days,
            revenue.interval(past.misses),
            self.margins.overall,
            notes,
        )

    def _write_customers(self, store: Store) -> tuple[dict[str, Any], Iterable[str]]:
        """Bring the store's customers up to date; return what is to be remembered of them, and notes."""
        customers = known_customers(self.known, self.margins, self.acquisition)
        written = write_customers(store.folder / CUSTOMERS, customers)
        rows = read_delta(store.connection, open_delta(store.folder / CUSTOMERS))
        return written, self.acquisition.notes(rows)

    def _record(self, stamp: dict[str, Any], customers: int, level: Level, total: dict[str, float]) -> dict[str, Any]:
        bundle, given = self.registered.bundle, self.economics
        return {
            "as_of": self.as_of.isoformat(),
            "horizon_days": bundle.horizon_days,
            "model_version": self.registered.version,
            "run_id": self.registered.run_id,
            "scored_at": stamp["scored_at"].isoformat(),
            "customers": customers,
            "level": asdict(level),
            "window_days": bundle.window_days,
            "economics": {
                "margin": self.margins.overall,
                "margin_kind": self.margins.kind,
                "margin_given": given.margin,
                "discount": given.discount,
                "lifetime_days": given.lifetime_days,
                "acquisition": self.acquisition.given,
            },
            "total": total,
        }
