"""Judge Regulars beside a ladder of simpler models on every window of every log, and sum up."""

import argparse
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from joblib import Parallel, delayed

from benchmarks.accuracy import report
from benchmarks.accuracy.ablation import ablate, ablation_text, changes, parts
from benchmarks.accuracy.judgement import Judgement, judgement
from benchmarks.accuracy.ladder import climb
from benchmarks.accuracy.windows import Course, courses, online_retail_path
from training.fit import Fitting


def parser() -> argparse.ArgumentParser:
    """Return the flags."""
    flags = argparse.ArgumentParser(prog="python -m benchmarks.accuracy", description=__doc__)
    flags.add_argument("--only", default="", metavar="TEXT", help="windows whose name contains it")
    flags.add_argument("--rows", type=int, default=Fitting().rows, help="rows of the past to learn from")
    flags.add_argument("--online-retail", type=Path, default=online_retail_path(), metavar="FILE")
    flags.add_argument("--json", type=Path, metavar="FILE", help="file for the figures")
    flags.add_argument("--jobs", type=int, default=1, help="processes, each with a log of its own")
    flags.add_argument(
        "--ablation",
        nargs="*",
        metavar="PART",
        help="instead of the ladder, leave out each family of features and each member in turn, or only those named, "
        "such as family:season or, at once, family:season+member:count",
    )
    return flags


def run(course: Course, only: str, fitting: Fitting) -> Iterator[Judgement]:
    """Judge the windows of one log, whose ledger is built once."""
    windows = course.windows(only)
    if windows:
        ledger = course.ledger()
        yield from (judgement(climb(ledger, window, fitting)) for window in windows)


def judged(chosen: Sequence[Course], only: str, fitting: Fitting, jobs: int) -> Iterator[Judgement]:
    """Judge the windows of all logs, each as soon as it is done where there is one process."""
    if jobs == 1:
        for course in chosen:
            yield from run(course, only, fitting)
        return
    tasks = (delayed(_listed)(course, only, fitting) for course in chosen)
    for found in Parallel(n_jobs=jobs, return_as="generator")(tasks):
        yield from found


def _listed(course: Course, only: str, fitting: Fitting) -> list[Judgement]:
    return list(run(course, only, fitting))


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the flags, judge, print, and write the figures."""
    flags = parser().parse_args(arguments)
    if not flags.online_retail.exists():
        print(f"Online Retail II is left out: there is no file {flags.online_retail} (--online-retail FILE)")
    chosen = [course for course in courses(flags.online_retail) if course.windows(flags.only)]
    if not chosen:
        raise SystemExit(f"no window's name contains {flags.only!r}")
    if flags.ablation is not None:
        _ablation(chosen, flags)
        return
    found = []
    for one in judged(chosen, flags.only, Fitting(rows=flags.rows), flags.jobs):
        found.append(one)
        print(report.window_text(one), flush=True)
    print(report.summary_text(found))
    _write(flags.json, report.plain(found))


def _ablation(chosen: Sequence[Course], flags: argparse.Namespace) -> None:
    table = ablate(chosen, flags.only, parts(flags.ablation), flags.rows, flags.jobs)
    print(ablation_text(table))
    by_window = {name: part.droplevel("window").T.to_dict() for name, part in table.groupby("window", sort=False)}
    _write(flags.json, {"windows": by_window, "changes": changes(table).T.to_dict()})


def _write(path: Path | None, found: dict[str, Any]) -> None:
    if path is not None:
        path.write_text(json.dumps(report.strict(found), indent=1, allow_nan=False))


if __name__ == "__main__":
    main()
