"""Seconds and peak memory of each command on one log or several, smallest first, beside a group-by of the same file."""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.speed.process import Measured, part, regulars
from benchmarks.speed.report import Report, parser, reporting

GROUP_BY = "group-by"
COLUMNS = ("customer_id", "timestamp", "amount")
ENGINED = ("features", "score")
"""What an engine may do in place of ours."""


def stages(log: Path, flags: argparse.Namespace) -> Iterator[tuple[str, list[str]]]:
    """Yield each stage's name and command line."""
    columns = [getattr(flags, name) for name in COLUMNS]
    yield GROUP_BY, part("group_by", log, flags.memory or "", *columns)
    mapped = [text for name in COLUMNS for text in (f"--{name.replace('_', '-')}", getattr(flags, name))]
    reads = [log, *mapped, "--quiet", *(["--memory", flags.memory] if flags.memory else []), *flags.rest]
    asked = [*reads, "--as-of", flags.as_of, "--horizon", flags.horizon]
    outs = {"features": ["--out", "features.parquet"], "score": ["--store", "store"]}
    yield "check", regulars("check", *reads)
    yield "features", regulars("features", *asked, *outs["features"])
    yield "train", regulars("train", *asked)
    yield "score", regulars("score", *asked, *outs["score"])
    if flags.engine is not None:
        for stage in ENGINED:
            yield f"{stage} --engine {flags.engine}", regulars(stage, *asked, *outs[stage], "--engine", flags.engine)
    listed = ["--store", "store", "--top", 1_000, "--out", "list.csv", "--quiet"]
    yield "list --top 1000", regulars("list", *listed)


def compare(report: Report, flags: argparse.Namespace) -> None:
    """Measure all stages of all logs, one after the other."""
    for log in flags.logs:
        prefix = f"{log.stem}: " if len(flags.logs) > 1 else ""
        for stage, command in stages(log.resolve(), flags):
            # Registry and store of each log are its own.
            tries = 3 if stage == GROUP_BY else 1
            report.measure(prefix + stage, command, prefix + GROUP_BY, tries, within=log.stem)
    report.rows = with_growth(report.rows, [f"{log.stem}: " for log in flags.logs])


def with_growth(rows: Sequence[Measured], prefixes: Sequence[str]) -> list[Measured]:
    """Add nanoseconds a row of the log, and by what they grew since the log before."""
    found: list[Measured] = []
    before: dict[str, float] = {}
    purchases = None
    for row in rows:
        prefix = next((text for text in prefixes if row.what.startswith(text)), "")
        stage = row.what.removeprefix(prefix)
        if stage == GROUP_BY:
            purchases = row.facts.get("rows")
        if purchases and not row.exit_code and not stage.startswith("list"):
            pace = row.seconds / purchases * 1e9
            grown = {"growth": pace / before[stage]} if stage in before else {}
            row, before[stage] = replace(row, facts=row.facts | {"ns a row": pace} | grown), pace
        found.append(row)
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the flags, measure, and print the table."""
    flags = parser("scale", __doc__)
    flags.epilog = "Flags that are not listed here are handed to every command that reads the log."
    flags.add_argument("logs", type=Path, nargs="+", metavar="LOG", help="Parquet file")
    flags.add_argument("--as-of", required=True)
    flags.add_argument("--horizon", type=int, default=90)
    flags.add_argument("--memory", help="most memory, such as 4GB; default: the product's own")
    flags.add_argument("--engine", help="a Spark besides, such as local[2]")
    for name in COLUMNS:
        flags.add_argument(f"--{name.replace('_', '-')}", default=name)
    given, given.rest = flags.parse_known_args(arguments)
    with reporting(f"Commands on {', '.join(log.name for log in given.logs)} as of {given.as_of}", given) as report:
        compare(report, given)


if __name__ == "__main__":
    main()
