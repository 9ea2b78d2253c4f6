"""Boosted corrections: LightGBM learns who gets more or less than an offset says, and the offset keeps the level."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

import lightgbm as lgb
import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from models.cluster import Rows, grow

FloatArray = NDArray[np.float64]

FEW_ROWS = 25_000
SHARED = {
    "learning_rate": 0.04,
    "num_leaves": 8,
    "feature_fraction": 0.4,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "lambda_l2": 20.0,
    "max_bin": 127,
    "boost_from_average": False,
    "deterministic": True,
    "force_col_wise": True,
    "verbosity": -1,
}


class OffsetBooster(BaseEstimator):  # type: ignore[misc]
    """A native LightGBM Booster on top of an offset: prediction = offset + trees, on the objective's link scale.

    The offset carries the level, so that the trees only allocate; with few rows no leaf is allowed and the offset
    stands alone.

    Parameters
    ----------
    objective
        ``tweedie`` (power 1.5) and ``poisson`` with a logarithmic link, ``binary`` with a logit link.
    trees
        Number of trees.
    seed
        Seed of bagging and feature sampling.
    threads
        Threads of LightGBM; 0: all cores. It changes no result.
    boosting
        LightGBM parameters in place of those of `SHARED`; None: none.
    dask
        Address of a Dask scheduler on whose workers the trees grow, see `models.cluster`; None: in this process.
    """

    def __init__(
        self,
        objective: str = "tweedie",
        trees: int = 250,
        seed: int = 0,
        threads: int = 0,
        boosting: Mapping[str, Any] | None = None,
        dask: str | None = None,
    ) -> None:
        self.objective = objective
        self.trees = trees
        self.seed = seed
        self.threads = threads
        self.boosting = boosting
        self.dask = dask

    def fit(
        self,
        X: FloatArray,
        y: FloatArray,
        offset: FloatArray,
        categorical: Sequence[int] = (),
        weight: FloatArray | None = None,
    ) -> Self:
        """Fit the trees.

        Parameters
        ----------
        X
            Matrix (n, k) of float64; missing values are NaN.
        y
            Target (n,): not negative, best about 1 on average so that λ2 means the same in every currency; or 0 and 1
            for ``binary``.
        offset
            What is known beforehand (n,), on the link scale.
        categorical
            Positions of the columns that hold category codes.
        weight
            What each row counts (n,); None: 1.

        Returns
        -------
        Self
            With `booster_`.

        Raises
        ------
        RegularsError
            The Dask cluster cannot be used.
        """
        # Where nobody did anything there is nothing to allocate, and LightGBM refuses such targets: no leaf may grow.
        learnable = bool(np.any(y))
        parameters = {
            **SHARED,
            "min_data_in_leaf": least_leaf(len(y)),
            **(self.boosting or {}),
            "objective": self.objective if learnable else "regression",
            **({} if learnable else {"min_data_in_leaf": len(y) + 1}),
            "seed": self.seed,
            "num_threads": self.threads,
            **({"tweedie_variance_power": 1.5} if self.objective == "tweedie" else {}),
        }
        if self.dask is not None and learnable:
            self.booster_ = grow(self.dask, parameters, self.trees, Rows(X, y, offset, weight), categorical)
            return self
        data = lgb.Dataset(
            X,
            y,
            weight=weight,
            init_score=offset,
            categorical_feature=list(categorical) or "auto",
            params=parameters,
        )
        self.booster_ = lgb.train(parameters, data, num_boost_round=self.trees)
        return self

    def correction(self, X: FloatArray) -> FloatArray:
        """Return what the trees add to the offset (n,), on the link scale."""
        raw: FloatArray = np.asarray(
            self.booster_.predict(X, raw_score=True, num_threads=self.threads), dtype=np.float64
        )
        return raw

    def to_text(self) -> str:
        """Return the Booster in LightGBM's own text format."""
        text: str = self.booster_.model_to_string()
        return text

    @classmethod
    def from_text(cls, text: str, **parameters: Any) -> Self:
        """Make the fitted estimator of a Booster's text."""
        model = cls(**parameters)
        model.booster_ = lgb.Booster(model_str=text)
        return model


def least_leaf(rows: int) -> int:
    """Return how many of the rows a leaf has to hold by default."""
    return 200 if rows >= FEW_ROWS else 100


def blanked(matrix: FloatArray, columns: Sequence[str], unused: Sequence[str]) -> FloatArray:
    """Return a matrix for trees to learn from in which unused columns are all alike: no tree can split on them."""
    places = [place for place, name in enumerate(columns) if name in unused]
    if not places:
        return matrix
    # Unlike a penalty of their gain this also spares LightGBM their histograms, and they are never among the drawn.
    rest = matrix.copy()
    rest[:, places] = 0.0
    return rest
