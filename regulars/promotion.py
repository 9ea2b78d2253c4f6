"""The verb `promote`: who is champion."""

from typing import Any

from models.registry import CHALLENGER
from regulars.opening import ledger
from regulars.verbs import HORIZON_DAYS
from training.promotion.judgement import MOST_WINDOWS
from training.promotion.promote import DEFAULT_METRIC, Promotion, Terms
from training.promotion.promote import promote as run_promotion


def promote(
    log: Any,
    horizon: int = HORIZON_DAYS,
    model: str = CHALLENGER,
    metric: str = DEFAULT_METRIC,
    cutoffs: int = MOST_WINDOWS,
    force: bool = False,
    by: str | None = None,
) -> Promotion:
    """Make a registered version champion where it is better than the champion beyond noise, and write down why.

    Parameters
    ----------
    log
        As for `ledger`: both are judged on its newest complete windows since the training of either.
    horizon
        Horizon of the registered model.
    model
        Alias or version that wants to be champion.
    metric
        Where it has to be better beyond noise: ``mae``, ``rmse``, ``gini``, ``bias``, ``auc`` or ``log_loss``; in none
        of the others may it be worse.
    cutoffs
        How many windows at most, a quarter of the horizon apart.
    force
        Promote whatever comes of the comparison; the log says so.
    by
        Who decides; None: the user whose process it is.

    Raises
    ------
    LogError, HistoryError, BundleError
        The log, the models or the registry cannot be used. A refusal raises nothing: see `Promotion.promoted`.
    """
    return run_promotion(ledger(log), horizon, model, Terms(metric, cutoffs, force, by))
