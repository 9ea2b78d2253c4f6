"""Why a prediction is what it is: a small LightGBM of the prediction itself, taken apart by TreeSHAP."""

from collections.abc import Mapping, Sequence
from typing import Self

import lightgbm as lgb
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.booster import SHARED

FloatArray = NDArray[np.float64]

TREES = 60
LEAVES, DEPTH = 8, 3
"""TreeSHAP's time grows with the leaves and with the square of the depth. Trees of 16 leaves take four times as long,
and agree no better with a surrogate fifty times as large: `benchmarks/reasons.py` measures it."""


class Explainer:
    """A surrogate of the logarithm of expected spend over the customer's own features.

    The prediction blends BTYD, a linear mixture and trees, so no single booster's TreeSHAP values add up to it. A
    small booster that learns the prediction does nearly so (`fidelity_`), and is cheap to take apart.

    Parameters
    ----------
    columns
        Features that explanations are given in.
    seed, threads
        As for the models.
    """

    def __init__(self, columns: Sequence[str], seed: int = 0, threads: int = 0) -> None:
        self.columns = tuple(columns)
        self.seed = seed
        self.threads = threads

    def fit(self, features: pd.DataFrame, expected: FloatArray, categorical: Sequence[str] = ()) -> Self:
        """Learn the predictions (n,) from features, n rows.

        Parameters
        ----------
        features
            Encoded snapshot columns, n rows.
        expected
            What is predicted (n,).
        categorical
            Columns that hold category codes.

        Returns
        -------
        Self
            With `booster_`, and `fidelity_`, the share of the variance of the log predictions that it explains.
        """
        matrix = self._matrix(features)
        logs = np.log(np.maximum(expected, 1e-9))
        parameters = SHARED | {
            "objective": "regression",
            "learning_rate": 0.2,
            "num_leaves": LEAVES,
            "max_depth": DEPTH,
            "min_data_in_leaf": 20,
            "feature_fraction": 0.8,
            "lambda_l2": 1.0,
            "boost_from_average": True,
            "seed": self.seed,
            "num_threads": self.threads,
        }
        codes = [place for place, name in enumerate(self.columns) if name in categorical]
        data = lgb.Dataset(matrix, logs, categorical_feature=codes or "auto", params=parameters)
        self.booster_ = lgb.train(parameters, data, num_boost_round=TREES)
        error = logs - self.booster_.predict(matrix)
        self.fidelity_ = float(1.0 - error.var() / max(float(logs.var()), 1e-12))
        return self

    def contributions(self, features: pd.DataFrame) -> pd.DataFrame:
        """Return what each feature adds to the log prediction, TreeSHAP: n rows, one column a feature.

        Source: Lundberg et al. (2020), Nature Machine Intelligence 2, 56-67.
        """
        values = self.booster_.predict(self._matrix(features), pred_contrib=True, num_threads=self.threads)
        return pd.DataFrame(np.asarray(values)[:, :-1], columns=list(self.columns), index=features.index)

    def _matrix(self, features: pd.DataFrame) -> FloatArray:
        matrix: FloatArray = np.ascontiguousarray(features[list(self.columns)].to_numpy(dtype=np.float64))
        return matrix

    def to_text(self) -> str:
        """Return the Booster in LightGBM's own text format."""
        text: str = self.booster_.model_to_string()
        return text

    @classmethod
    def from_text(cls, text: str, columns: Sequence[str]) -> Self:
        """Make the fitted explainer of a Booster's text."""
        explainer = cls(columns)
        explainer.booster_ = lgb.Booster(model_str=text)
        return explainer


def tells(entry: Mapping[str, str | None]) -> bool:
    """Tell whether a feature of the catalogue tells a person something: it has a reason, or is an attribute."""
    return entry["reason"] is not None or entry["unit"] == "level"
