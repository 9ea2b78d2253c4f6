"""What the executors of a cluster do with a partition of customers: what a single machine does with its batches."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa

from features.snapshot import framed
from models.bundle import Bundle
from models.bundle_files import bundle_of
from models.lifetime import Economics
from models.long_run import LongRun
from models.pin import SUMS, Pins, Totals
from serving.scoring.batch import BatchScoring
from serving.scoring.revenue import Revenue
from serving.storage.score_files import write_file

Batches = Iterator[pa.RecordBatch]

TOTALS = pa.schema([*((name, pa.int64()) for name in ("customers", *SUMS)), ("logits", pa.list_(pa.int64()))])
"""What is counted between the passes: `Totals.counts`."""
WRITTEN = pa.schema(
    [
        ("path", pa.string()),
        ("size", pa.int64()),
        ("stats", pa.string()),
        ("expected", pa.float64()),
        ("variance", pa.float64()),
    ]
)
"""What the second pass says of each file that it wrote: `PartFile`, and the sums of `Revenue`."""


@dataclass(frozen=True)
class Carried:
    """A scoring as it travels: texts and plain values.

    Attributes
    ----------
    texts
        Broadcast of `models.bundle_files.bundle_texts`.
    as_of, economics, long_run
        As in `BatchScoring`.
    """

    texts: Any
    as_of: date
    economics: Economics
    long_run: LongRun

    def scoring(self) -> BatchScoring:
        """Return the scoring, its bundle made once in each Python worker."""
        texts = tuple(sorted(self.texts.value.items()))
        return BatchScoring(_bundle(texts), self.as_of, self.economics, self.long_run)


@dataclass(frozen=True)
class Allocate:
    """First pass: from batches of the snapshot to those of `serving.scoring.batch.ALLOCATION`."""

    carried: Carried

    def __call__(self, batches: Batches) -> Batches:
        """Allocate to the customers of a partition."""
        scoring = self.carried.scoring()
        for batch in batches:
            if batch.num_rows:
                yield from scoring.allocate(framed(batch)).to_batches()


def count(batches: Batches) -> Batches:
    """Between the passes: from batches of allocations to one of `Totals.counts`."""
    totals = Totals()
    for batch in batches:
        totals.add(batch)
    yield pa.RecordBatch.from_pylist([totals.counts()], schema=TOTALS)


@dataclass(frozen=True)
class Finish:
    """Second pass: from batches of allocations, valued and ranked, to a file of scores of which `WRITTEN` tells.

    Attributes
    ----------
    carried, pins, stamp
        As `BatchScoring.finish` wants them.
    table
        Folder of the table of scores.
    prefix
        What the names of the files begin with.
    """

    carried: Carried
    pins: Pins
    stamp: Mapping[str, Any]
    table: Path
    prefix: str

    def __call__(self, batches: Batches) -> Batches:
        """Finish and write a partition; one batch of one row, or none where there are no customers."""
        scoring, revenue = self.carried.scoring(), Revenue()
        found = (scoring.finish(batch, self.pins, self.stamp) for batch in batches if batch.num_rows)
        written = write_file(
            self.table, self.prefix, scoring.as_of, scoring.bundle.horizon_days, revenue.counting(found)
        )
        if written is not None:
            row = {"path": written.path, "size": written.size, "stats": written.stats}
            row |= {"expected": revenue.expected, "variance": revenue.variance}
            yield pa.RecordBatch.from_pylist([row], schema=WRITTEN)


@lru_cache(maxsize=1)
def _bundle(texts: tuple[tuple[str, str], ...]) -> Bundle:
    return bundle_of(dict(texts))
