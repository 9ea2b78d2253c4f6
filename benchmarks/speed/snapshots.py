"""Twelve snapshots in one query, beside one, and beside twelve one after the other."""

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

from benchmarks.speed.process import part
from benchmarks.speed.report import Report, parser, reporting

STEP_DAYS, SNAPSHOTS, SAMPLE = 22, 12, 60_000
"""Training's own: a quarter of a window of 90 days apart, and as many rows as it learns from."""
OURS = "twelve, in one query"


def compare(report: Report, log: Path, as_of: date) -> None:
    """Measure each way in a process of its own; reading the log comes before and is not counted."""
    dates = [as_of - timedelta(days=STEP_DAYS * back) for back in range(SNAPSHOTS)]
    report.measure("one", part("snapshots", log, "together", 0, as_of))
    report.measure(OURS, part("snapshots", log, "together", 0, *dates))
    report.measure("twelve, one after the other", part("snapshots", log, "apart", 0, *dates))
    report.measure(f"twelve, of {SAMPLE:,} rows for training", part("snapshots", log, "sampled", SAMPLE, *dates))


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the flags, measure, and print the table."""
    flags = parser("snapshots", __doc__)
    flags.add_argument("log", type=Path, help="Parquet file with customer_id, timestamp and amount")
    flags.add_argument("--as-of", type=date.fromisoformat, required=True, help="of the newest")
    given = flags.parse_args(arguments)
    with reporting(f"Snapshots of {given.log.name}, {STEP_DAYS} days apart to {given.as_of}", given, OURS) as report:
        compare(report, given.log.resolve(), given.as_of)


if __name__ == "__main__":
    main()
