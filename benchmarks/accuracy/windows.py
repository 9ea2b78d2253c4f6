"""What is judged: the logs, and the as-of dates and horizons in each."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from benchmarks.accuracy.made_up.kinds import KINDS
from features.ledger import Ledger, build_ledger
from features.log import Columns, Log

ROOT = Path(__file__).parents[2]
CDNOW = ROOT / "regulars" / "data" / "cdnow.parquet"
ONLINE_RETAIL = ROOT.parent / "shared" / "data" / "online_retail_II.parquet"
OPEN, MADE_UP = "open", "made-up"
SEED = 7


@dataclass(frozen=True)
class Window:
    """One outcome window of one log: what is predicted from an as-of date."""

    log: str
    kind: str
    as_of: date
    horizon_days: int

    @property
    def name(self) -> str:
        """What tables call it."""
        return f"{self.log} {self.as_of}, {self.horizon_days} days"


@dataclass(frozen=True)
class Course:
    """A log, how it is opened, and the windows in it.

    Attributes
    ----------
    log
        Its name.
    kind
        ``open`` or ``made-up``.
    dates
        As-of date and horizon in days of each window.
    ledger
        Builds the ledger.
    """

    log: str
    kind: str
    dates: tuple[tuple[date, int], ...]
    ledger: Callable[[], Ledger]

    def windows(self, only: str = "") -> list[Window]:
        """Return the windows whose name contains a text, whatever its case."""
        every = (Window(self.log, self.kind, as_of, horizon) for as_of, horizon in self.dates)
        return [window for window in every if only.casefold() in window.name.casefold()]


def courses(online_retail: Path, seed: int = SEED) -> Iterator[Course]:
    """Yield the open logs that are there, then the made-up ones."""
    yield Course(
        "CDNOW",
        OPEN,
        ((date(1997, 10, 1), 270), (date(1998, 1, 1), 90), (date(1998, 4, 1), 91)),
        open_cdnow,
    )
    if online_retail.exists():
        yield Course(
            "Online Retail II",
            OPEN,
            (
                (date(2010, 12, 1), 365),
                (date(2011, 3, 10), 90),
                (date(2011, 6, 10), 90),
                (date(2011, 6, 10), 180),
                (date(2011, 9, 10), 90),
            ),
            OnlineRetail(online_retail),
        )
    for name, kind in KINDS.items():
        yield Course(name, MADE_UP, kind.dates, MadeUp(name, seed))


def online_retail_path() -> Path:
    """Return where Online Retail II is looked for: REGULARS_ONLINE_RETAIL, else beside the project."""
    return Path(os.environ.get("REGULARS_ONLINE_RETAIL", ONLINE_RETAIL))


def open_cdnow() -> Ledger:
    """Build the ledger of the bundled log."""
    return build_ledger(Log(CDNOW, Columns(timestamp="date")))


@dataclass(frozen=True)
class OnlineRetail:
    """Online Retail II as its publisher gives it (Chen 2019, doi 10.24432/C5CG6D); rows without a customer left out."""

    path: Path

    def __call__(self) -> Ledger:
        """Build its ledger."""
        columns = Columns(
            customer_id="Customer ID",
            timestamp="InvoiceDate",
            amount="Quantity * Price",
            order_id="Invoice",
            product_id="StockCode",
            quantity="Quantity",
        )
        return build_ledger(Log(self.path, columns, max_bad_share=0.3))


@dataclass(frozen=True)
class MadeUp:
    """A made-up log, drawn in the process that needs it."""

    name: str
    seed: int

    def __call__(self) -> Ledger:
        """Draw the log and build its ledger."""
        return build_ledger(Log(KINDS[self.name].log(self.seed)))
