"""What each rung's predictions of a window are worth, one row a rung, and how Regulars' intervals hold."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.accuracy.bootstrap import Draws, bootstrap
from benchmarks.accuracy.ladder import Climb
from benchmarks.accuracy.windows import Window
from training.evaluate import MODEL
from training.metrics import coverage, deciles, judge

FloatArray = NDArray[np.float64]

TOP_SHARE = 0.2
VALUE_GROUPS = 10


@dataclass(frozen=True)
class Judgement:
    """A judged window: small enough to travel between processes.

    Attributes
    ----------
    window, customers, level
        The window, its number of customers, and the rule by which Regulars forecast the level.
    table
        Metrics, one row a rung, see `table_of`.
    intervals
        Of `intervals_of`.
    draws
        Metrics in paired draws of the customers, of `benchmarks.accuracy.bootstrap`.
    """

    window: Window
    customers: int
    level: str
    table: pd.DataFrame
    intervals: dict[str, Any]
    draws: Draws


def judgement(climb: Climb) -> Judgement:
    """Judge one window."""
    draws = bootstrap(climb.actual, climb.predicted)
    return Judgement(climb.window, len(climb.actual), climb.level, table_of(climb), intervals_of(climb), draws)


def table_of(climb: Climb) -> pd.DataFrame:
    """Return the metrics of every rung, one row each.

    Returns
    -------
    DataFrame
        Columns of `training.metrics.judge` but coverage, and `median_mae` (of the median forecast, where there is
        one), `decile_error` and `seconds`.
    """
    spend = climb.actual["net_spend"].to_numpy(dtype=np.float64)
    rows = {}
    for rung, predicted in climb.predicted.items():
        found = judge(climb.actual, predicted[["expected_spend", "churn_probability"]])
        found["decile_error"] = decile_error(spend, predicted["expected_spend"].to_numpy(dtype=np.float64))
        found["median_mae"] = np.nan
        if "median_spend" in predicted:
            found["median_mae"] = float(np.abs(predicted["median_spend"].to_numpy() - spend).mean())
        rows[rung] = found | {"seconds": climb.seconds[rung]}
    return pd.DataFrame(rows).T.rename_axis("rung")


def decile_error(spend: FloatArray, expected: FloatArray) -> float:
    """Return the mean distance of expected and actual mean spend over deciles of the expectation, over mean spend."""
    table = deciles(spend, expected)
    error = np.average((table["expected"] - table["actual"]).abs(), weights=table["customers"])
    return float(error / spend.mean()) if spend.any() else np.nan


def intervals_of(climb: Climb) -> dict[str, Any]:
    """Return how Regulars' 80 % intervals hold.

    Returns
    -------
    dict
        `coverage` and `width` (mean width over mean spend) of all customers, `top_coverage` and `top_width` of the
        fifth with the highest forecast, and `by_value`: coverage by tenth of the net spend before the as-of date, the
        lowest first.
    """
    predicted = climb.predicted[MODEL]
    spend = climb.actual["net_spend"].to_numpy(dtype=np.float64)
    low, high = predicted["expected_spend_low"].to_numpy(), predicted["expected_spend_high"].to_numpy()
    top = _shares(predicted["expected_spend"]) > 1 - TOP_SHARE
    group = np.ceil(_shares(climb.actual["value"]) * VALUE_GROUPS)

    def width(rows: Any) -> float:
        return float((high - low)[rows].mean() / spend[rows].mean()) if spend[rows].any() else np.nan

    return {
        "coverage": coverage(spend, low, high),
        "width": width(slice(None)),
        "top_coverage": coverage(spend[top], low[top], high[top]),
        "top_width": width(top),
        "by_value": [
            coverage(spend[rows], low[rows], high[rows])
            for rows in (group == number for number in range(1, VALUE_GROUPS + 1))
        ],
    }


def _shares(values: pd.Series) -> FloatArray:
    """Return the share of customers who are at most as high (n,), rows with the same value in their order."""
    shares: FloatArray = values.rank(pct=True, method="first").to_numpy()
    return shares
