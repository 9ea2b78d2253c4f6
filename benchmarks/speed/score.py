"""Scoring, with reasons and without, beside the least that it must do: ledger, snapshot, raw predictions."""

from collections.abc import Sequence
from pathlib import Path

from benchmarks.speed.process import measure, part, regulars
from benchmarks.speed.report import Report, add_horizon, add_log, parser, reporting

MINIMUM = "minimum: ledger, snapshot, raw predict"
OURS, REASONED = "scoring into a store, without reasons", "scoring into a store, reasons for all"


def compare(report: Report, log: Path, as_of: str, horizon: int) -> None:
    """Train once, not counted; then measure the pieces in one process and each scoring in another."""
    measure("train", regulars("train", log, "--as-of", as_of, "--horizon", horizon, "--quiet"), report.folder)
    pieces = report.measure("pieces", part("score_minimum", log, as_of, horizon))
    report.add_sum(MINIMUM, pieces)
    report.measure(OURS, part("scoring", log, as_of, horizon, "no"))
    report.measure(REASONED, part("scoring", log, as_of, horizon, "yes"))
    report.minima = {row.what: MINIMUM for row in report.rows}


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the flags, measure, and print the table."""
    flags = parser("score", __doc__)
    add_log(flags)
    add_horizon(flags)
    given = flags.parse_args(arguments)
    with reporting(f"Scoring {given.log.name} as of {given.as_of}", given, OURS) as report:
        compare(report, given.log.resolve(), str(given.as_of), given.horizon)


if __name__ == "__main__":
    main()
