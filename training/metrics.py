"""What a prediction is judged by: how well it ranks, how near it comes, how true its level and probabilities are."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import rankdata, spearmanr
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score

FloatArray = NDArray[np.float64]

DECILES = 10
SPEND_METRICS = ("mae", "rmse", "gini", "spearman", "top_decile_capture", "bias")
CHURN_METRICS = ("auc", "log_loss", "brier", "calibration_error")
ORDER_METRICS = ("orders_mae", "orders_bias", "next_order_by_date", "next_order_error")
HIGHER_IS_BETTER = ("gini", "spearman", "top_decile_capture", "auc", "coverage")


def spend_metrics(spend: FloatArray, expected: FloatArray) -> dict[str, float]:
    """Judge expected spend.

    Parameters
    ----------
    spend
        What was spent (n,), not negative.
    expected
        What was expected (n,).

    Returns
    -------
    dict
        `mae` and `rmse` in money; `gini` (normalised), `spearman`; `top_decile_capture`, the share of all spend that
        the tenth of customers with the highest expectation brought; `bias`, expected over actual total less 1.
        Undefined ones (nobody spent, everybody is expected to spend the same, there is nobody) are NaN.
    """
    if not len(spend):
        return dict.fromkeys(SPEND_METRICS, np.nan)
    error = expected - spend
    total = float(spend.sum())
    return {
        "mae": float(np.abs(error).mean()),
        "rmse": float(np.sqrt((error**2).mean())),
        "gini": normalised_gini(spend, expected),
        "spearman": float(spearmanr(spend, expected).statistic) if _varied(spend, expected) else np.nan,
        "top_decile_capture": float(gain_curve(spend, expected).iloc[1]) if total > 0 else np.nan,
        "bias": float(expected.sum()) / total - 1.0 if total > 0 else np.nan,
    }


def churn_metrics(churned: NDArray[np.bool_], probability: FloatArray) -> dict[str, float]:
    """Judge churn probabilities.

    Parameters
    ----------
    churned
        Whether each customer churned (n,).
    probability
        Predicted probability (n,).

    Returns
    -------
    dict
        `auc`, `log_loss`, `brier`, and `calibration_error`: the mean distance of predicted and actual rate over
        deciles of the prediction. `auc` is NaN where only one class occurred, all are where there is nobody.
    """
    if not len(churned):
        return dict.fromkeys(CHURN_METRICS, np.nan)
    inside = np.clip(probability, 1e-6, 1.0 - 1e-6)
    table = deciles(churned.astype(np.float64), probability)
    return {
        "auc": float(roc_auc_score(churned, probability)) if 0 < churned.mean() < 1 else np.nan,
        "log_loss": float(log_loss(churned, inside, labels=[False, True])),
        "brier": float(brier_score_loss(churned, probability)),
        "calibration_error": float(np.average((table["expected"] - table["actual"]).abs(), weights=table["customers"])),
    }


def order_metrics(
    orders: FloatArray, expected: FloatArray, first_days: FloatArray, next_days: FloatArray
) -> dict[str, float]:
    """Judge expected orders and next order dates.

    Parameters
    ----------
    orders, expected
        What was ordered and what was expected (n,).
    first_days
        Days from the as-of date to the first order of the window (n,), missing where there was none.
    next_days
        Days from the as-of date to the next order date (n,), missing where none was predicted.

    Returns
    -------
    dict
        `orders_mae`; `orders_bias`, expected over actual total less 1; `next_order_by_date`, the share of customers
        with a date who had ordered by the end of it, one half if dates are the medians that they claim to be;
        `next_order_error`, the median distance in days of date and first order, of those who have both. Undefined ones
        are NaN.
    """
    if not len(orders):
        return dict.fromkeys(ORDER_METRICS, np.nan)
    total, dated = float(orders.sum()), ~np.isnan(next_days)
    late = np.abs(first_days - next_days)[dated & ~np.isnan(first_days)]
    return {
        "orders_mae": float(np.abs(expected - orders).mean()),
        "orders_bias": float(expected.sum()) / total - 1.0 if total > 0 else np.nan,
        "next_order_by_date": float((first_days[dated] <= next_days[dated]).mean()) if dated.any() else np.nan,
        "next_order_error": float(np.median(late)) if len(late) else np.nan,
    }


def coverage(spend: FloatArray, low: FloatArray, high: FloatArray) -> float:
    """Return the share of customers whose spend fell into their interval, NaN where there is nobody."""
    return float(((spend >= low) & (spend <= high)).mean()) if len(spend) else np.nan


def normalised_gini(spend: FloatArray, expected: FloatArray) -> float:
    """Return the Gini index of spend ranked by expectation over that of spend ranked by itself.

    Both are covariances of spend with ranks (Lerman & Yitzhaki 1984, Economics Letters 15), tied expectations sharing
    a rank, so that the order of rows plays no part. NaN where all spent the same.
    """
    if not _varied(spend):
        return float("nan")
    by_expected = np.cov(spend, rankdata(expected))[0, 1]
    return float(by_expected / np.cov(spend, rankdata(spend))[0, 1])


def gain_curve(spend: FloatArray, expected: FloatArray, points: int = DECILES) -> pd.Series:
    """Return the share of all spend that the best-ranked customers brought, by their share of all customers.

    Returns
    -------
    Series
        `points` + 1 values from 0 to 1, indexed by the share of customers. Customers with tied expectations are taken
        as their average.
    """
    by_rank = pd.DataFrame({"spend": spend, "expected": expected})
    by_rank["spend"] = by_rank.groupby("expected")["spend"].transform("mean")
    cumulated = np.concatenate([[0.0], by_rank.sort_values("expected", ascending=False)["spend"].cumsum()])
    shares = np.linspace(0.0, 1.0, points + 1)
    taken = np.interp(shares * len(spend), np.arange(len(cumulated)), cumulated)
    return pd.Series(taken / max(float(cumulated[-1]), 1e-12), index=pd.Index(shares, name="customers"), name="spend")


def deciles(actual: FloatArray, expected: FloatArray) -> pd.DataFrame:
    """Return mean expected and actual value by decile of the expectation, 1 the highest: `customers, expected, actual`.

    Tied expectations share a decile, so there may be fewer than ten.
    """
    rank = rankdata(-expected, method="average")
    decile = np.clip(np.ceil(rank / len(expected) * DECILES), 1, DECILES).astype(int)
    table = pd.DataFrame({"decile": decile, "expected": expected, "actual": actual})
    return table.groupby("decile").agg(
        customers=("actual", "size"), expected=("expected", "mean"), actual=("actual", "mean")
    )


def judge(actual: pd.DataFrame, predicted: pd.DataFrame) -> dict[str, Any]:
    """Return all metrics of one prediction beside what happened.

    Parameters
    ----------
    actual
        `net_spend` and `churned`, n rows; `outcome_days` and `first_order_days` for a model that predicts orders.
    predicted
        `expected_spend`; `churn_probability`, `expected_spend_low` and `expected_spend_high`, `expected_orders` and
        `next_order_days` where it has them.
    """
    spend = actual["net_spend"].to_numpy(dtype=np.float64)
    found = spend_metrics(spend, predicted["expected_spend"].to_numpy(dtype=np.float64))
    if "churn_probability" in predicted:
        probability = predicted["churn_probability"].to_numpy(dtype=np.float64)
        found |= churn_metrics(actual["churned"].to_numpy(dtype=bool), probability)
    if "expected_spend_low" in predicted:
        low, high = predicted["expected_spend_low"].to_numpy(), predicted["expected_spend_high"].to_numpy()
        found["coverage"] = coverage(spend, low, high)
    if "expected_orders" in predicted and "first_order_days" in actual:
        happened = (actual[name].to_numpy(dtype=np.float64) for name in ("outcome_days", "first_order_days"))
        foreseen = (predicted[name].to_numpy(dtype=np.float64) for name in ("expected_orders", "next_order_days"))
        (orders, first_days), (expected, next_days) = happened, foreseen
        found |= order_metrics(orders, expected, first_days, next_days)
    return found


def _varied(*columns: FloatArray) -> bool:
    return all(len(column) > 1 and np.ptp(column) > 0 for column in columns)
