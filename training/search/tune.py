"""Tuning: search settings that do better than the defaults on the newest windows known at one as-of date."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date
from hashlib import sha256
from importlib.metadata import version
from math import inf, isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

from features.ledger import Ledger
from models.booster import SHARED, least_leaf
from regulars.errors import HistoryError, RegularsError
from training.fitting import Fitting
from training.preparation import prepare
from training.rehearsal import Parts, rehearsal_parts
from training.search.trials import CHURN_LOSS, SPEND_LOSS, Trial, complete, open_study

if TYPE_CHECKING:
    import optuna

FOLDER = Path(".regulars")
"""Where journals are kept, in the folder where the search runs, as `mlflow.db` is."""
MARGIN = 0.005
"""Share of the loss by which settings have to beat the defaults. The best of many trials is partly luck: that of 25 led
by 0.18 % on CDNOW and on Online Retail II, and then predicted the next window no better than the defaults."""
TREES = ("spend_trees", "churn_trees")
VERSIONS = ("regulars", "lightgbm", "optuna")


@dataclass(frozen=True)
class Range:
    """Where a setting is looked for.

    Attributes
    ----------
    low, high
        Its bounds, both inclusive; whole numbers where both are.
    even
        Whether equal distances count alike; if not, equal ratios do.
    """

    low: float
    high: float
    even: bool = False

    @property
    def distribution(self) -> "optuna.distributions.BaseDistribution":
        """The range as Optuna's."""
        from optuna.distributions import FloatDistribution, IntDistribution

        if isinstance(self.low, int) and isinstance(self.high, int):
            return IntDistribution(self.low, self.high, log=not self.even)
        return FloatDistribution(self.low, self.high, log=not self.even)

    def nearest(self, value: float) -> float:
        """Return a value, or the bound next to it."""
        return min(max(value, self.low), self.high)


SPACE = {
    "learning_rate": Range(0.01, 0.1),
    "num_leaves": Range(4, 64),
    "min_data_in_leaf": Range(30, 600),
    "feature_fraction": Range(0.2, 1.0, even=True),
    "bagging_fraction": Range(0.4, 1.0, even=True),
    "lambda_l2": Range(1.0, 100.0),
    "spend_trees": Range(60, 600),
    "churn_trees": Range(40, 400),
}


@dataclass(frozen=True)
class Search:
    """What a search brought.

    Attributes
    ----------
    as_of
        Nothing at or after it was read.
    trials
        All trials, the defaults first; empty where the past does not allow to compare settings.
    fitting
        How to fit: the best trial's settings where they beat the defaults clearly, else the defaults.
    """

    as_of: date
    trials: tuple[Trial, ...]
    fitting: Fitting

    @property
    def best(self) -> int:
        """Number of the best trial, the first of equals; the defaults are 0."""
        return min(range(len(self.trials)), key=lambda number: self.trials[number].loss)

    @property
    def taken(self) -> bool:
        """Whether the best trial's settings are taken in place of the defaults."""
        return bool(self.trials) and self.trials[self.best].loss < 1.0 - MARGIN

    @property
    def said(self) -> str:
        """What came of it, in words."""
        if not self.trials:
            return f"no: the past before {self.as_of} is too short, or has too few customers, to compare settings"
        lead = f"{1.0 - self.trials[self.best].loss:.2%} better than the defaults before {self.as_of}"
        if self.taken:
            return f"trial {self.best} of {len(self.trials)} is taken, {lead}"
        return f"the defaults are kept: the best of {len(self.trials)} trials is {lead}, {MARGIN:.1%} are needed"

    def to_dict(self) -> dict[str, Any]:
        """Return what came of it as plain data for JSON."""
        return {
            "as_of": self.as_of,
            "trials": len(self.trials),
            "taken": self.taken,
            "best": self.best if self.trials else None,
            "loss": self.trials[self.best].loss if self.trials else None,
            "settings": dict(self.trials[self.best].settings) if self.taken else None,
            "said": self.said,
        }


