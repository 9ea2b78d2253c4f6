"""Snapshots of a log, from a ledger that is there: `python -m benchmarks.speed.parts.snapshots LOG HOW ROWS DATE…`.

`HOW` is `together` (one query for all dates), `apart` (one after the other) or `sampled` (together, of about ROWS rows
in all, as training takes them). Batches are read and let go.
"""

import sys
from collections.abc import Sequence
from datetime import date
from typing import Any

from benchmarks.speed.parts.clock import working
from features.ledger import build_ledger
from features.log import Log
from features.snapshot import sampled, snapshot


def rows_of(table: Any) -> int:
    """Read a query to its end."""
    return sum(batch.num_rows for batch in table.to_pyarrow_batches())


def main() -> None:
    """Read the log, then take the snapshots."""
    log, how, rows, *dates = sys.argv[1:]
    days: Sequence[date] = [date.fromisoformat(day) for day in dates]
    ledger = build_ledger(Log(log))
    with working() as facts:
        if how == "apart":
            facts["rows"] = sum(rows_of(snapshot(ledger, day)) for day in days)
        else:
            among = sampled(ledger, days, -(-int(rows) // len(days))) if how == "sampled" else None
            facts["rows"] = rows_of(snapshot(ledger, days, among=among))


if __name__ == "__main__":
    main()
