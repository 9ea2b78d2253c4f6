"""Lessons: the rows of the training table in the columns that models read, each with the outlook of its window."""

from dataclasses import dataclass
from datetime import date
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.window import SEASON_DAYS, Schedule
from models.btyd import BTYD
from models.bundle import HISTORY, modelled
from models.churn import ChurnModel
from models.encoding import Encoding
from models.gaps import GapCurve
from models.level import Window
from models.outlook import Outlook
from models.spend import SpendModel
from training.fitting import Fitting
from training.table import OUTCOMES

OTHER_LENGTH_WEIGHT = 0.5
"""What a row counts whose outcome window is not of the length that is predicted."""
Past = dict[int, dict[date, Window]]
"""Windows by length in days and by as-of date."""


@dataclass(frozen=True)
class Lessons:
    """What models are fitted on, n rows.

    Attributes
    ----------
    features
        Columns of `models.bundle.modelled`.
    outcome
        Columns `training.table.OUTCOMES`.
    outlook
        Level and length of each row's outcome window.
    categorical
        Columns that hold category codes.
    """

    features: pd.DataFrame
    outcome: pd.DataFrame
    outlook: Outlook
    categorical: tuple[str, ...]

    @classmethod
    def of(
        cls, table: pd.DataFrame, encoding: Encoding, btyd: BTYD, gaps: GapCurve, past: Past, plan: Schedule
    ) -> Self:
        """Prepare a training table."""
        known = encoding.encode(table.drop(columns=list(OUTCOMES)))
        features = modelled(known, btyd, gaps, plan.window_days)
        outlook = _outlook(table, features, btyd, past, plan)
        features["ahead_log"] = np.log(outlook.ahead)
        return cls(features, table[list(OUTCOMES)], outlook, tuple(encoding.categories))

    def part(self, rows: NDArray[np.bool_]) -> Self:
        """Return some of the rows."""
        return type(self)(self.features[rows], self.outcome[rows], self.outlook.part(rows), self.categorical)

    @property
    def whole(self) -> Self:
        """The rows whose window has the length that is predicted."""
        return self.part(self.outlook.whole)

    @property
    def spend(self) -> NDArray[np.float64]:
        """Net spend in each row's window, not below 0."""
        spend: NDArray[np.float64] = np.maximum(self.outcome["net_spend"].to_numpy(dtype=np.float64), 0.0)
        return spend

    @property
    def active(self) -> NDArray[np.bool_]:
        """Who bought in each row's window."""
        bought: NDArray[np.bool_] = ~self.outcome["churned"].to_numpy(dtype=bool)
        return bought

    def fit_spend(self, window_days: int, fitting: Fitting, unused: tuple[str, ...] = ()) -> SpendModel:
        """Fit the spend model on these rows."""
        model = SpendModel(
            window_days,
            fitting.spend_trees,
            fitting.seed,
            fitting.threads,
            fitting.spend_members,
            fitting.boosting,
            unused,
            fitting.dask,
        )
        return model.fit(
            self.features, self.outcome["net_spend"], self.outcome["outcome_days"], self.outlook, self.categorical
        )

    def fit_churn(self, fitting: Fitting, unused: tuple[str, ...] = ()) -> ChurnModel:
        """Fit the churn model on these rows."""
        model = ChurnModel(
            fitting.churn_trees,
            fitting.seed,
            fitting.threads,
            fitting.churn_members,
            fitting.boosting,
            unused,
            fitting.dask,
        )
        return model.fit(self.features, self.outcome["churned"], self.outlook, self.categorical)


def _outlook(table: pd.DataFrame, features: pd.DataFrame, btyd: BTYD, past: Past, plan: Schedule) -> Outlook:
    days = table["ahead_days"].to_numpy()
    keys = pd.MultiIndex.from_arrays([days, table.index.get_level_values("as_of")])
    levels = _levels(past).reindex(keys)
    ahead = features[["btyd_spend", "btyd_orders", "btyd_active"]].to_numpy().copy()
    for length in np.unique(days[days != plan.window_days]):
        rows = days == length
        expected = btyd.predict(features.loc[rows, list(HISTORY)], int(length))
        ahead[rows] = expected[["spend", "orders", "active"]].to_numpy()
    return Outlook(
        snapshot=keys.factorize()[0],
        ahead=days / plan.window_days,
        **{name: levels[name].to_numpy() for name in levels},
        spend_growth=ahead[:, 0] / np.maximum(features["btyd_spend"].to_numpy(), 1e-12),
        orders_growth=ahead[:, 1] / np.maximum(features["btyd_orders"].to_numpy(), 1e-12),
        active=ahead[:, 2],
        weight=_weight(days, table.index.get_level_values("as_of"), plan),
    )


def _weight(days: NDArray[np.int64], begins: pd.Index, plan: Schedule) -> NDArray[np.float64] | None:
    weight = np.where(days == plan.window_days, 1.0, OTHER_LENGTH_WEIGHT)
    if plan.seasons:
        # The more years have shown who buys in this season, the less the other seasons have to say.
        years = len({round((plan.as_of - day).days / SEASON_DAYS) for day in plan.seasons})
        in_season = begins.isin([pd.Timestamp(day) for day in plan.seasons])
        weight *= np.where(in_season, 1.0, 1.0 / (1.0 + years))
    return None if (weight == 1.0).all() else weight


def _levels(past: Past) -> pd.DataFrame:
    """Return `spend`, `orders` and `rate` of each window, by length and as-of date."""
    found = {
        (length, pd.Timestamp(day)): {
            "spend": window.level("spend"),
            "orders": window.level("orders"),
            "rate": window.happened["active"] / window.customers,
        }
        for length, windows in past.items()
        for day, window in windows.items()
    }
    return pd.DataFrame(found).T