def tune(
    ledger: Ledger,
    as_of: date,
    horizon_days: int,
    fitting: Fitting,
    trials: int,
    progress: Callable[[int], None] = lambda done: None,
) -> Search:
    """Search settings by the rehearsal of one as-of date: fit on older windows, judge on newer ones.

    Each trial is drawn by a tree-structured Parzen estimator (Bergstra et al. 2011, Algorithms for Hyper-Parameter
    Optimization) from those before it. Its seed is its number: an interrupted search ends as if nothing had been.

    Parameters
    ----------
    ledger
        The ledger; its days at or after `as_of` are not read.
    as_of, horizon_days
        What is to be predicted.
    fitting
        The defaults: the first trial, and what the trials leave as it is.
    trials
        How many, those of an earlier search for the same included.
    progress
        Called with the number of trials done, those of an earlier search at once.

    Raises
    ------
    RegularsError
        No trial is asked for, or the journal cannot be used.
    """
    if trials < 1:
        raise RegularsError(f"{trials} trials search nothing: give at least 1, or leave tuning out")
    try:
        ready = prepare(ledger, as_of, horizon_days, fitting.rows)
    except HistoryError:
        return Search(as_of, (), fitting)
    parts, unused = rehearsal_parts(ready.lessons, ready.plan), ready.unused(fitting)
    if parts is None:
        return Search(as_of, (), fitting)
    with open_study(journal(ledger, as_of, horizon_days), _name(parts, fitting)) as study:
        progress(min(len(complete(study)), trials))
        while len(tried := complete(study)) < trials:
            _try(study, tried, parts, fitting, unused)
            progress(1)
    # Of a longer search, what a search of this length would have found.
    found = Search(as_of, tried[:trials], fitting)
    return replace(found, fitting=_fitting(found.trials[found.best].settings, fitting)) if found.taken else found


def journal(ledger: Ledger, as_of: date, horizon_days: int) -> Path:
    """Return where the trials of a log, as-of date and horizon are kept."""
    return FOLDER / f"tune-{as_of}-{horizon_days}d-{ledger.fingerprint[:16]}.journal"


def _try(
    study: "optuna.Study", tried: tuple[Trial, ...], parts: Parts, fitting: Fitting, unused: tuple[str, ...]
) -> None:
    import optuna

    waiting = optuna.trial.TrialState.WAITING
    if not tried and not study.get_trials(deepcopy=False, states=(waiting,)):
        study.enqueue_trial(_defaults(fitting, parts))
    study.sampler = optuna.samplers.TPESampler(seed=fitting.seed + len(tried))
    trial = study.ask({name: span.distribution for name, span in SPACE.items()})
    try:
        spend, churn = _losses(parts, _fitting(trial.params, fitting) if tried else fitting, unused)
        trial.set_user_attr(SPEND_LOSS, spend)
        trial.set_user_attr(CHURN_LOSS, churn)
    except BaseException:
        study.tell(trial, state=optuna.trial.TrialState.FAIL)
        raise
    first = tried[0] if tried else None
    loss = (spend / first.spend_loss + churn / first.churn_loss) / 2.0 if first else 1.0
    # What is not a number would count as a failure, to be tried again for ever.
    study.tell(trial, loss if isfinite(loss) else inf)


def _losses(parts: Parts, fitting: Fitting, unused: tuple[str, ...]) -> tuple[float, float]:
    spend, churn = parts.rehearse(fitting, unused).losses()
    return spend[fitting.spend_members], churn[fitting.churn_members]


def _defaults(fitting: Fitting, parts: Parts) -> dict[str, Any]:
    """Return the settings that a search begins with, of those outside of the space the bound next to them."""
    known = {"min_data_in_leaf": least_leaf(len(parts.older.features)), **SHARED, **fitting.boosting}
    known |= {name: getattr(fitting, name) for name in TREES}
    return {name: span.nearest(known[name]) for name, span in SPACE.items()}


def _fitting(settings: Mapping[str, Any], fitting: Fitting) -> Fitting:
    boosting = {name: value for name, value in settings.items() if name not in TREES}
    trees = {name: settings[name] for name in TREES}
    return replace(fitting, boosting={**fitting.boosting, **boosting}, **trees)


def _name(parts: Parts, fitting: Fitting) -> str:
    """Return the name of a study: whatever else changes losses has trials of its own. Threads change none."""
    rules = {
        "features": list(parts.older.features.columns),
        "fitting": asdict(replace(fitting, threads=0)),
        "space": {name: asdict(span) for name, span in SPACE.items()},
        "versions": {name: version(name) for name in VERSIONS},
    }
    return sha256(json.dumps(rules, sort_keys=True, default=str).encode()).hexdigest()[:16]
