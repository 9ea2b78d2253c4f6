"""The table `ledger/` of a store: the customer-days before the as-of date, by month.

Its columns are those of `features.ledger.Ledger.days` and `month` (text, such as 2011-09), but for `next_purchase`,
which follows from the other rows, and changes in old months whenever a customer comes back. Of a ledger that a night
made a little longer, only the months that changed are written.
"""

from pathlib import Path
from typing import Any

import ibis
from deltalake import write_deltalake

from features.fingerprint import month_fingerprints, month_of
from features.ledger import Ledger
from features.snapshot import BATCH_ROWS
from serving.storage.delta import version_of

LEFT_OUT = "next_purchase"
LARGEST_FILE = 64 * 2**20
"""Bytes; as much of each month that is being written is held in memory."""


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
    rows = days.mutate(month=month_of(days))
    if first is not None:
        rows = rows.filter(rows.month >= ibis.literal(first))
    write_deltalake(
        str(path),
        # By a number, which sorts as the text does, in half the time.
        rows.order_by(rows.day.year() * 12 + rows.day.month(), "customer_id", "day").to_pyarrow_batches(
            chunk_size=BATCH_ROWS
        ),
        mode="overwrite",
        partition_by=["month"],
        predicate=None if first is None else f"month >= '{first}'",
        schema_mode="overwrite" if first is None else None,
        target_file_size=LARGEST_FILE,
    )
