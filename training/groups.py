"""Groups of customers: where prediction and outcome part, by decile of the prediction and by kind of customer."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import binomtest

from training.metrics import deciles

PROMISED_COVERAGE = 0.8
LARGEST_BIAS = 0.25
"""A group whose total is further off than this is named among the failures."""
LEAST_COVERAGE = 0.7
FEWEST_IN_GROUP = 50
"""Fewer customers say too little about a group."""
TOP_SHARE = 0.2
CHANCE_DEVIATIONS = 2.0


def by_kind(customers: pd.DataFrame, horizon_days: int) -> pd.DataFrame:
    """Judge the predictions for kinds of customers that can be told on the as-of date.

    Parameters
    ----------
    customers
        `training.evaluate.Evaluation.customers`.
    horizon_days
        Length of the outcome window; recent customers bought within as many days before the as-of date.

    Returns
    -------
    DataFrame, one row a group that has customers
        `customers`; means of `expected` and `actual` spend; `churn_expected` and `churned`, rates; `coverage`, the
        share whose spend fell into the 80 % interval; `bias`, expected over actual total less 1 (infinite where nobody
        spent); `chance`, the bias that two standard errors of the group's total would make.
    """
    days, silence, spend = (customers[name] for name in ("purchase_days", "recency_days", "spend"))
    kinds = {
        "one-time buyers": days == 1,
        "repeat buyers": days > 1,
        "top fifth by past spend": spend >= spend.quantile(1.0 - TOP_SHARE),
        f"bought in the last {horizon_days} days": silence <= horizon_days,
        f"silent for more than {horizon_days} days": silence > horizon_days,
    }
    each = _each(customers)
    rows = {name: each[inside].mean() for name, inside in kinds.items() if inside.any()}
    counts = {name: int(kinds[name].sum()) for name in rows}
    return _judged(pd.DataFrame(rows).T, pd.Series(counts))


def by_value(customers: pd.DataFrame) -> pd.DataFrame:
    """Judge the predictions by decile of expected spend, 1 the highest; columns as of `by_kind`."""
    each, expected = _each(customers), customers["expected_spend"].to_numpy(dtype=np.float64)
    tables = {name: deciles(each[name].to_numpy(), expected) for name in each}
    means = pd.DataFrame({name: table["actual"] for name, table in tables.items()})
    return _judged(means, tables["actual"]["customers"])


def by_churn(customers: pd.DataFrame) -> pd.DataFrame:
    """Compare churn by decile of its probability, 1 the highest.

    Returns
    -------
    DataFrame
        `customers`, `expected` and `actual` rate, `low` and `high` of `bounds`.
    """
    table = deciles(customers["churned"].to_numpy(dtype=np.float64), customers["churn_probability"].to_numpy())
    return bounded(table)


def covered(customers: pd.DataFrame) -> pd.DataFrame:
    """Return the share of customers inside their interval by decile of expected spend, as `by_churn` does."""
    inside = _inside(customers).astype(np.float64)
    return bounded(deciles(inside, customers["expected_spend"].to_numpy()))


def bounded(table: pd.DataFrame) -> pd.DataFrame:
    """Add the bounds of the 95 % Wilson interval around each `actual` share of `customers`: `low` and `high`.

    Source: Wilson (1927), Journal of the American Statistical Association 22, 209-212.
    """
    counts = zip((table["actual"] * table["customers"]).round().astype(int), table["customers"], strict=True)
    found = [binomtest(int(happened), int(among)).proportion_ci(0.95, "wilson") for happened, among in counts]
    return table.assign(low=[interval.low for interval in found], high=[interval.high for interval in found])


def off(groups: pd.DataFrame) -> pd.DataFrame:
    """Return the groups whose total is off by more than `LARGEST_BIAS`, of those with `FEWEST_IN_GROUP` customers."""
    return groups[(groups["bias"].abs() > LARGEST_BIAS) & (groups["customers"] >= FEWEST_IN_GROUP)]


def narrow(groups: pd.DataFrame) -> pd.DataFrame:
    """Return the groups whose intervals hold fewer customers than `LEAST_COVERAGE`, of those with enough of them."""
    return groups[(groups["coverage"] < LEAST_COVERAGE) & (groups["customers"] >= FEWEST_IN_GROUP)]


def _inside(customers: pd.DataFrame) -> NDArray[np.bool_]:
    spend, low, high = (customers[name] for name in ("net_spend", "expected_spend_low", "expected_spend_high"))
    inside: NDArray[np.bool_] = ((spend >= low) & (spend <= high)).to_numpy()
    return inside


def _each(customers: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "expected": customers["expected_spend"],
            "actual": customers["net_spend"],
            "squared_error": (customers["expected_spend"] - customers["net_spend"]) ** 2,
            "churn_expected": customers["churn_probability"],
            "churned": customers["churned"].astype(np.float64),
            "coverage": _inside(customers).astype(np.float64),
        },
        index=customers.index,
    )


def _judged(means: pd.DataFrame, counts: pd.Series) -> pd.DataFrame:
    error = means["expected"] - means["actual"]
    spread = np.sqrt((means["squared_error"] - error**2).clip(lower=0.0) / counts)
    with np.errstate(divide="ignore", invalid="ignore"):
        bias, chance = error / means["actual"], CHANCE_DEVIATIONS * spread / means["actual"]
    judged = means.drop(columns="squared_error").assign(bias=bias, chance=chance)
    judged.insert(0, "customers", counts)
    return judged
