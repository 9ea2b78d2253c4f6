"""Lists and exports of a store with made-up scores, each beside a ranked copy of the same rows in DuckDB."""

import sys
from collections.abc import Iterator, Sequence

from benchmarks.speed.process import measure, part, regulars
from benchmarks.speed.report import Report, parser, reporting

TOP = 1_000
FEW, ALL = f"copy of the first {TOP:,}", "copy of all"
OURS = "all as CSV"


def stages() -> Iterator[tuple[str, list[str], str]]:
    """Yield each list's name, its command line, and its minimum."""
    listed = regulars("list", "--store", "store", "--quiet")
    top = [*listed, "--top", str(TOP), "--out", "few.csv"]
    yield f"--top {TOP}", top, FEW
    yield f"--top {TOP} --segment … --where …", [*top, "--segment", "At Risk", "--where", "clv > 200"], FEW
    yield f"--top {TOP} --play save", [*top, "--play", "save"], FEW
    for form in ("csv", "parquet"):
        yield OURS if form == "csv" else "all as Parquet", [*listed, "--out", f"all.{form}"], ALL
    for form in ("csv", "klaviyo", "google"):
        named = ["--by", "clv", "--name", f"to {form}", "--format", form, "--out", f"{form}.out"]
        yield f"export of all, {form}", [*listed, *named], ALL


def compare(report: Report, customers: int) -> None:
    """Make a store, not counted; then measure each list as a whole process."""
    making = [sys.executable, "-m", "benchmarks.made_up_store", "store", "--customers", str(customers)]
    measure("making a store", making, report.folder)
    report.measure(FEW, part("copy_scores", "store", TOP), tries=3)
    report.measure(ALL, part("copy_scores", "store", 0), minimum=ALL)
    for what, command, minimum in stages():
        report.measure(what, command, minimum)


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the flags, measure, and print the table."""
    flags = parser("lists", __doc__)
    flags.add_argument("--customers", type=int, default=1_000_000)
    given = flags.parse_args(arguments)
    with reporting(f"Lists of {given.customers:,} customers", given, OURS) as report:
        compare(report, given.customers)


if __name__ == "__main__":
    main()
