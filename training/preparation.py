"""Preparation: what models of one as-of date are fitted on, from the ledger to the lessons."""

from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Literal

import pandas as pd

from features.catalogue import catalogue
from features.gaps import gap_counts
from features.ledger import Ledger
from features.outcome import customer_groups, spenders
from features.window import Schedule, schedule
from models.btyd import BTYD
from models.encoding import Encoding
from models.gaps import GAPS, GapCurve
from models.level import Level, LevelRule, Window, windows
from regulars.errors import HistoryError
from training.fitting import Fitting
from training.lessons import Lessons, Past
from training.table import OUTCOMES, training_table

FEWEST_CUSTOMERS = 2


@dataclass(frozen=True)
class Preparation:
    """What models of one as-of date are fitted on: the same whatever the settings, but for the number of rows.

    Attributes
    ----------
    plan, past
        Past windows, and their totals by date.
    btyd, gaps, encoding, level_rule, level
        What a bundle holds beside them.
    entries
        The feature catalogue by name.
    lessons
        The rows to learn from.
    """

    plan: Schedule
    past: dict[date, Window]
    btyd: BTYD
    gaps: GapCurve
    encoding: Encoding
    level_rule: LevelRule
    level: Level
    entries: dict[str, Any]
    lessons: Lessons

    def unused(self, fitting: Fitting) -> tuple[str, ...]:
        """Return the columns that no tree and no ridge may see."""
        families = {name: entry["family"] for name, entry in self.entries.items()} | dict.fromkeys(GAPS, "gaps")
        return fitting.unused(families, seasonal=bool(self.plan.seasons))


def prepare(ledger: Ledger, as_of: date, horizon_days: int, rows: int) -> Preparation:
    """Prepare what models are fitted on, from what was known at an as-of date.

    Parameters
    ----------
    ledger
        The ledger; its days at or after `as_of` are not read.
    as_of, horizon_days
        What is to be predicted.
    rows
        About how many rows of past snapshots to learn from.

    Raises
    ------
    HistoryError
        The history is too short, or has fewer than two customers.
    """
    ledger = ledger.before(as_of)
    plan = schedule(ledger.span, as_of, horizon_days)
    dates = sorted({*plan.dates, *plan.seasons})
    groups = customer_groups(ledger, dates, plan.window_days).to_pandas()
    btyd = fit_btyd(ledger, groups, as_of)
    gaps = GapCurve().fit(gap_counts(ledger, as_of).to_pandas())
    past = windows(groups, btyd, plan.window_days)
    by_length = {plan.window_days: past} | _other_windows(ledger, plan, btyd)
    rule = LevelRule(plan.window_days, plan.step_days, plan.extrapolates)
    plan = replace(plan, cutoffs=rule.telling(past, plan.cutoffs))
    level = rule.forecast(past, plan)
    table = training_table(ledger, plan, min(rows, ledger.memory.learnt_rows))
    _require_rows(table, plan)
    entries = catalogue(ledger).to_dict(orient="index")
    encoding = Encoding.of(table.drop(columns=list(OUTCOMES)))
    lessons = Lessons.of(table, encoding, btyd, gaps, by_length, plan)
    return Preparation(plan, past, btyd, gaps, encoding, rule, level, entries, lessons)


def fit_btyd(ledger: Ledger, groups: pd.DataFrame, as_of: date, dropout: Literal["mbg", "bg"] = "mbg") -> BTYD:
    """Fit a buy-till-you-die model on the customers known at an as-of date.

    Parameters
    ----------
    ledger
        The ledger, for the spend of single customers.
    groups
        Customer groups, of `features.outcome.customer_groups`, at `as_of` among others.
    as_of
        As-of date.
    dropout
        ``mbg`` or ``bg``.

    Raises
    ------
    HistoryError
        Fewer than two customers bought before the as-of date.
    """
    known = groups[groups["as_of"] == pd.Timestamp(as_of)]
    customers = int(known["customers"].sum())
    if customers < FEWEST_CUSTOMERS:
        raise HistoryError(
            f"only {customers} customer(s) bought before {as_of}: a model of who comes back needs at least "
            f"{FEWEST_CUSTOMERS}, and is of use from a few hundred on; choose a later as-of date or check the customer "
            "column"
        )
    return BTYD(dropout).fit(known, spenders(ledger, as_of).to_pandas())


def _other_windows(ledger: Ledger, plan: Schedule, btyd: BTYD) -> Past:
    return {
        lesson.window_days: windows(
            customer_groups(ledger, lesson.cutoffs, lesson.window_days).to_pandas(), btyd, lesson.window_days
        )
        for lesson in plan.others
        if lesson.cutoffs
    }


def _require_rows(table: pd.DataFrame, plan: Schedule) -> None:
    if len(table) < FEWEST_CUSTOMERS:
        raise HistoryError(
            f"only {len(table)} customer(s) bought before {plan.cutoffs[0]}, where the newest past window of "
            f"{plan.window_days} days begins: models need at least {FEWEST_CUSTOMERS} to learn from; bring a longer "
            "log or a shorter horizon"
        )
