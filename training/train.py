"""Training: evaluate the recipe on the newest complete window, fit on everything known, log and register."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

from features.ledger import Ledger
from features.sample import learnt_from
from features.snapshot import KEYS, sampled, snapshot
from features.window import Span, history_days, schedule
from models.registry import connect
from regulars.errors import HistoryError
from training.evaluate import Evaluation, evaluate
from training.fit import Fitted, Fitting, fit_bundle
from training.search.trials import log_trials
from training.search.tune import Search
from training.search.tune import tune as search_settings
from training.tracking import EXAMPLE_ROWS, Version, log_training


@dataclass(frozen=True)
class Training:
    """What a training brought.

    Attributes
    ----------
    fitted
        The bundle of the as-of date.
    evaluation
        How the same recipe did on the newest window that was complete by then; None where there was too little history.
    version
        The registered version.
    search
        The search for settings; None where none was asked for.
    """

    fitted: Fitted
    evaluation: Evaluation | None
    version: Version
    search: Search | None = None


def train(
    ledger: Ledger,
    as_of: date,
    horizon_days: int = 90,
    fitting: Fitting | None = None,
    tune: int = 0,
    progress: Callable[[int], None] = lambda trials: None,
) -> Training:
    """Train, evaluate and register the models of one as-of date and horizon.

    Parameters
    ----------
    ledger
        The ledger; nothing at or after `as_of` is read, for the evaluation neither.
    as_of, horizon_days
        What scores will predict from and how far.
    fitting
        How to fit; None: the defaults.
    tune
        How many settings to try before, see `training.search.tune`; 0: none.
    progress
        Called with the number of settings tried.

    Raises
    ------
    HistoryError
        The history is too short.
    """
    fitting = fitting or Fitting()
    connect()  # a registry that does not answer should say so before the work, not after it
    known = learnt_from(ledger).before(as_of)
    search = None
    if tune:
        # As of the evaluation, whose outcome would otherwise have chosen the settings that it judges; the settings
        # found there serve the younger as-of date as well.
        since = newest_evaluation(known.span, horizon_days) or as_of
        search = search_settings(known, since, horizon_days, fitting, tune, progress)
        fitting = search.fitting
    fitted = fit_bundle(known, as_of, horizon_days, fitting)
    evaluation = _evaluation(known, horizon_days, fitting)
    rows = snapshot(known, as_of, fitted.plan.window_days, sampled(known, [as_of], EXAMPLE_ROWS * 20)).limit(
        EXAMPLE_ROWS
    )
    example = rows.to_pandas().drop(columns=list(KEYS))
    version = log_training(fitted, evaluation, example, fitting, ledger.quality.to_dict())
    if search is not None:
        log_trials(search.trials, search.said, version.run_id)
    return Training(fitted, evaluation, version, search)


def _evaluation(known: Ledger, horizon_days: int, fitting: Fitting) -> Evaluation | None:
    as_of = newest_evaluation(known.span, horizon_days)
    try:
        return evaluate(known, as_of, horizon_days, fitting) if as_of else None
    except HistoryError:
        # The days are enough, the customers of that time are not.
        return None


def newest_evaluation(span: Span, horizon_days: int) -> date | None:
    """Return the newest as-of date whose outcome window a log covers and whose history teaches, or None."""
    newest = span.end - timedelta(days=horizon_days)
    try:
        history_days(span, newest)
        schedule(span, newest, horizon_days)
    except HistoryError:
        return None
    return newest
