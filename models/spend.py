"""The spend model: BTYD sets the total, LightGBM allocates it."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted, validate_data

from models.booster import OffsetBooster, blanked
from models.linear import LinearMember
from models.outlook import Outlook
from models.ridge import FEWEST_RIDGE_ROWS, OffsetRidge, ridge_columns

FloatArray = NDArray[np.float64]

FLOOR = 0.02
"""Share of the mean that every offset is lifted by, so that nobody is expected to spend exactly nothing."""
MEMBERS = ("linear", "spend", "count", "ridge")
BTYD_ALONE = ("btyd",)
"""The simpler recipe, for logs on which the others find nothing that lasts."""


class SpendModel(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Expected spend in the outcome window, on top of what a buy-till-you-die model expects.

    Members are fitted on spend divided by the level of its snapshot, and blended by their geometric mean: a
    non-negative linear mixture; Tweedie trees and a Tweedie ridge with that mixture as offset; Poisson trees on
    purchase days with BTYD's expected purchase days as offset, times BTYD's order value. A matrix without the columns
    of BTYD is modelled by the Tweedie trees alone, on a constant offset.

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
    members
        Members of the blend. All are fitted: the linear one is the offset of others, and `blend` can tell what another
        choice would predict. ``btyd`` is what the buy-till-you-die model expects.
    boosting
        LightGBM parameters in place of the defaults, see `models.booster`; None: none.
    unused
        Columns that no tree and no ridge may see.
    dask
        Address of a Dask scheduler on whose workers the trees grow, see `models.cluster`; None: in this process.
    """

    def __init__(
        self,
        horizon_days: int = 90,
        trees: int = 250,
        seed: int = 0,
        threads: int = 0,
        members: Sequence[str] = MEMBERS,
        boosting: Mapping[str, Any] | None = None,
        unused: Sequence[str] = (),
        dask: str | None = None,
    ) -> None:
        self.horizon_days = horizon_days
        self.trees = trees
        self.seed = seed
        self.threads = threads
        self.members = members
        self.boosting = boosting
        self.unused = unused
        self.dask = dask

    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        orders: ArrayLike | None = None,
        outlook: Outlook | None = None,
        categorical: Sequence[str] = (),
    ) -> Self:
        """Fit the members.

        Parameters
        ----------
        X
            Snapshot columns, and those of `models.bundle.modelled`, n rows.
        y
            Net spend in the outcome window (n,), in money; below 0 counts as 0.
        orders
            Purchase days in the outcome window (n,); needed with the columns of BTYD.
        outlook
            Level and length of each row's outcome window; None: level 1, and the model's own horizon.
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
        outlook = outlook or Outlook.plain(len(target))
        spend = np.maximum(np.asarray(target, dtype=np.float64), 0.0) / outlook.spend
        names = list(getattr(self, "feature_names_in_", ()))
        codes = [names.index(name) for name in categorical]
        whole = outlook.whole
        self.members_: dict[str, Any] = {}
        self.mean_ = max(float(spend[whole].mean()), 1e-9)
        if "btyd_spend" in names:
            if orders is None:
                raise ValueError("orders, the purchase days in the outcome window, are needed beside BTYD's columns")
            frame = pd.DataFrame(matrix, columns=names)
            self.members_["linear"] = LinearMember(self.horizon_days).fit(frame[whole], spend[whole])
            if not spend[whole].any():
                # Nobody came back: how much there is to allocate is then for BTYD alone to say.
                self.mean_ = max(self.members_["linear"].mean_btyd_spend_, 1e-9)
            count = np.asarray(orders, dtype=np.float64) / outlook.orders
            offset = _log_orders(frame) + np.log(outlook.orders_growth)
            seen = blanked(matrix, names, self.unused)
            self.members_["count"] = self._booster("poisson").fit(seen, count, offset, codes, outlook.weight)
        # Spend in units of its mean: what regularisation means does not depend on the currency.
        self._fit_spend(matrix, spend / self.mean_, outlook, codes)
        fitted = [*self.members_, *(BTYD_ALONE if "linear" in self.members_ else ())]
        expected = self._expected(matrix[whole], fitted)
        self.means_ = {name: max(float(expected[name].mean()), 1e-12) for name in fitted}
        return self

    def _fit_spend(self, matrix: FloatArray, spend: FloatArray, outlook: Outlook, codes: list[int]) -> None:
        unit = np.log(self.mean_)
        offset = self._log_spend(matrix, outlook.spend_growth, outlook.ahead) - unit
        seen = blanked(matrix, list(getattr(self, "feature_names_in_", ())), self.unused)
        self.members_["spend"] = self._booster("tweedie").fit(seen, spend, offset, codes, outlook.weight)
        whole = outlook.whole
        if "linear" in self.members_ and whole.sum() >= FEWEST_RIDGE_ROWS and spend.any():
            used, curved = ridge_columns(list(self.feature_names_in_), codes, self.unused)
            ridge = OffsetRidge("tweedie").fit(matrix[whole], spend[whole], offset[whole], curved, used)
            self.members_["ridge"] = ridge

    def predict(self, X: ArrayLike) -> FloatArray:
        """Return expected net spend (n,) at a level of 1, in money."""
        return self.blend(X, self.members)

    def blend(self, X: ArrayLike, members: Sequence[str]) -> FloatArray:
        """Return what a choice of members expects (n,): of those that were fitted, trees of spend where none was."""
        matrix, chosen = self._matrix(X), self._chosen(members)
        return self._blended(self._expected(matrix, chosen), chosen)

    def allocate(self, matrix: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return what `predict` and `predict_orders` do (n,), every member asked once.

        Parameters
        ----------
        matrix
            The columns of the training (n, k), those of BTYD among them, float64 in C order; not checked.
        """
        chosen = self._chosen(self.members)
        expected = self._expected(matrix, chosen)
        orders = expected["orders"] if "orders" in expected else np.exp(_log_orders(self._frame(matrix)))
        return self._blended(expected, chosen), orders

    def _chosen(self, members: Sequence[str]) -> list[str]:
        return [name for name in members if name in self.means_] or ["spend"]

    def _blended(self, expected: Mapping[str, FloatArray], chosen: Sequence[str]) -> FloatArray:
        logs = [np.log(np.maximum(expected[name] / self.means_[name], 1e-9)) for name in chosen]
        # Not `np.mean`: in which order it adds depends on how many customers come at once.
        blend: FloatArray = np.exp(sum(logs[1:], logs[0]) / len(logs)) * self.mean_
        return blend

    def predict_orders(self, X: ArrayLike) -> FloatArray:
        """Return expected purchase days (n,) at a level of 1; only where X has the columns of BTYD."""
        matrix = self._matrix(X)
        frame = self._frame(matrix)
        if "count" not in self.members:
            return np.exp(_log_orders(frame))
        expected: FloatArray = np.exp(_log_orders(frame) + self.members_["count"].correction(matrix))
        return expected

    def _booster(self, objective: str) -> OffsetBooster:
        # Members that drew the same columns and rows would share their luck, and the blend would not even it out.
        seed = self.seed + (objective == "tweedie")
        return OffsetBooster(objective, self.trees, seed, self.threads, self.boosting, self.dask)

    def _matrix(self, X: ArrayLike) -> FloatArray:
        check_is_fitted(self)
        matrix: FloatArray = validate_data(self, X, dtype=np.float64, ensure_all_finite="allow-nan", reset=False)
        return matrix

    def _frame(self, matrix: FloatArray) -> pd.DataFrame:
        return pd.DataFrame(matrix, columns=getattr(self, "feature_names_in_", None), copy=False)

    def _expected(self, matrix: FloatArray, members: Sequence[str]) -> dict[str, FloatArray]:
        """Return what each of these members expects (n,), and with the count trees the purchase days, `orders`."""
        frame = self._frame(matrix)
        corrected = [name for name in members if name in ("spend", "ridge")]
        offset = self._log_spend(matrix) if corrected else 0.0
        expected = {name: np.exp(offset + self.members_[name].correction(matrix)) for name in corrected}
        if "linear" in members:
            expected["linear"] = self.members_["linear"].predict(frame)
        if "count" in members:
            expected["orders"] = np.exp(_log_orders(frame) + self.members_["count"].correction(matrix))
            expected["count"] = expected["orders"] * frame["btyd_order_value"].to_numpy()
        if "btyd" in members:
            expected["btyd"] = frame["btyd_spend"].to_numpy()
        return expected

    def _log_spend(self, matrix: FloatArray, growth: FloatArray | float = 1.0, ahead: Any = 1.0) -> FloatArray:
        if "linear" not in self.members_:
            return np.full(len(matrix), np.log(self.mean_))
        linear = self.members_["linear"]
        frame = self._frame(matrix)
        floor = FLOOR * linear.mean_btyd_spend_ * ahead
        logs: FloatArray = np.log(np.maximum(linear.predict(frame) * growth + floor, 1e-12))
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
