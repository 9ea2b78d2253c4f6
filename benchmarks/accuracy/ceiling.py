"""The ceiling: how much of a made-up window could be known at all.

Trees that have seen the very window in many other worlds of the same business know its season, its growth and its
customers as no forecaster of one log can; what is left to them is luck. What Regulars lacks to them is all that a
better recipe could still gain.
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from benchmarks.accuracy.ladder import DROPOUTS, climb, happened_next
from benchmarks.accuracy.single_snapshot import OUTCOMES, SETTINGS, single_snapshot
from benchmarks.accuracy.windows import MADE_UP, Course, MadeUp, Window, courses
from training.evaluate import MODEL
from training.metrics import judge

CEILING, BG = "ceiling", next(iter(DROPOUTS))
METRICS = ("gini", "auc", "log_loss", "rmse", "mae", "bias")
TREES = {"n_estimators": 400, "learning_rate": 0.03, "min_child_samples": 100, "colsample_bytree": 0.5}
TREES |= {"subsample": 0.8, "subsample_freq": 1, "reg_lambda": 5.0}
"""Much to learn from, and little reason to trust single rows."""
FIRST_SEED = 1_000


def ceilings(course: Course, only: str, worlds: int) -> Iterator[tuple[Window, pd.DataFrame]]:
    """Yield each window of a made-up log with `METRICS` of the ceiling, of Regulars and of BG/NBD + Gamma-Gamma.

    Parameters
    ----------
    course
        Its log is drawn from a seed.
    only
        Windows whose name contains it.
    worlds
        Other worlds that teach the ceiling.
    """
    windows, made_up = course.windows(only), course.ledger
    if not isinstance(made_up, MadeUp) or not windows:
        return
    seen: dict[Window, list[pd.DataFrame]] = {window: [] for window in windows}
    for seed in range(FIRST_SEED, FIRST_SEED + worlds):
        other = replace(made_up, seed=seed)()
        for window, tables in seen.items():
            tables.append(happened_next(other, window.as_of, window.horizon_days))
    ledger = made_up()
    for window, tables in seen.items():
        climbed = climb(ledger, window)
        known = happened_next(ledger, window.as_of, window.horizon_days).drop(columns=OUTCOMES)
        known = known.reindex(climbed.actual.index)
        predicted = {CEILING: single_snapshot(pd.concat(tables), known, 1.0, threads=0, settings=SETTINGS | TREES)}
        predicted |= {name: climbed.predicted[name][["expected_spend", "churn_probability"]] for name in (MODEL, BG)}
        found = {name: judge(climbed.actual, table) for name, table in predicted.items()}
        yield window, pd.DataFrame(found).T[list(METRICS)]


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the flags, judge every made-up window, and print."""
    flags = argparse.ArgumentParser(prog="python -m benchmarks.accuracy.ceiling", description=__doc__)
    flags.add_argument("--only", default="", metavar="TEXT", help="windows whose name contains it")
    flags.add_argument("--worlds", type=int, default=24, help="other worlds that teach the ceiling")
    given = flags.parse_args(arguments)
    tables = []
    for course in courses(Path()):
        if course.kind == MADE_UP:
            for window, table in ceilings(course, given.only, given.worlds):
                tables.append(table)
                print(f"\n{window.name}\n{table.round(4).to_string()}", flush=True)
    if tables:
        gains = pd.concat([100 * (table.div(table.loc[BG]) - 1).drop(index=BG, columns="bias") for table in tables])
        print(
            f"\nMean change from {BG}, %, {len(tables)} windows\n{gains.groupby(level=0).mean().round(2).to_string()}"
        )


if __name__ == "__main__":
    main()
