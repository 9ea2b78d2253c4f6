"""Ridge corrections: a penalised linear model of transformed features on an offset, smooth where trees are steps."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.base import BaseEstimator

from models.steady import one_thread

FloatArray = NDArray[np.float64]

CURVED = ("recency_days", "purchase_days", "tenure_days", "btyd_active")
"""Features that enter with a square and hinges."""
FEWEST_RIDGE_ROWS = 2_000
"""Below it, the inputs are too many for the rows."""
WIDEST = 4.0
"""Inputs are cut at so many standard deviations: a customer beyond all others is not extrapolated to."""
KNOTS = (-1.0, 0.0, 1.0)
PENALTY = {"tweedie": 0.01, "binary": 0.003}
LARGEST_CORRECTION = {"tweedie": 0.7, "binary": np.inf}
POSITIONS = ("used", "gappy", "curved")
ROWS_AT_A_TIME = 2_048
"""Rows whose inputs stay in the processor's cache."""
MOST_STEPS, MOST_HALVINGS, SMALLEST_GAIN = 50, 30, 1e-12


class OffsetRidge(BaseEstimator):  # type: ignore[misc]
    """A ridge regression on top of an offset: prediction = offset + inputs · coefficients, on the link scale.

    Each feature enters as sign(x)·log(1 + |x|/median), standardised and cut at four deviations, with an indicator of
    missing values; a few enter with a square and hinges as well. The mirror of `models.booster.OffsetBooster`.

    Parameters
    ----------
    objective
        ``tweedie`` (power 1.5, logarithmic link) or ``binary`` (logit link).
    """

    def __init__(self, objective: str = "tweedie") -> None:
        self.objective = objective

    def fit(
        self,
        X: FloatArray,
        y: FloatArray,
        offset: FloatArray,
        curved: Sequence[int] = (),
        used: Sequence[int] | None = None,
    ) -> Self:
        """Fit by Newton's method on the mean loss plus the penalty times the sum of squared coefficients.

        Parameters
        ----------
        X
            Matrix (n, k) of float64; missing values are NaN.
        y
            Target (n,): not negative, best about 1 on average so that the penalty means the same in every currency, or
            0 and 1 for ``binary``.
        offset
            What is known beforehand (n,), on the link scale.
        curved
            Positions of the columns that also enter with a square and hinges.
        used
            Positions of the columns that enter at all; None: every one.

        Returns
        -------
        Self
            With `shape_` (what makes inputs of features) and `coefficients_`, the constant last.
        """
        used = range(X.shape[1]) if used is None else used
        bent = [place for place, column in enumerate(used) if column in curved]
        self.shape_ = {"used": np.asarray(used, dtype=np.int64)} | _shape(X[:, used], bent)
        inputs = self._inputs(X)
        coefficients = np.zeros(inputs.shape[1])
        # The constant is not penalised: the level is not for the penalty to pull.
        penalty = np.full(len(coefficients), 2.0 * PENALTY[self.objective])
        penalty[-1] = 1e-9
        with one_thread():
            link, loss = offset, np.inf
            for _ in range(MOST_STEPS):
                slope, curve = self._derivatives(link, y)
                gradient = inputs.T @ slope / len(y) + penalty * coefficients
                hessian = (inputs * curve[:, None]).T @ inputs / len(y) + np.diag(penalty)
                step = np.linalg.solve(hessian, gradient)
                before = loss
                # A whole step from far away may overshoot: it is halved until the loss falls.
                for size in 0.5 ** np.arange(MOST_HALVINGS):
                    tried = coefficients - size * step
                    link = offset + inputs @ tried
                    loss = float(self._losses(link, y).mean() + penalty @ tried**2 / 2.0)
                    if loss <= before:
                        break
                coefficients = tried
                if before - loss < SMALLEST_GAIN:
                    break
        self.coefficients_ = coefficients
        return self

    def correction(self, X: FloatArray) -> FloatArray:
        """Return what the inputs add to the offset (n,), on the link scale."""
        added = np.empty(len(X))
        for begin in range(0, len(X), ROWS_AT_A_TIME):
            rows = slice(begin, begin + ROWS_AT_A_TIME)
            # Neither a matrix product nor a sum along columns: their last bits depend on how many customers come at
            # once.
            added[rows] = np.einsum("ij,j->i", self._inputs(X[rows]), self.coefficients_)
        limit = LARGEST_CORRECTION[self.objective]
        corrected: FloatArray = np.clip(added, -limit, limit)
        return corrected

    def _losses(self, link: FloatArray, y: FloatArray) -> FloatArray:
        """Return the loss of each row (n,)."""
        losses: FloatArray
        if self.objective == "binary":
            losses = np.logaddexp(0.0, link) - y * link
        else:
            root = np.exp(np.clip(link, -40.0, 40.0) / 2.0)
            losses = 2.0 * (root + y / root)
        return losses

    def _derivatives(self, link: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return first and second derivative of the loss by the link (n,)."""
        if self.objective == "binary":
            probability = expit(link)
            return probability - y, np.maximum(probability * (1.0 - probability), 1e-9)
        # 2·sqrt(mu) + 2·y/sqrt(mu), the Tweedie deviance of power 1.5 up to a factor and a constant.
        root = np.exp(np.clip(link, -40.0, 40.0) / 2.0)
        return root - y / root, (root + y / root) / 2.0

    def _inputs(self, X: FloatArray) -> FloatArray:
        shape = self.shape_
        inputs = np.empty(
            (len(X), len(shape["used"]) + len(shape["gappy"]) + (1 + len(KNOTS)) * len(shape["curved"]) + 1)
        )
        lines, flags, bent = np.split(inputs[:, :-1], np.cumsum([len(shape["used"]), len(shape["gappy"])]), axis=1)
        # Row by row as they are in X, which indexing would turn; and in place: with a matrix for every step, most of
        # the time would go into getting memory for it.
        chosen = np.take(X, shape["used"], axis=1)
        scaled = np.abs(chosen / shape["median"])
        np.copysign(np.log1p(scaled, out=scaled), chosen, out=scaled)
        scaled -= shape["mean"]
        scaled /= shape["deviation"]
        np.clip(scaled, -WIDEST, WIDEST, out=scaled)
        missing = np.isnan(scaled)
        scaled[missing] = 0.0
        lines[:] = scaled
        flags[:] = missing[:, shape["gappy"]]
        curved = scaled[:, shape["curved"]]
        bent[:] = np.hstack([curved**2 - 1.0, *(np.maximum(curved - knot, 0.0) for knot in KNOTS)])
        inputs[:, -1] = 1.0
        return inputs

    def to_dict(self) -> dict[str, Any]:
        """Return the fitted model as plain data."""
        shape = {name: np.asarray(values).tolist() for name, values in self.shape_.items()}
        return {"objective": self.objective, "shape": shape, "coefficients": self.coefficients_.tolist()}

    @classmethod
    def from_dict(cls, fitted: dict[str, Any]) -> Self:
        """Make the fitted model that `to_dict` described."""
        model = cls(fitted["objective"])
        model.shape_ = {
            name: np.array(values, dtype=np.int64 if name in POSITIONS else np.float64)
            for name, values in fitted["shape"].items()
        }
        model.coefficients_ = np.array(fitted["coefficients"])
        return model


def ridge_columns(names: Sequence[str], codes: Sequence[int], unused: Sequence[str]) -> tuple[list[int], list[int]]:
    """Return the positions of the columns that a ridge uses, and of those that enter curved.

    Parameters
    ----------
    names
        Columns of the matrix.
    codes
        Positions of those that hold category codes, of which no line can be drawn.
    unused
        Names of those that it may not see.
    """
    used = [place for place, name in enumerate(names) if place not in codes and name not in unused]
    return used, [place for place in used if names[place] in CURVED]


def _shape(X: FloatArray, curved: Sequence[int]) -> dict[str, NDArray[Any]]:
    """Learn the scale of each feature and where values are missing."""
    known = np.where(np.isnan(X) | (X == 0.0), np.nan, np.abs(X))
    known[0, np.isnan(known).all(axis=0)] = 1.0
    median = np.nanmedian(known, axis=0)
    scaled = np.sign(X) * np.log1p(np.abs(X / median))
    scaled[0, np.isnan(scaled).all(axis=0)] = 0.0
    deviation = np.nanstd(scaled, axis=0)
    return {
        "median": median,
        "mean": np.nanmean(scaled, axis=0),
        "deviation": np.where(deviation > 1e-9, deviation, 1.0),
        "gappy": np.flatnonzero(np.isnan(X).any(axis=0)),
        "curved": np.asarray(curved, dtype=np.int64),
    }
