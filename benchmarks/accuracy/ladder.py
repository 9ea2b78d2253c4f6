"""The ladder: Regulars and everything simpler, each predicting the same customers of one window."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

import pandas as pd

from benchmarks.accuracy.recency_rule import RecencyRule
from benchmarks.accuracy.single_snapshot import single_snapshot
from benchmarks.accuracy.windows import Window
from features.ledger import Ledger
from features.outcome import customer_groups, outcomes
from features.snapshot import KEYS, snapshot
from models.btyd import BTYD
from training.baselines import BASELINES, Known
from training.evaluate import MODEL, evaluate
from training.fit import Fitted, Fitting, fit_btyd

RECENCY_RULE, SINGLE_SNAPSHOT = "recency rule", "single-snapshot LightGBM"
DROPOUTS: dict[str, Literal["bg", "mbg"]] = {"BG/NBD + Gamma-Gamma": "bg", "MBG/NBD + Gamma-Gamma": "mbg"}
SIMPLE = tuple(name for name in BASELINES if name not in DROPOUTS)
RUNGS = (MODEL, *SIMPLE, RECENCY_RULE, *DROPOUTS, SINGLE_SNAPSHOT)
"""Regulars first, then from the simplest to the usual recipe."""


@dataclass(frozen=True)
class Climb:
    """What every rung predicted for one window, and what happened.

    Attributes
    ----------
    window
        The window.
    actual
        `net_spend` (money, not negative), `churned` (bool) and `value` (net spend before the as-of date), one row a
        customer.
    predicted
        By rung, `expected_spend` and `churn_probability` of the same rows; Regulars has also `median_spend`,
        `expected_spend_low` and `expected_spend_high`.
    seconds
        By rung, to fit and to predict.
    level
        The rule by which Regulars forecast the level.
    """

    window: Window
    actual: pd.DataFrame
    predicted: Mapping[str, pd.DataFrame]
    seconds: Mapping[str, float]
    level: str


@dataclass(frozen=True)
class Start:
    """What the other rungs stand on: what Regulars learnt, and the features of every customer."""

    ledger: Ledger
    fitted: Fitted
    known: pd.DataFrame

    @property
    def growth(self) -> float:
        """Horizon over length of the past windows."""
        return self.fitted.plan.horizon_days / self.fitted.plan.window_days

    def newest_past(self) -> pd.DataFrame:
        """Return features and outcomes of every customer at the newest complete window."""
        return happened_next(self.ledger, self.fitted.plan.cutoffs[0], self.fitted.plan.window_days)

    def baseline(self, name: str) -> pd.DataFrame:
        """Return the predictions of one of the product's own baselines, its model fitted anew."""
        plan = self.fitted.plan
        btyd: dict[str, BTYD] = {}
        if name in DROPOUTS:
            groups = customer_groups(self.ledger, [plan.as_of], plan.window_days).to_pandas()
            dropout = DROPOUTS[name]
            btyd = {dropout: fit_btyd(self.ledger, groups, plan.as_of, dropout)}
        newest = self.fitted.past[plan.cutoffs[0]]
        return BASELINES[name](Known(self.known, plan.horizon_days, plan.window_days, newest, btyd))


def climb(ledger: Ledger, window: Window, fitting: Fitting | None = None) -> Climb:
    """Fit every rung on what was known at the as-of date of a window, and predict all its customers.

    Parameters
    ----------
    ledger
        A ledger that covers the window.
    window
        The window.
    fitting
        How Regulars is fitted; None: the defaults.

    Raises
    ------
    HistoryError
        The outcome is not wholly known, or the history is too short.
    """
    before = time.perf_counter()
    evaluation = evaluate(ledger, window.as_of, window.horizon_days, fitting)
    seconds = {MODEL: time.perf_counter() - before}
    plan = evaluation.fitted.plan
    known = _indexed(snapshot(ledger, plan.as_of, plan.window_days)).reindex(evaluation.customers.index)
    begun = Start(ledger.before(plan.as_of), evaluation.fitted, known)
    predicted = {MODEL: evaluation.customers}
    for name in RUNGS[1:]:
        before = time.perf_counter()
        predicted[name] = _rung(begun, name)
        seconds[name] = time.perf_counter() - before
    actual = evaluation.customers[["net_spend", "churned"]].assign(value=known["spend"])
    return Climb(window, actual, predicted, seconds, evaluation.fitted.bundle.level.rule)


def happened_next(ledger: Ledger, as_of: date, days: int) -> pd.DataFrame:
    """Return features of every customer at a date, and outcomes of the days after it."""
    ahead = outcomes(ledger, as_of, days).drop("next_order_days").rename(outcome_days="purchase_days")
    return _indexed(snapshot(ledger, as_of, days)).join(_indexed(ahead))


def _rung(begun: Start, name: str) -> pd.DataFrame:
    if name == RECENCY_RULE:
        return RecencyRule.fit(begun.newest_past()).predict(begun.known, begun.growth)
    if name == SINGLE_SNAPSHOT:
        return single_snapshot(begun.newest_past(), begun.known, begun.growth)
    return begun.baseline(name)


def _indexed(table: Any) -> pd.DataFrame:
    return table.to_pandas().set_index(list(KEYS)).sort_index()
