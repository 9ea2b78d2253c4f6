"""The table `ledger/` of a store: the customer-days before the as-of date, by month.

Its columns are those of `features.ledger.Ledger.days` and `month` (text, such as 2011-09), but for `next_purchase`,
which follows from the other rows, and changes in old months whenever a customer comes back. Of a ledger that a night
made a little longer, only the months that changed are written.
"""

from collections.abc import Iterable, Iterator
from datetime import date
from itertools import groupby, pairwise
from operator import itemgetter
from pathlib import Path
from typing import Any
from uuid import uuid4

import ibis
import numpy as np
import pyarrow as pa
from deltalake import DeltaTable, Schema
from deltalake.transaction import create_table_with_add_actions

from features.fingerprint import month_fingerprints
from features.ledger import Ledger
from features.snapshot import BATCH_ROWS
from serving.storage.delta import version_of
from serving.storage.part_files import write_part

LEFT_OUT = "next_purchase"
MONTH = "month"


def write_ledger(path: Path, known: Ledger, before: dict[str, Any] | None) -> dict[str, Any]:
    """Bring the table up to what a ledger knows, in one commit, from the first month on that differs.

    Parameters
    ----------
    path
        The Delta table; made where it is not there.
    known
        The ledger before the as-of date.
    before
        What this function returned when the table was last written; None: not known, and all of it is written.

    Returns
    -------
    dict
        `version` of the Delta table, `columns`, and `months`: a fingerprint of each.
    """
    days = known.days.drop(LEFT_OUT)
    months = month_fingerprints(days)
    columns = sorted(days.columns)
    same = before is not None and before["columns"] == columns and before["version"] == version_of(path)
    old = before["months"] if before is not None and same else {}
    changed = sorted(month for month in {*old, *months} if old.get(month) != months.get(month))
    if changed:
        _write(path, days, changed[0] if same else None)
    return {"version": version_of(path), "columns": columns, "months": months}


def _write(path: Path, days: Any, first: str | None) -> None:
    if first is not None:
        days = days.filter(days.day >= ibis.literal(date.fromisoformat(f"{first}-01")))
    ordered = days.order_by(days.day.year() * 12 + days.day.month(), "customer_id", "day")
    schema = ordered.schema().to_pyarrow()
    months = groupby(_by_month(ordered.to_pyarrow_batches(chunk_size=BATCH_ROWS)), key=itemgetter(0))
    parts = [
        write_part(path, Path(f"month={month}", f"part-{uuid4().hex}.parquet"), schema, (rows for _, rows in pieces))
        for month, pieces in months
    ]
    added = [part.added_to(path) for part in parts if part is not None]
    whole = Schema.from_arrow(schema.append(pa.field(MONTH, pa.string())))
    if version_of(path) is None:
        create_table_with_add_actions(str(path), whole, added, partition_by=[MONTH])
    else:
        since = None if first is None else [(MONTH, ">=", first)]
        DeltaTable(str(path)).create_write_transaction(added, "overwrite", whole, [MONTH], since)


def _by_month(batches: Iterable[pa.RecordBatch]) -> Iterator[tuple[str, pa.RecordBatch]]:
    """Cut batches that are in order of their months where a month begins, and say which it is."""
    for batch in batches:
        months = batch["day"].to_numpy(zero_copy_only=False).astype("datetime64[M]")
        # Of an empty batch there is no first month.
        begins = [0, *(np.flatnonzero(months[1:] != months[:-1]) + 1)] if len(months) else []
        for begin, end in pairwise([*begins, len(months)]):
            yield str(months[begin]), batch.slice(begin, end - begin)
