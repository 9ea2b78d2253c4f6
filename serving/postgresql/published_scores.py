"""The scores that are published, as Arrow batches in the columns of their table."""

from collections.abc import Iterator
from datetime import date

import ibis
import pyarrow as pa

from serving.store import MARGIN, REVENUE, Store

BATCH_ROWS = 20_000


def score_batches(store: Store, as_of: date, horizon_days: int) -> Iterator[pa.RecordBatch]:
    """Yield the scores of an as-of date and horizon; `clv` is told from what is only revenue."""
    scores = store.scores(as_of, horizon_days)
    nothing = ibis.null("float64")
    table = scores.mutate(
        clv=(scores.clv_basis == MARGIN).ifelse(scores.clv, nothing),
        discounted_revenue=(scores.clv_basis == REVENUE).ifelse(scores.clv, nothing),
    )
    yield from table.to_pyarrow_batches(chunk_size=BATCH_ROWS)
