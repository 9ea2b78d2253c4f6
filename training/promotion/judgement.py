"""Judgement: registered bundles at as-of dates whose outcome they cannot have seen."""

from dataclasses import replace
from datetime import date, timedelta

from features.ledger import Ledger
from features.outcome import customer_groups
from features.window import Span, outcome_end, schedule
from models.bundle import Bundle
from models.level import windows
from models.registry import Registered
from regulars.errors import HistoryError
from training.backtest import Backtest
from training.evaluate import judge_fitted
from training.fit import Fitted

MOST_WINDOWS = 4
STEPS_A_HORIZON = 4
"""Windows overlap, a quarter of the horizon apart, so that a log which goes on for a short while has several."""


def trained_as_of(bundle: Bundle) -> date:
    """Return the as-of date of a bundle's training: it has seen nothing at or after it."""
    return date.fromisoformat(bundle.facts["as_of"])


def judged_dates(span: Span, since: date, horizon_days: int, cutoffs: int = MOST_WINDOWS) -> tuple[date, ...]:
    """Return the newest as-of dates, oldest first, whose outcome is wholly known and was not at some date.

    Parameters
    ----------
    span
        The days that the log covers.
    since
        As-of date of the youngest training that is judged.
    horizon_days
        Length of the outcome windows.
    cutoffs
        How many dates at most.

    Returns
    -------
    tuple of dates
        Empty where the log does not reach the end of the window that begins at `since`.

    Raises
    ------
    HistoryError
        No cut-off is asked for.
    """
    if cutoffs < 1:
        raise HistoryError(f"{cutoffs} cut-offs judge nothing: give at least 1")
    newest, step = span.end - timedelta(days=horizon_days), max(1, horizon_days // STEPS_A_HORIZON)
    dates = [newest - timedelta(days=i * step) for i in range(cutoffs)]
    return tuple(day for day in reversed(dates) if day >= since and span.covers(day, horizon_days))


def too_early(span: Span, since: date, horizon_days: int) -> str:
    """Return why a log does not allow a judgement yet, and when it will."""
    return (
        f"trained as of {since}, it can be judged from {outcome_end(since, horizon_days)} on, when a log covers the "
        f"{horizon_days} days after its training; this one ends on {span.last_day}"
    )


def fitted_at(ledger: Ledger, bundle: Bundle, as_of: date) -> Fitted:
    """Return a bundle as a scoring run at an as-of date uses it: with the level forecast anew for that date.

    Parameters
    ----------
    ledger
        The ledger; its days at or after `as_of` are not read.
    bundle
        The fitted models.
    as_of
        At or after the as-of date of the training.
    """
    known = ledger.before(as_of)
    plan = schedule(known.span, as_of, bundle.horizon_days, bundle.window_days)
    groups = customer_groups(known, plan.dates, plan.window_days).to_pandas()
    past = windows(groups, bundle.btyd, plan.window_days)
    # No row was learnt from here: what the bundle knows, it brought along.
    return Fitted(replace(bundle, level=bundle.level_rule.forecast(past, plan)), plan, past, rows=0)


def judge_registered(ledger: Ledger, registered: Registered, cutoffs: int = MOST_WINDOWS) -> Backtest:
    """Judge a registered bundle, as it is, on the newest windows since its training, beside the baselines.

    Parameters
    ----------
    ledger
        The ledger.
    registered
        The bundle.
    cutoffs
        How many windows at most; they overlap.

    Raises
    ------
    HistoryError
        No outcome window since the training is complete.
    BundleError
        The log's columns are not those of the training.
    """
    bundle = registered.bundle
    since = trained_as_of(bundle)
    dates = judged_dates(ledger.span, since, bundle.horizon_days, cutoffs)
    if not dates:
        raise HistoryError(
            f"{registered.name} version {registered.version} has seen all that this log could judge it by: "
            f"{too_early(ledger.span, since, bundle.horizon_days)}. Bring a longer log, or leave out --model to fit "
            "anew at every as-of date"
        )
    return Backtest(tuple(judge_fitted(ledger, fitted_at(ledger, bundle, day)) for day in dates), registered)
