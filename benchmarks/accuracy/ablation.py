"""The ablation: what each family of features and each member of the blends is worth, by leaving it out."""

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd
from joblib import Parallel, delayed

import models.churn
import models.spend
from benchmarks.accuracy.windows import Course, Window
from features.catalogue import FAMILIES, catalogue
from features.ledger import Ledger
from features.snapshot import KEYS, snapshot
from models.bundle import Bundle
from training.evaluate import happened
from training.fit import Fitting, fit_prepared
from training.metrics import HIGHER_IS_BETTER, judge
from training.preparation import Preparation, prepare

FULL = "full recipe"
FAMILY, MEMBER = "family:", "member:"
TOGETHER = "+"
"""Joins parts that are left out at once."""
METRICS = ("gini", "rmse", "mae", "auc", "log_loss")
LEAST_WORTH = {"gini": 0.002, "rmse": 0.003, "auc": 0.002, "log_loss": 0.003}
"""By metric: what costs less than all of these when it is left out is not worth its keep."""


def parts(only: Sequence[str] = ()) -> tuple[str, ...]:
    """Return what is left out in turn: every family of features and every member of a blend, or those named.

    Parameters
    ----------
    only
        Names such as ``family:season``, ``member:count`` or, for both at once, ``family:season+member:count``; none:
        everything.

    Raises
    ------
    SystemExit
        A name is of no family or member.
    """
    every = [f"{FAMILY}{family.name}" for family in FAMILIES] + [f"{FAMILY}gaps"]
    every += [f"{MEMBER}{name}" for name in dict.fromkeys([*models.spend.MEMBERS, *models.churn.MEMBERS])]
    unknown = sorted({name for part in only for name in part.split(TOGETHER)} - set(every))
    if unknown:
        raise SystemExit(f"nothing is called {', '.join(unknown)}; there are {', '.join(every)}")
    return tuple(only or every)


def ablate(courses: Sequence[Course], only: str, left_out: Sequence[str], rows: int, jobs: int = 1) -> pd.DataFrame:
    """Return the metrics of the full recipe, and of it without each part.

    Parameters
    ----------
    courses
        Logs; the ledger of each is built once.
    only
        Windows whose name contains it.
    left_out
        Of `parts`.
    rows
        Rows of the past to learn from.
    jobs
        Processes.

    Returns
    -------
    DataFrame
        Columns `METRICS`, indexed by `window` and `variant`.
    """
    found = Parallel(n_jobs=jobs)(delayed(_of_course)(course, only, left_out, rows) for course in courses)
    return pd.concat([table for tables in found for table in tables])


def _of_course(course: Course, only: str, left_out: Sequence[str], rows: int) -> list[pd.DataFrame]:
    windows = course.windows(only)
    return [_of_window(Task.of(course.ledger(), window, rows), left_out) for window in windows]


@dataclass(frozen=True)
class Task:
    """One window, read once: every variant learns from the same rows and predicts the same customers."""

    window: Window
    ledger: Ledger
    ready: Preparation
    fitting: Fitting
    known: pd.DataFrame
    actual: pd.DataFrame

    @classmethod
    def of(cls, ledger: Ledger, window: Window, rows: int) -> "Task":
        """Read what a window needs."""
        ready = prepare(ledger, window.as_of, window.horizon_days, rows)
        known = snapshot(ledger, window.as_of, ready.plan.window_days).to_pandas().set_index(list(KEYS))
        actual = happened(ledger, window.as_of, window.horizon_days).reindex(known.index)
        return cls(window, ledger, ready, Fitting(rows=rows), known, actual)

    def bundle(self, without: tuple[str, ...] = ()) -> Bundle:
        """Fit without some families of features."""
        return fit_prepared(self.ready, self.ledger, replace(self.fitting, without=without)).bundle

    def judged(self, bundle: Bundle) -> dict[str, float]:
        """Return `METRICS` of a bundle."""
        found = judge(self.actual, bundle.predict(self.known, self.ready.level))
        return {name: found[name] for name in METRICS}


def _of_window(task: Task, left_out: Sequence[str]) -> pd.DataFrame:
    full = task.bundle()
    rows = {FULL: task.judged(full)}
    for part in left_out:
        bundle = _variant(task, full, part)
        rows[part] = rows[FULL] if bundle is full else task.judged(bundle)
    return pd.concat({task.window.name: pd.DataFrame(rows).T.rename_axis("variant")}, names=["window"])


def _variant(task: Task, full: Bundle, part: str) -> Bundle:
    """Return the bundle without a part, or without several at once; `full` where it does without them anyway."""
    names = part.split(TOGETHER)
    here = {f"{FAMILY}{family}" for family in (*catalogue(task.ledger)["family"], "gaps")}
    families = tuple(name for name in names if name in here)
    bundle = task.bundle(families) if families else full
    members = [name.removeprefix(MEMBER) for name in names if name.startswith(MEMBER)]
    spend, churn = _without(bundle.spend, members), _without(bundle.churn, members)
    if spend is bundle.spend and churn is bundle.churn:
        return bundle
    return replace(bundle, spend=spend, churn=churn)


def _without(model: Any, members: Sequence[str]) -> Any:
    """Return a fitted model whose blend does without some members; the same where it would be the same or empty."""
    # All members are fitted, whatever the blend is made of.
    kept = tuple(name for name in model.members if name not in members)
    if not kept or len(kept) == len(model.members):
        return model
    fewer = copy(model)
    fewer.members = kept
    return fewer


def changes(table: pd.DataFrame) -> pd.DataFrame:
    """Return the mean relative change of each metric against the full recipe, and whether a part is worth its keep.

    Parameters
    ----------
    table
        Of `ablate`.

    Returns
    -------
    DataFrame
        Indexed by variant, columns `METRICS` (0.01: one hundredth more than the full recipe's, which is better for
        some of them and worse for others) and `worth_keeping` (bool).
    """
    full = table.xs(FULL, level="variant")
    ratio = table.div(full.reindex(table.index.get_level_values("window")).set_axis(table.index))
    change = (ratio - 1).groupby("variant", sort=False).mean().drop(FULL)
    cost = change.mul([-1.0 if name in HIGHER_IS_BETTER else 1.0 for name in change.columns])
    least = pd.Series(LEAST_WORTH)
    return change.assign(worth_keeping=(cost[least.index] >= least).any(axis=1))


def ablation_text(table: pd.DataFrame) -> str:
    """Return the changes as they are printed."""
    found = changes(table)
    windows = table.index.get_level_values("window").nunique()
    written = pd.DataFrame({name: found[name].map("{:+.2%}".format) for name in METRICS})
    written[""] = found["worth_keeping"].map({True: "", False: "worth too little"})
    least = ", ".join(f"{least:.1%} {name}" for name, least in LEAST_WORTH.items())
    return (
        f"\nMean relative change over {windows} windows where a part is left out "
        f"(worth too little: costs less than {least})\n{written.rename_axis(None).to_string()}"
    )
