"""The public verbs: what a person or a job asks for, from a log to a list."""

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from features.catalogue import catalogue
from features.quality import Quality
from features.snapshot import KEYS, snapshot
from features.window import history_days, require_horizon
from models.lifetime import Economics
from models.registry import CHAMPION, load_registered
from regulars.opening import as_of_date, ledger
from serving.score import Scoring
from serving.score import score as score_customers
from serving.scoring.passes import Progress
from serving.storage.cards import keep_card
from serving.store import Store
from training.backtest import Backtest
from training.backtest import backtest as run_backtest
from training.fit import Fitting
from training.promotion.judgement import judge_registered
from training.train import Training
from training.train import train as run_training

__all__ = ["backtest", "catalogue", "check", "features", "ledger", "score", "train"]

HORIZON_DAYS = 90


def check(log: Any) -> Quality:
    """Report what a log holds and what of it cannot be used.

    Parameters
    ----------
    log
        As for `ledger`.

    Raises
    ------
    LogError
        The log cannot be opened, or breaks its contract.
    """
    return ledger(log).quality


def features(log: Any, as_of: date | str | None = None, horizon: int = HORIZON_DAYS) -> pd.DataFrame:
    """Return the snapshot of an as-of date: the features of every customer, indexed by `customer_id`.

    Parameters
    ----------
    log
        As for `ledger`.
    as_of
        As-of date; None: the day after the log's last.
    horizon
        Days that some features look back, as far as the outcome would look ahead.

    Raises
    ------
    LogError, HistoryError
        The log cannot be used, or nothing in it lies before the as-of date.
    """
    known = ledger(log)
    day = as_of_date(known, as_of)
    require_horizon(horizon)
    history_days(known.span, day)
    table = snapshot(known, day, horizon).to_pandas()
    return table.sort_values("customer_id").set_index("customer_id").drop(columns=KEYS[0])


def backtest(
    log: Any,
    horizon: int = HORIZON_DAYS,
    cutoffs: int = 4,
    fitting: Fitting | None = None,
    model: str | None = None,
) -> Backtest:
    """Evaluate on the newest complete windows of a log, beside the baselines.

    Parameters
    ----------
    log
        As for `ledger`.
    horizon
        Length of the outcome windows in days.
    cutoffs
        How many windows at most.
    fitting
        How to fit; None: the defaults.
    model
        Alias or version of a registered model, to be judged as it is on windows since its training; None: fit anew at
        every as-of date.

    Raises
    ------
    LogError, HistoryError, BundleError
        The log or the model cannot be used, or the log covers no complete window with enough history before it.
    """
    if model is not None:
        return judge_registered(ledger(log), load_registered(horizon, model), cutoffs)
    return run_backtest(ledger(log), horizon, cutoffs, fitting)


def train(
    log: Any,
    as_of: date | str | None = None,
    horizon: int = HORIZON_DAYS,
    fitting: Fitting | None = None,
    tune: int = 0,
    progress: Progress = lambda trials: None,
) -> Training:
    """Fit, evaluate on the newest complete window, log in MLflow and register.

    Parameters
    ----------
    log
        As for `ledger`.
    as_of
        As-of date: nothing at or after it is read; None: the day after the log's last.
    horizon
        Length of the outcome window that scores predict, in days.
    fitting
        How to fit; None: the defaults.
    tune
        How many settings to try on past windows before, kept in `.regulars` so that a search can go on; 0: none.
    progress
        Called with the number of settings tried.

    Raises
    ------
    LogError, HistoryError
        The log cannot be used, or is too short.
    """
    known = ledger(log)
    return run_training(known, as_of_date(known, as_of), horizon, fitting, tune, progress)


def score(
    log: Any,
    store: str | Path,
    as_of: date | str | None = None,
    horizon: int = HORIZON_DAYS,
    model: str = CHAMPION,
    economics: Economics | None = None,
    progress: Progress = lambda customers: None,
) -> Scoring:
    """Score every customer into a store; scores of the same as-of date and horizon are replaced, all at once.

    Parameters
    ----------
    log
        As for `ledger`.
    store
        Folder of the store; made where it is not there.
    as_of
        As-of date, at or after that of the training; None: the day after the log's last.
    horizon
        Horizon of the registered model.
    model
        Alias or version of the registered model.
    economics
        Margin, discount rate, lifetime and acquisition cost; None: the defaults.
    progress
        Called with the number of customers done after each batch of two passes.

    Raises
    ------
    LogError, HistoryError, BundleError, StoreError
        The log, the model or the store cannot be used; the store's old scores stand.
    """
    registered = load_registered(horizon, model)
    known, place = ledger(log, store=store), Store(Path(store))
    found = score_customers(known, as_of_date(known, as_of), registered, place, economics, progress)
    return replace(found, notes=(*found.notes, *keep_card(place, registered)))
