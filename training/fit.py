"""Fitting a bundle: past snapshots, BTYD, level, rehearsal, members, intervals, explainer."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import date
from importlib.metadata import version
from typing import Any

import numpy as np

from features.ledger import Ledger
from features.snapshot import KEYS, sampled, snapshot
from features.window import Schedule
from models.bundle import Bundle
from models.calibration import calibrated
from models.churn import PARAMETRIC
from models.explainer import Explainer, tells
from models.intervals import SpendIntervals
from models.level import Window
from models.median import SpendMedian
from models.pin import Pins, Totals, pinned
from models.spend import BTYD_ALONE
from training.fitting import Fitting
from training.lessons import Lessons
from training.preparation import Preparation, fit_btyd, prepare
from training.rehearsal import Rehearsal, rehearse

__all__ = ["Fitted", "Fitting", "fit_btyd", "fit_bundle", "fit_prepared"]

LIBRARIES = ("regulars", "lightgbm", "scikit-learn", "numpy", "scipy", "pandas", "ibis-framework", "duckdb")
UNPROVEN_ROWS = 5_000
"""Below it, what could not be rehearsed is worth more together with the buy-till-you-die model than without."""
PIN_CUSTOMERS = 20_000
"""Customers from whom the pins of the training as-of date are estimated; a scoring run counts all of its own."""


@dataclass(frozen=True)
class Fitted:
    """A bundle, and what it was learnt from.

    Attributes
    ----------
    bundle
        The fitted models.
    plan
        Past windows.
    past
        Totals of the past windows by date.
    rows
        Rows of the training table.
    rehearsal
        How recipes did on the newer windows, fitted on the older ones; None where the past is too short or too small.
    """

    bundle: Bundle
    plan: Schedule
    past: dict[date, Window]
    rows: int
    rehearsal: Rehearsal | None = None


def fit_bundle(ledger: Ledger, as_of: date, horizon_days: int, fitting: Fitting | None = None) -> Fitted:
    """Fit everything that a score needs, from what was known at an as-of date.

    Parameters
    ----------
    ledger
        The ledger; its days at or after `as_of` are not read.
    as_of
        As-of date of the training.
    horizon_days
        Length of the outcome window that scores predict.
    fitting
        How to fit; None: the defaults.

    Raises
    ------
    HistoryError
        The history is too short, or has fewer than two customers.
    """
    fitting = fitting or Fitting()
    return fit_prepared(prepare(ledger, as_of, horizon_days, fitting.rows), ledger, fitting)


def fit_prepared(ready: Preparation, ledger: Ledger, fitting: Fitting) -> Fitted:
    """Fit on what was prepared from a ledger, with these settings.

    Parameters
    ----------
    ready
        Of `training.preparation.prepare`.
    ledger
        The ledger that it was prepared from.
    fitting
        How to fit; its `rows` are those of the preparation.
    """
    as_of = ready.plan.as_of
    ledger = ledger.before(as_of)
    members, rehearsal = _members(ready, fitting)
    bundle = Bundle(
        **members,
        encoding=ready.encoding,
        horizon_days=ready.plan.horizon_days,
        window_days=ready.plan.window_days,
        btyd=ready.btyd,
        gaps=ready.gaps,
        level_rule=ready.level_rule,
        level=ready.level,
        pins=Pins(1.0, 1.0, 0.0),
        catalogue=ready.entries,
        facts=_facts(ledger, as_of),
    )
    pinned = replace(bundle, pins=_pins(bundle, ledger, as_of))
    return Fitted(pinned, ready.plan, ready.past, len(ready.lessons.features), rehearsal)


def _members(ready: Preparation, fitting: Fitting) -> tuple[dict[str, Any], Rehearsal | None]:
    lessons, plan, unused = ready.lessons, ready.plan, ready.unused(fitting)
    # Side by side on the cores there are: many small trees gain more from that than from threads of their own.
    with ThreadPoolExecutor() as pool:
        spending = pool.submit(lessons.fit_spend, plan.window_days, fitting, unused)
        churning = pool.submit(lessons.fit_churn, fitting, unused)
        rehearsal = rehearse(lessons, plan, fitting, unused)
        spend, churn = spending.result(), churning.result()
    if rehearsal is not None:
        # The recipe that did best on windows it had not seen; most logs are large enough for the full one.
        spend.members, churn.members = rehearsal.best()
    unproven = rehearsal is None and lessons.outlook.whole.sum() < UNPROVEN_ROWS
    # Where nothing has shown how far to trust what few rows or shorter windows taught, BTYD gets a vote as well.
    if (unproven or plan.extrapolates) and spend.members != BTYD_ALONE:
        spend.members = (*spend.members, *BTYD_ALONE)
    if unproven:
        churn.members = (*churn.members, *PARAMETRIC)
    whole = lessons.whole
    expected = spend.predict(whole.features)
    telling = [name for name, entry in ready.entries.items() if tells(entry)]
    explainer = Explainer(telling, fitting.seed, fitting.threads).fit(whole.features, expected, lessons.categorical)
    odds = churn.active_logit(whole.features)
    if rehearsal is not None and not plan.extrapolates:
        # What models expect of windows that they have seen is too good: these they had not.
        newer = np.isin(whole.outlook.snapshot, rehearsal.newer.outlook.snapshot)
        expected[newer] = rehearsal.spend[tuple(spend.members)]
        odds[newer] = rehearsal.active_logit[tuple(churn.members)]
    intervals, median = _spread(whole, expected, odds)
    found = {"spend": spend, "churn": churn, "intervals": intervals, "median": median, "explainer": explainer}
    return found, rehearsal


def _spread(lessons: Lessons, expected: np.ndarray, odds: np.ndarray) -> tuple[SpendIntervals, SpendMedian]:
    # Each window at its own level: what is left is how customers differ from what was expected of them.
    outlook, btyd = lessons.outlook, lessons.features["btyd_spend"].to_numpy()
    forecast = pinned(expected, btyd, outlook.snapshot) * outlook.spend
    active = calibrated(odds, lessons.active, outlook.snapshot)
    median = SpendMedian().fit(forecast, active, lessons.spend, lessons.active)
    return SpendIntervals().fit(forecast, lessons.spend), median


def _pins(bundle: Bundle, ledger: Ledger, as_of: date) -> Pins:
    known = snapshot(ledger, as_of, bundle.window_days, sampled(ledger, [as_of], PIN_CUSTOMERS)).to_pandas()
    totals = Totals()
    totals.add(bundle.allocate(known.drop(columns=list(KEYS))))
    return totals.pins(bundle.level)


def _facts(ledger: Ledger, as_of: date) -> dict[str, Any]:
    return {
        "as_of": str(as_of),
        "log_first_day": str(ledger.span.first_day),
        "log_last_day": str(ledger.span.last_day),
        "log_fingerprint": ledger.fingerprint,
        "customers_share": ledger.share,
        "versions": {name: version(name) for name in LIBRARIES},
    }
