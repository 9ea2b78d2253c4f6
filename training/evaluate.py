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
KINDS = ("purchase_days", "recency_days", "spend")
"""Features by which kinds of customers are judged apart, see `training.groups`."""


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
        One row a customer: what `happened`, the model's predictions, and what tells kinds of customers apart on the
        as-of date: `KINDS`.
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
    return judge_fitted(ledger, fit_bundle(ledger, as_of, horizon_days, fitting))


def judge_fitted(ledger: Ledger, fitted: Fitted) -> Evaluation:
    """Judge a bundle and the baselines by the outcome of the as-of date of its plan.

    Parameters
    ----------
    ledger
        A ledger that covers the outcome window.
    fitted
        The bundle, with the level of that as-of date, and the past windows as they were known then.
    """
    as_of, horizon_days = fitted.plan.as_of, fitted.plan.horizon_days
    predicted, features = _predict(fitted.bundle, snapshot(ledger, as_of, fitted.plan.window_days))
    actual = happened(ledger, as_of, horizon_days).reindex(predicted.index)
    judged = {MODEL: judge(actual, predicted)}
    basis = _basis(ledger, fitted, features)
    judged |= {name: judge(actual, baseline(basis)) for name, baseline in BASELINES.items()}
    metrics = pd.DataFrame(judged).T.rename_axis("model")
    customers = actual.join(predicted).join(features[list(KINDS)])
    return Evaluation(as_of, horizon_days, fitted, customers, metrics)


def happened(ledger: Ledger, as_of: date, horizon_days: int) -> pd.DataFrame:
    """Return the outcome of every customer of an as-of date, indexed by `KEYS`.

    Returns
    -------
    DataFrame
        `net_spend`, `outcome_days` (purchase days), `first_order_days` (until the first of them) and `churned`.
    """
    found = outcomes(ledger, as_of, horizon_days)
    found = found.rename(outcome_days="purchase_days", first_order_days="next_order_days")
    return found.to_pandas().set_index(list(KEYS))


def predict_all(bundle: Bundle, known: object) -> pd.DataFrame:
    """Return the predictions of a bundle for a whole snapshot, pinned to the bundle's level as a scoring run's are."""
    return _predict(bundle, known)[0]


def _predict(bundle: Bundle, known: object) -> tuple[pd.DataFrame, pd.DataFrame]:
    allocation, features = _allocate(bundle, known)
    totals = Totals()
    totals.add(allocation)
    return bundle.predictions(allocation, totals.pins(bundle.level)), features


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
    # A bundle of an earlier as-of date brings the parameters of then: its baselines know what anybody knows now.
    fresh = bundle.facts["as_of"] == str(plan.as_of)
    mbg = bundle.btyd if fresh else fit_btyd(ledger, groups, plan.as_of, "mbg")
    btyd = {"bg": fit_btyd(ledger, groups, plan.as_of, "bg"), "mbg": mbg}
    return Known(features, plan.horizon_days, plan.window_days, fitted.past[plan.cutoffs[0]], btyd)
