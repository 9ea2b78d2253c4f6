"""Training, beside the least that it must do: read the log, take the past snapshots, and grow its trees once."""

from collections.abc import Sequence
from pathlib import Path

from benchmarks.speed.process import part, regulars
from benchmarks.speed.report import Report, add_horizon, add_log, parser, reporting

OURS = "regulars train (fits twice: to evaluate, and to register)"
MINIMUM = "minimum: ledger, snapshots, raw boosting"


def compare(report: Report, log: Path, as_of: str, horizon: int) -> None:
    """Measure the pieces in one process, and the command in another."""
    ledger, snapshots, fit, boosting = report.measure("pieces", part("training", log, as_of, horizon))
    report.add_sum(MINIMUM, [ledger, snapshots, boosting])
    report.measure(OURS, regulars("train", log, "--as-of", as_of, "--horizon", horizon, "--quiet"))
    report.minima = {row.what: MINIMUM for row in report.rows}
    report.minima[fit.what] = boosting.what


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the flags, measure, and print the table."""
    flags = parser("train", __doc__)
    add_log(flags)
    add_horizon(flags)
    given = flags.parse_args(arguments)
    with reporting(f"Training on {given.log.name} as of {given.as_of}", given, OURS) as report:
        compare(report, given.log.resolve(), str(given.as_of), given.horizon)


if __name__ == "__main__":
    main()
