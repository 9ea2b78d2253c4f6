"""Evaluation at one as-of date: fit on what was known, predict everybody, look at what happened."""

from dataclasses import dataclass
from datetime import date

import pandas as pd

from features.ledger import Ledger
from features.outcome import customer_groups, outcomes, require_outcome
from features.snapshot import KEYS, frames, snapshot
from models.bundle import Bundle
from models.pin import Totals
from training.baselines import BASELINES, Known
from training.fit import Fitted, Fitting, fit_btyd, fit_bundle
from training.metrics import judge

MODEL = "Regulars"


@dataclass(frozen=True)
class Evaluation:
    """How a model and the baselines did at one as-of date.

    Attributes
    ----------
    as_of, horizon_days
        The window.
    fitted
        What was fitted at the as-of date.
    customers
        One row a customer: `net_spend`, `outcome_days`, `churned`, and the model's predictions.
    metrics
        One row a model, the product's own first; columns of `training.metrics.judge`.
    """

    as_of: date
    horizon_days: int
    fitted: Fitted
    customers: pd.DataFrame
    metrics: pd.DataFrame


def evaluate(ledger: Ledger, as_of: date, horizon_days: int, fitting: Fitting | None = None) -> Evaluation:
    """Fit at an as-of date, and judge the predictions and the baselines by the outcome.

    Parameters
    ----------
    ledger
        A ledger that covers the outcome window.
    as_of, horizon_days
        The window.
    fitting
        How to fit; None: the defaults.

    Raises
    ------
    HistoryError
        The outcome is not wholly known, or the history is too short.
    """
    require_outcome(ledger, as_of, horizon_days)
    fitted = fit_bundle(ledger, as_of, horizon_days, fitting)
    known = snapshot(ledger, as_of, fitted.plan.window_days)
    allocation, features = _allocate(fitted.bundle, known)
    totals = Totals()
    totals.add(allocation)
    predicted = fitted.bundle.predictions(allocation, totals.pins(fitted.bundle.level))
    happened = outcomes(ledger, as_of, horizon_days).rename(outcome_days="purchase_days").to_pandas()
    actual = happened.set_index(list(KEYS)).reindex(predicted.index)
    judged = {MODEL: judge(actual, predicted)}
    basis = _basis(ledger, fitted, features)
    judged |= {name: judge(actual, baseline(basis)) for name, baseline in BASELINES.items()}
    metrics = pd.DataFrame(judged).T.rename_axis("model")
    return Evaluation(as_of, horizon_days, fitted, actual.join(predicted), metrics)


def _allocate(bundle: Bundle, known: object) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Allocate in batches, keeping of the features only what baselines read: memory is bounded by the predictions."""
    allocations, features = [], []
    for frame in frames(known):
        allocations.append(bundle.allocate(frame))
        features.append(
            frame[["purchase_days", "recency_days", "tenure_days", "spend", "days_window_1", "spend_window_1"]]
        )
    return pd.concat(allocations), pd.concat(features)


def _basis(ledger: Ledger, fitted: Fitted, features: pd.DataFrame) -> Known:
    plan, bundle = fitted.plan, fitted.bundle
    groups = customer_groups(ledger.before(plan.as_of), [plan.as_of], plan.window_days).to_pandas()
    btyd = {"bg": fit_btyd(ledger, groups, plan.as_of, "bg"), "mbg": bundle.btyd}
    return Known(features, plan.horizon_days, plan.window_days, fitted.past[plan.cutoffs[0]], btyd)
