"""The linear member: expected spend as a non-negative mixture of what is known without any tree."""

from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import nnls
from sklearn.base import BaseEstimator, RegressorMixin

from models.steady import one_thread

FloatArray = NDArray[np.float64]

TERMS = (
    "btyd_spend",
    "orders x mean",
    "orders x median",
    "rate 45",
    "rate 120",
    "rate 365",
    "window 1",
    "window 2",
    "season",
    "constant",
)


class LinearMember(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Non-negative least squares of spend on BTYD, decayed rates, lag windows and the same season last year.

    Residuals are weighted with v^-0.75, v a first guess of the spend, so that the variance may grow as a Tweedie
    distribution of power 1.5 lets it grow.

    Parameters
    ----------
    horizon_days
        Length of the outcome window.
    """

    def __init__(self, horizon_days: int = 90) -> None:
        self.horizon_days = horizon_days

    def fit(self, X: pd.DataFrame, y: FloatArray) -> Self:
        """Fit the mixture.

        Parameters
        ----------
        X
            Snapshot columns with those of BTYD, n rows.
        y
            Spend in the outcome window (n,), not negative.

        Returns
        -------
        Self
            With `coefficients_` (ten, of `TERMS`) and `mean_btyd_spend_`.
        """
        self.mean_btyd_spend_ = float(X["btyd_spend"].mean())
        terms = self._terms(X)
        if X["season_spend"].isna().all():
            # A season that nobody has a year of is no term: its stand-in is BTYD's own column, and either would do.
            terms[:, TERMS.index("season")] = 0.0
        guess = terms[:, 0] + 0.5 * terms[:, 5] + 0.1 * self.mean_btyd_spend_
        weight = np.maximum(guess, 1e-12) ** -0.75
        # The triangle of a tall matrix holds all that least squares needs; one thread, for the same last bits always.
        weighted = np.column_stack([terms, y]) * weight[:, None]
        with one_thread():
            triangle: FloatArray = np.asarray(np.linalg.qr(weighted, mode="r"))
        self.coefficients_, _ = nnls(triangle[:, :-1], triangle[:, -1], maxiter=1000)
        return self

    def predict(self, X: pd.DataFrame) -> FloatArray:
        """Return expected spend (n,), not negative."""
        # Not a matrix product: its last bits depend on how many customers come at once.
        expected: FloatArray = (self._terms(X) * self.coefficients_).sum(axis=1)
        return expected

    def _terms(self, X: pd.DataFrame) -> FloatArray:
        spend = X["btyd_spend"].to_numpy()
        horizon = float(self.horizon_days)
        columns = [
            spend,
            X["btyd_orders"] * X["monetary"],
            X["btyd_orders"] * X["monetary_median"],
            *(X[f"spend_decay_{tau}"] * (horizon / tau) for tau in (45, 120, 365)),
            X["spend_window_1"],
            X["spend_window_2"],
            X["season_spend"].fillna(X["btyd_spend"]),
            np.full(len(X), self.mean_btyd_spend_),
        ]
        terms: FloatArray = np.maximum(np.column_stack(columns), 0.0)
        return terms

    def to_dict(self) -> dict[str, Any]:
        """Return the fitted member as plain data."""
        return {
            "horizon_days": self.horizon_days,
            "mean_btyd_spend": self.mean_btyd_spend_,
            "coefficients": dict(zip(TERMS, self.coefficients_.tolist(), strict=True)),
        }

    @classmethod
    def from_dict(cls, fitted: dict[str, Any]) -> Self:
        """Make the fitted member that `to_dict` described."""
        model = cls(fitted["horizon_days"])
        model.mean_btyd_spend_ = float(fitted["mean_btyd_spend"])
        model.coefficients_ = np.array([fitted["coefficients"][name] for name in TERMS])
        return model
