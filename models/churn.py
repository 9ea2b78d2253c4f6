"""The churn model: the probability of no purchase in the outcome window."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import Tags
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import check_is_fitted, validate_data

from models.booster import OffsetBooster
from models.calibration import logit, shift_to_mean

FloatArray = NDArray[np.float64]


class ChurnModel(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Probability that a customer does not buy in the outcome window, as the mean of two log-odds.

    One booster starts from the active rate of each snapshot, the other from BTYD's own probability shifted to that
    rate. A matrix without the columns of BTYD is modelled by the first alone.

    Parameters
    ----------
    trees
        Trees of each booster.
    seed
        Seed of the boosters.
    threads
        Threads of LightGBM; 0: all cores. It changes no result.
    """

    def __init__(self, trees: int = 130, seed: int = 0, threads: int = 0) -> None:
        self.trees = trees
        self.seed = seed
        self.threads = threads

    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        snapshots: ArrayLike | None = None,
        rates: ArrayLike | None = None,
        categorical: Sequence[str] = (),
    ) -> Self:
        """Fit the boosters.

        Parameters
        ----------
        X
            Snapshot columns, and those of `models.bundle.with_btyd`, n rows.
        y
            Whether the customer churned (n,): two classes, the larger label is the churned one.
        snapshots
            Label of each row's snapshot (n,), such as its as-of date; None: all rows are one snapshot.
        rates
            Share of active customers in each row's snapshot (n,); None: the rate among the rows themselves.
        categorical
            Columns that hold category codes.

        Returns
        -------
        Self
            With `classes_`, `boosters_` and `base_logit_`, the log-odds of being active over all rows.

        Raises
        ------
        ValueError
            X is not numeric or has fewer than two rows, or y does not have two classes.
        """
        matrix, labels = validate_data(
            self, X, y, dtype=np.float64, ensure_all_finite="allow-nan", ensure_min_samples=2
        )
        self.classes_ = np.array([False, True]) if labels.dtype == bool else _two_classes(labels)
        active = (labels != self.classes_[1]).astype(np.float64)
        groups = pd.Series(np.zeros(len(active)) if snapshots is None else np.asarray(snapshots))
        rate = pd.Series(active).groupby(groups).transform("mean") if rates is None else pd.Series(np.asarray(rates))
        names = list(getattr(self, "feature_names_in_", ()))
        codes = [names.index(name) for name in categorical]
        self.base_logit_ = float(logit(float(active.mean())))
        self.boosters_ = {"rate": self._booster().fit(matrix, active, logit(rate.to_numpy()), codes)}
        if "btyd_active" in names:
            odds = logit(matrix[:, names.index("btyd_active")])
            shifts = np.zeros(len(active))
            for rows in groups.groupby(groups).indices.values():
                shifts[rows] = shift_to_mean(odds[rows], float(rate.iloc[rows].mean()))
            self.boosters_["btyd"] = self._booster().fit(matrix, active, odds + shifts, codes)
        return self

    def active_logit(self, X: ArrayLike) -> FloatArray:
        """Return the log-odds of being active (n,), up to the constant that the level forecast sets."""
        check_is_fitted(self)
        matrix = validate_data(self, X, dtype=np.float64, ensure_all_finite="allow-nan", reset=False)
        odds = [self.base_logit_ + self.boosters_["rate"].correction(matrix)]
        if "btyd" in self.boosters_:
            btyd = logit(matrix[:, list(self.feature_names_in_).index("btyd_active")])
            odds.append(btyd + self.boosters_["btyd"].correction(matrix))
        mean: FloatArray = np.mean(odds, axis=0)
        return mean

    def predict_proba(self, X: ArrayLike) -> FloatArray:
        """Return the probabilities of staying and of churning (n, 2)."""
        active = expit(self.active_logit(X))
        return np.column_stack([active, 1.0 - active])

    def predict(self, X: ArrayLike) -> Any:
        """Return the more probable class (n,)."""
        churned = self.predict_proba(X)[:, 1] > 0.5
        return self.classes_[churned.astype(int)]

    def _booster(self) -> OffsetBooster:
        return OffsetBooster("binary", self.trees, self.seed, self.threads)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.classifier_tags.multi_class = False
        # Leaves of at least a hundred rows learn nothing from toy data, on purpose.
        tags.classifier_tags.poor_score = True
        return tags


def _two_classes(labels: Any) -> Any:
    kind = type_of_target(labels, input_name="y", raise_unknown=True)
    if kind not in ("binary", "multiclass"):
        raise ValueError(f"Unknown label type: {kind}. Whether a customer churned has two classes.")
    classes = np.unique(labels)
    if len(classes) == 1:
        raise ValueError(f"Classifier can't train when only one class is present, found {classes[0]!r} alone.")
    if len(classes) > 2:
        raise ValueError(f"Only binary classification is supported. The type of the target is {kind}.")
    return classes
