"""The spend model: BTYD sets the total, LightGBM allocates it."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted, validate_data

from models.booster import OffsetBooster
from models.linear import LinearMember

FloatArray = NDArray[np.float64]

FLOOR = 0.02
"""Share of the mean that every offset is lifted by, so that nobody is expected to spend exactly nothing."""
MEMBERS = ("linear", "spend", "count")


class SpendModel(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Expected spend in the outcome window, on top of what a buy-till-you-die model expects.

    Three members are fitted on spend divided by the level of its snapshot, and blended by their geometric mean: a
    non-negative linear mixture; Tweedie trees with that mixture as offset; Poisson trees on purchase days with
    BTYD's expected purchase days as offset, times BTYD's order value. A matrix without the columns of BTYD is modelled
    by the Tweedie trees alone, on a constant offset.

    Parameters
    ----------
    horizon_days
        Length of the outcome window in days.
    trees
        Trees of each booster.
    seed
        Seed of the boosters.
    threads
        Threads of LightGBM; 0: all cores. It changes no result.
    """

    def __init__(self, horizon_days: int = 90, trees: int = 250, seed: int = 0, threads: int = 0) -> None:
        self.horizon_days = horizon_days
        self.trees = trees
        self.seed = seed
        self.threads = threads

    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        orders: ArrayLike | None = None,
        levels: pd.DataFrame | None = None,
        categorical: Sequence[str] = (),
    ) -> Self:
        """Fit the members.

        Parameters
        ----------
        X
            Snapshot columns, and those of `models.bundle.with_btyd`, n rows.
        y
            Net spend in the outcome window (n,), in money; below 0 counts as 0.
        orders
            Purchase days in the outcome window (n,); needed with the columns of BTYD.
        levels
            `spend` and `orders`, the level of each row's snapshot, n rows; None: 1.
        categorical
            Columns that hold category codes.

        Returns
        -------
        Self
            With `members_`, the fitted members by name, and `means_`, each one's mean on the training rows.

        Raises
        ------
        ValueError
            X or y is not numeric or has fewer than two rows, or `orders` is missing beside the columns of BTYD.
        """
        matrix, target = validate_data(
            self, X, y, dtype=np.float64, ensure_all_finite="allow-nan", ensure_min_samples=2, y_numeric=True
        )
        level = np.ones(len(target)) if levels is None else levels["spend"].to_numpy(dtype=np.float64)
        spend = np.maximum(np.asarray(target, dtype=np.float64), 0.0) / level
        names = list(getattr(self, "feature_names_in_", ()))
        codes = [names.index(name) for name in categorical]
        self.members_: dict[str, Any] = {}
        self.mean_ = max(float(spend.mean()), 1e-9)
        if "btyd_spend" in names:
            if orders is None:
                raise ValueError("orders, the purchase days in the outcome window, are needed beside BTYD's columns")
            frame = pd.DataFrame(matrix, columns=names)
            self.members_["linear"] = LinearMember(self.horizon_days).fit(frame, spend)
            if not spend.any():
                # Nobody came back: how much there is to allocate is then for BTYD alone to say.
                self.mean_ = max(self.members_["linear"].mean_btyd_spend_, 1e-9)
            count = np.asarray(orders, dtype=np.float64)
            count = count / (1.0 if levels is None else levels["orders"].to_numpy(dtype=np.float64))
            self.members_["count"] = self._booster("poisson").fit(matrix, count, _log_orders(frame), codes)
        self.members_["spend"] = self._booster("tweedie").fit(matrix, spend, self._log_spend(matrix), codes)
        self.means_ = {name: max(float(values.mean()), 1e-12) for name, values in self._expected(matrix).items()}
        return self

    def predict(self, X: ArrayLike) -> FloatArray:
        """Return expected net spend (n,) at a level of 1, in money."""
        expected = self._expected(self._matrix(X))
        logs = [np.log(np.maximum(expected[name] / mean, 1e-9)) for name, mean in self.means_.items()]
        blend: FloatArray = np.exp(np.mean(logs, axis=0)) * self.mean_
        return blend

    def predict_orders(self, X: ArrayLike) -> FloatArray:
        """Return expected purchase days (n,) at a level of 1; only where X has the columns of BTYD."""
        matrix = self._matrix(X)
        frame = pd.DataFrame(matrix, columns=list(self.feature_names_in_))
        expected: FloatArray = np.exp(_log_orders(frame) + self.members_["count"].correction(matrix))
        return expected

    def _booster(self, objective: str) -> OffsetBooster:
        return OffsetBooster(objective, self.trees, self.seed, self.threads)

    def _matrix(self, X: ArrayLike) -> FloatArray:
        check_is_fitted(self)
        matrix: FloatArray = validate_data(self, X, dtype=np.float64, ensure_all_finite="allow-nan", reset=False)
        return matrix

    def _expected(self, matrix: FloatArray) -> dict[str, FloatArray]:
        expected = {"spend": np.exp(self._log_spend(matrix) + self.members_["spend"].correction(matrix))}
        if "linear" in self.members_:
            frame = pd.DataFrame(matrix, columns=list(self.feature_names_in_))
            orders = np.exp(_log_orders(frame) + self.members_["count"].correction(matrix))
            expected["linear"] = self.members_["linear"].predict(frame)
            expected["count"] = orders * frame["btyd_order_value"].to_numpy()
        return expected

    def _log_spend(self, matrix: FloatArray) -> FloatArray:
        if "linear" not in self.members_:
            return np.full(len(matrix), np.log(self.mean_))
        linear = self.members_["linear"]
        frame = pd.DataFrame(matrix, columns=list(self.feature_names_in_))
        logs: FloatArray = np.log(np.maximum(linear.predict(frame) + FLOOR * linear.mean_btyd_spend_, 1e-12))
        return logs

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.target_tags.positive_only = True
        # Leaves of at least a hundred rows learn nothing from toy data, on purpose.
        tags.regressor_tags.poor_score = True
        return tags


def _log_orders(frame: pd.DataFrame) -> FloatArray:
    logs: FloatArray = np.log(np.maximum(frame["btyd_orders"].to_numpy(dtype=np.float64), 1e-12))
    return logs
