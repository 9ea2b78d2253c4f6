"""The ablation: what each family of features and each member of the blends is worth, by leaving it out."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from datetime import date
from functools import partial
from typing import Any

import pandas as pd
from joblib import Parallel, delayed

import models.churn
import models.spend
from benchmarks.accuracy.windows import Course
from features.catalogue import FAMILIES, catalogue
from features.ledger import Ledger
from training.evaluate import MODEL, Evaluation, evaluate
from training.fit import Fitting
from training.metrics import HIGHER_IS_BETTER

Variant = Callable[[Ledger, date, int], Evaluation]
"""Evaluates one as-of date and horizon of a ledger."""

FULL = "full recipe"
FAMILY, MEMBER = "family:", "member:"
METRICS = ("gini", "rmse", "mae", "auc", "log_loss")
LEAST_WORTH = {"gini": 0.002, "rmse": 0.003, "auc": 0.002, "log_loss": 0.003}
"""By metric: what costs less than all of these when it is left out is not worth its keep."""


def variants(rows: int, only: Sequence[str] = ()) -> dict[str, Variant]:
    """Return the full recipe, and the recipe without each family of features and each member in turn, by name.

    Parameters
    ----------
    rows
        Rows of the past to learn from.
    only
        Names of what to leave out, such as ``family:season`` or ``member:count``; none: everything in turn.

    Raises
    ------
    SystemExit
        A name is of no family or member, or the product cannot be fitted without parts of it.
    """
    parts = [f"{FAMILY}{family.name}" for family in FAMILIES]
    parts += [f"{MEMBER}{name}" for name in dict.fromkeys([*models.spend.MEMBERS, *models.churn.MEMBERS])]
    unknown = sorted(set(only) - set(parts))
    if unknown:
        raise SystemExit(f"nothing is called {', '.join(unknown)}; there are {', '.join(parts)}")
    if "without" not in {field.name for field in fields(Fitting)}:
        raise SystemExit("no ablation: training.fit.Fitting has no field `without`, so nothing can be left out")
    settings: dict[str, dict[str, Any]] = {FULL: {}}
    settings |= {part: {"without": (part,)} for part in parts if not only or part in only}
    return {name: partial(evaluate, fitting=Fitting(rows=rows, **how)) for name, how in settings.items()}


def ablate(courses: Sequence[Course], only: str, chosen: Mapping[str, Variant], jobs: int = 1) -> pd.DataFrame:
    """Return the metrics of every variant.

    Parameters
    ----------
    courses
        Logs; the ledger of each is built once.
    only
        Windows whose name contains it.
    chosen
        Variants by name, `FULL` among them.
    jobs
        Processes.

    Returns
    -------
    DataFrame
        Columns `METRICS`, indexed by `window` and `variant`.
    """
    found = Parallel(n_jobs=jobs)(delayed(_of_course)(course, only, chosen) for course in courses)
    return pd.concat([table for tables in found for table in tables])


def _of_course(course: Course, only: str, chosen: Mapping[str, Variant]) -> list[pd.DataFrame]:
    ledger = course.ledger()
    here = set(catalogue(ledger)["family"])
    tables = []
    for window in course.windows(only):
        rows: dict[str, pd.Series] = {}
        for name, variant in chosen.items():
            # A log that cannot feed a family does without it anyway.
            if name.startswith(FAMILY) and name.removeprefix(FAMILY) not in here:
                rows[name] = rows[FULL]
            else:
                rows[name] = variant(ledger, window.as_of, window.horizon_days).metrics.loc[MODEL, list(METRICS)]
        table = pd.DataFrame(rows).T.astype(float).rename_axis("variant")
        tables.append(pd.concat({window.name: table}, names=["window"]))
    return tables


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
