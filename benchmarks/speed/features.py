"""A log to its features: ours beside a minimal group-by of the same file, Polars, pandas, lifetimes, pymc-marketing."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

from benchmarks.speed.process import part, regulars
from benchmarks.speed.report import Report, add_rivals, parser, reporting

OURS = "regulars features"
RIVALS = {
    "Polars, the same group-by": "polars_group_by",
    "lifetimes, summary_data_from_transaction_data": "lifetimes_summary",
    "pymc-marketing, rfm_summary": "pymc_summary",
}


def compare(report: Report, log: Path, as_of: str, rivals: str | None, engine: str | None) -> None:
    """Measure every contender, each as a whole process: start-up, imports, reading, and writing where it writes."""
    # Thrice, so that the file is in memory for all of them.
    report.measure("group-by in DuckDB", part("group_by", log), tries=3)
    asked = [log, "--as-of", as_of, "--quiet", "--out", "features.parquet"]
    report.measure(OURS, regulars("features", *asked))
    if engine is not None:
        report.measure(f"{OURS} --engine {engine}", regulars("features", *asked, "--engine", engine))
    report.measure("pandas, the same features", part("pandas_features", log, as_of, "pandas.parquet"))
    for what, name in RIVALS.items():
        if rivals is None:
            report.left_out[what] = "no --rivals"
            continue
        arguments = () if name == "polars_group_by" else (as_of,)
        report.measure(what, part(name, log, *arguments, python=rivals))


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the flags, measure, and print the table."""
    flags = parser("features", __doc__)
    flags.add_argument("log", type=Path, help="Parquet file with customer_id, timestamp and amount")
    flags.add_argument("--as-of", type=date.fromisoformat, required=True)
    add_rivals(flags)
    flags.add_argument("--engine", help="a Spark besides, such as local[2]")
    given = flags.parse_args(arguments)
    with reporting(f"Features of {given.log.name} as of {given.as_of}", given, OURS) as report:
        compare(report, given.log.resolve(), str(given.as_of), given.rivals, given.engine)


if __name__ == "__main__":
    main()
