"""The rehearsal: fit on the older past windows and predict the newer ones, whose outcomes are known.

What it shows decides between the full recipe and BTYD alone, and how wide intervals are.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.window import Schedule
from models.calibration import calibrated
from models.churn import PARAMETRIC
from models.pin import pinned
from models.spend import BTYD_ALONE
from training.fitting import Fitting
from training.lessons import Lessons

FloatArray = NDArray[np.float64]

CLEARLY = 0.02
"""Share of the loss by which a simpler recipe has to be better."""
FEWEST_ROWS = 500
"""Below it, newer windows are too few customers to tell recipes apart."""


@dataclass(frozen=True)
class Rehearsal:
    """Predictions of the newer windows by models that were fitted on the older ones.

    Attributes
    ----------
    newer
        The rows that were predicted, n.
    spend
        Expected spend (n,) at a level of 1, by members of the blend.
    active_logit
        Log-odds of being active (n,) up to a constant, by members of the mean.
    """

    newer: Lessons
    spend: Mapping[tuple[str, ...], FloatArray]
    active_logit: Mapping[tuple[str, ...], FloatArray]

    def losses(self) -> tuple[dict[tuple[str, ...], float], dict[tuple[str, ...], float]]:
        """Return the mean Tweedie deviance of spend and log loss of churn by members, each snapshot at its own level.

        The level is the same for all recipes, and is forecast apart from them.
        """
        snapshots, happened = self.newer.outlook.snapshot, self.newer.spend
        active = self.newer.active
        spend = {
            members: _tweedie(happened, pinned(expected, happened, snapshots))
            for members, expected in self.spend.items()
        }
        churn = {members: _log_loss(active, odds, snapshots) for members, odds in self.active_logit.items()}
        return spend, churn

    def best(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return the members of spend and of churn to trust: the full recipe's unless a simpler one did clearly better.

        The rehearsal's full recipe has learnt from half the past only, so a small lead of a simpler one is no evidence.
        """
        spend, churn = self.losses()
        return _trusted(spend), _trusted(churn)


@dataclass(frozen=True)
class Parts:
    """The past in two.

    Attributes
    ----------
    older
        Rows whose windows were over when the newer ones began.
    newer
        Rows of the newest cut-offs.
    window_days
        Length of the window that is predicted.
    """

    older: Lessons
    newer: Lessons
    window_days: int

    def rehearse(self, fitting: Fitting, unused: tuple[str, ...] = ()) -> Rehearsal:
        """Fit on the older rows and predict the newer ones."""
        spend = self.older.fit_spend(self.window_days, fitting, unused)
        churn = self.older.fit_churn(fitting, unused)
        full, odds, asked = fitting.spend_members, fitting.churn_members, self.newer.features
        return Rehearsal(
            self.newer,
            {members: spend.blend(asked, members) for members in (full, BTYD_ALONE)},
            {members: churn.active_logit(asked, members) for members in (odds, PARAMETRIC)},
        )


def rehearse(lessons: Lessons, plan: Schedule, fitting: Fitting, unused: tuple[str, ...] = ()) -> Rehearsal | None:
    """Fit on windows that were over when the newer ones began, and predict those.

    Parameters
    ----------
    lessons
        All rows.
    plan
        Their cut-offs.
    fitting, unused
        How to fit.

    Returns
    -------
    Rehearsal or None
        None where the past is too short or has too few customers for one.
    """
    parts = rehearsal_parts(lessons, plan)
    return None if parts is None else parts.rehearse(fitting, unused)


def rehearsal_parts(lessons: Lessons, plan: Schedule) -> Parts | None:
    """Return the older and the newer rows, or None where the past is too short or has too few customers."""
    newer = newer_cutoffs(plan)
    begins = lessons.features.index.get_level_values("as_of")
    days = pd.to_timedelta(lessons.outcome["ahead_days"].to_numpy(), unit="D")
    is_newer = begins.isin([pd.Timestamp(day) for day in newer]) & lessons.outlook.whole
    is_older = np.asarray(begins + days <= pd.Timestamp(newer[-1])) if newer else np.zeros(len(begins), dtype=bool)
    older = lessons.part(is_older)
    if min(is_newer.sum(), (is_older & lessons.outlook.whole).sum()) < FEWEST_ROWS:
        return None
    return Parts(older, lessons.part(is_newer), plan.window_days)


def newer_cutoffs(plan: Schedule) -> tuple[object, ...]:
    """Return the newest cut-offs, newest first: as many as leave as many older ones whose windows end before them."""
    overlap = -(-plan.window_days // plan.step_days)
    count = max((len(plan.cutoffs) - overlap + 1) // 2, 1)
    newer = plan.cutoffs[:count]
    ended = plan.cutoffs[-1] + timedelta(days=plan.window_days) <= newer[-1]
    return newer if ended else ()


def _trusted(losses: dict[tuple[str, ...], float]) -> tuple[str, ...]:
    full, best = next(iter(losses)), min(losses, key=lambda members: losses[members])
    return best if losses[full] > (1.0 + CLEARLY) * losses[best] else full


def _tweedie(happened: FloatArray, expected: FloatArray) -> float:
    """Return the mean Tweedie deviance of power 1.5, up to its factor and the part that no forecast changes."""
    root = np.sqrt(np.maximum(expected, 1e-9 * max(float(happened.mean()), 1e-9)))
    return float(np.mean(root + happened / root))


def _log_loss(active: NDArray[np.bool_], odds: FloatArray, snapshots: NDArray[np.int64]) -> float:
    probability = np.clip(calibrated(odds, active, snapshots), 1e-9, 1.0 - 1e-9)
    return float(-np.mean(np.log(np.where(active, probability, 1.0 - probability))))
