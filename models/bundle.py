"""The bundle: everything that a score needs, and how predictions come of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit

from models.btyd import BTYD
from models.churn import ChurnModel
from models.clock import Clock
from models.encoding import Encoding
from models.explainer import Explainer
from models.gaps import GapCurve
from models.intervals import SpendIntervals
from models.level import Level, LevelRule
from models.lifetime import Economics, value_parts
from models.long_run import LongRun
from models.median import SpendMedian
from models.next_order import next_order_days, rates
from models.pin import Pins, Totals
from models.spend import SpendModel

FloatArray = NDArray[np.float64]

ROWS_AT_A_TIME = 512
HISTORY = ("purchase_days", "recency_days", "tenure_days", "spend")


def modelled(features: pd.DataFrame, btyd: BTYD, gaps: GapCurve, window_days: int) -> pd.DataFrame:
    """Add what a fitted buy-till-you-die model and the gap curve say of each customer's next days.

    Parameters
    ----------
    features
        Snapshot columns, n rows.
    btyd, gaps
        The fitted model and curve.
    window_days
        Days ahead.

    Returns
    -------
    DataFrame
        `features` with `btyd_alive`, `btyd_active`, `btyd_orders`, `btyd_order_value`, `btyd_spend`,
        `models.gaps.GAPS`, and `ahead_log` 0: the logarithm of the length of a row's outcome window over `window_days`,
        which differs in training only.
    """
    expected = btyd.predict(features[list(HISTORY)], window_days).add_prefix("btyd_")
    return pd.concat([features, expected, gaps.features(features, window_days).assign(ahead_log=0.0)], axis=1)


@dataclass(frozen=True)
class Bundle:
    """Fitted models, and what is needed to use them on a snapshot.

    Attributes
    ----------
    encoding
        Columns of the snapshot in their order, and the codes of the categorical ones.
    horizon_days, window_days
        Days that are predicted; length of the windows that taught it. They differ where it extrapolates.
    btyd, gaps, spend, churn, intervals, median, explainer
        The fitted models.
    level_rule, level
        How the level of an as-of date is forecast, and the one of the training as-of date.
    pins
        Those of the training as-of date: for predictions on customers without the rest of the log.
    catalogue
        Feature name -> `family`, `unit`, `sentence`, `reason`.
    facts
        Where it comes from: as-of date, span and fingerprint of the log, versions.
    """

    encoding: Encoding
    horizon_days: int
    window_days: int
    btyd: BTYD
    gaps: GapCurve
    spend: SpendModel
    churn: ChurnModel
    intervals: SpendIntervals
    median: SpendMedian
    explainer: Explainer
    level_rule: LevelRule
    level: Level
    pins: Pins
    catalogue: Mapping[str, Mapping[str, str | None]]
    facts: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def clock(self) -> Clock:
        """The clock of the log, from its gap curve."""
        return Clock.of(self.gaps.survival_)

    def allocate(self, snapshot: pd.DataFrame) -> pd.DataFrame:
        """Say who gets more and who less, not yet how much there is to get.

        Parameters
        ----------
        snapshot
            Columns of the snapshot for the bundle's window, n rows.

        Returns
        -------
        DataFrame, same index
            `spend`, `orders`, `active_logit`; `btyd_spend`, `btyd_orders`, `btyd_active` for the horizon;
            `rate_shape`, `rate_days`, of `models.next_order.rates`; and `recency_days`.

        Raises
        ------
        BundleError
            The snapshot's columns or types are not those of the training.
        """
        return self.allocate_encoded(self.encoding.encode(snapshot))

    def allocate_encoded(self, encoded: pd.DataFrame) -> pd.DataFrame:
        """Return what `allocate` does, of a snapshot that is encoded already."""
        features = modelled(encoded, self.btyd, self.gaps, self.window_days)
        # One matrix for all members; of columns in the order of the training, as the encoding and `modelled` put them.
        matrix = _by_rows(features)
        spend, orders = self.spend.allocate(matrix)
        odds = self.churn.allocate(matrix)
        ahead = features[[name for name in features.columns if name.startswith("btyd_")]]
        if self.window_days != self.horizon_days:
            ahead = self.btyd.predict(encoded[list(HISTORY)], self.horizon_days).add_prefix("btyd_")
            spend = spend * _growth(ahead["btyd_spend"], features["btyd_spend"])
            orders = orders * _growth(ahead["btyd_orders"], features["btyd_orders"])
        allocated = {"spend": spend, "orders": orders, "active_logit": odds, "recency_days": encoded["recency_days"]}
        totals = {name: ahead[name] for name in ("btyd_spend", "btyd_orders", "btyd_active")}
        rate = rates(self.btyd, encoded)
        return pd.DataFrame(allocated | totals, index=encoded.index).assign(**rate)

    def predictions(self, allocation: pd.DataFrame, pins: Pins) -> pd.DataFrame:
        """Turn an allocation into predictions, row by row.

        Returns
        -------
        DataFrame, same index
            `expected_spend`, `median_spend`, `expected_spend_low`, `expected_spend_high` (money in the horizon),
            `churn_probability`, `expected_orders`, `next_order_days` (median of the days until the next order, 0
            for the as-of date itself; missing where that is beyond the horizon).
        """
        spend = allocation["spend"].to_numpy() * pins.spend
        churn = expit(-(allocation["active_logit"].to_numpy() + pins.shift))
        interval = self.intervals.predict(spend)
        median = self.median.predict(spend, 1.0 - churn)
        return pd.DataFrame(
            {
                "expected_spend": spend,
                # The interval is that of forecasts of a size, the median that of the customer: none lies outside.
                "median_spend": np.clip(median, interval["low"], interval["high"]),
                "expected_spend_low": interval["low"],
                "expected_spend_high": interval["high"],
                "churn_probability": churn,
                "expected_orders": allocation["orders"].to_numpy() * pins.orders,
                "next_order_days": next_order_days(allocation, churn, self.horizon_days, self.clock),
            },
            index=allocation.index,
        )

    def predict(self, snapshot: pd.DataFrame, level: Level | None = None) -> pd.DataFrame:
        """Predict for all customers of an as-of date at once.

        Parameters
        ----------
        snapshot
            Columns of the snapshot, n rows: every customer of the as-of date where `level` is given.
        level
            Forecast level of the as-of date, to whose total the predictions are pinned; None: the pins of the
            training as-of date, for any selection of customers.

        Returns
        -------
        DataFrame, same index
            As `predictions`.
        """
        allocation = self.allocate(snapshot)
        if level is None:
            return self.predictions(allocation, self.pins)
        totals = Totals()
        totals.add(allocation)
        return self.predictions(allocation, totals.pins(level))

    def value_parts(
        self, snapshot: pd.DataFrame, allocation: pd.DataFrame, long_run: LongRun, economics: Economics
    ) -> pd.DataFrame:
        """Return what makes lifetime value once the pins are known, see `models.lifetime`."""
        return value_parts(self.btyd, snapshot, allocation, self.horizon_days, long_run, economics)


def _by_rows(features: pd.DataFrame) -> FloatArray:
    """Return a table as a matrix in C order: filled part by part, each of which stays in the processor's cache."""
    # Not first as a matrix of columns: getting the memory for another one of this size takes longer than filling it.
    columns = [features[name].to_numpy(dtype=np.float64) for name in features]
    filled = np.empty(features.shape)
    for begin in range(0, len(filled), ROWS_AT_A_TIME):
        rows = slice(begin, begin + ROWS_AT_A_TIME)
        filled[rows] = np.array([column[rows] for column in columns]).T
    return filled


def _growth(longer: pd.Series, shorter: pd.Series) -> FloatArray:
    growth: FloatArray = (longer / shorter.clip(lower=1e-12)).to_numpy()
    return growth
