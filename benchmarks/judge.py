"""Judge a store's scores by what happened, with code that shares nothing with the product, beside BG/NBD + Gamma-Gamma.

The rules are the public contract's, read again from the raw log: a purchase day is a customer's day with a positive
gross amount; whoever has one before the as-of date is eligible; the outcome is the net spend in
[as of, as of + horizon), not below 0, and active is who has a purchase day in it.
"""

import argparse
import json
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from deltalake import DeltaTable
from numpy.typing import NDArray
from scipy.stats import rankdata

from benchmarks.parametric import BGNBD, GammaGamma

FloatArray = NDArray[np.float64]

SCORED = ("expected_spend", "expected_spend_low", "expected_spend_high", "churn_probability")
CLIP = 1e-6


def customer_days(path: Path, customer: str, timestamp: str, amount: str) -> pd.DataFrame:
    """Read a log and return `gross` and `net` by `customer_id` and `day`; rows without a customer or date are left out.

    Parameters
    ----------
    path
        Parquet or CSV file.
    customer, timestamp, amount
        Column names; the amount may be a product of several, such as ``Quantity * Price``.
    """
    factors = [part.strip() for part in amount.split("*")]
    wanted = list(dict.fromkeys([customer, timestamp, *factors]))
    if path.suffix == ".parquet":
        # Ids repeat: as a dictionary they take a tenth of the memory.
        raw = pq.read_table(path, columns=wanted, read_dictionary=[customer]).to_pandas()
    else:
        raw = pd.read_csv(path, usecols=wanted, dtype={customer: "str"})
    money = pd.to_numeric(raw[factors[0]], errors="coerce").astype(np.float64)
    for name in factors[1:]:
        money = money * pd.to_numeric(raw[name], errors="coerce")
    ids = raw[customer]
    if pd.api.types.is_float_dtype(ids):
        ids = ids.astype("Int64")
    day = pd.to_datetime(raw[timestamp], errors="coerce").dt.normalize()
    usable = ids.notna() & day.notna() & money.notna()
    rows = pd.DataFrame({"customer_id": ids, "day": day, "net": money, "gross": money.clip(lower=0)})[usable]
    return rows.groupby(["customer_id", "day"], observed=True, sort=True)[["gross", "net"]].sum().reset_index()


def histories(days: pd.DataFrame, as_of: date) -> pd.DataFrame:
    """Return, by eligible customer, `n` purchase days, `t_x` and `T` in weeks, and the mean net spend `m` a day."""
    known = days[days["day"] < pd.Timestamp(as_of)]
    bought = known[known["gross"] > 0].groupby("customer_id", observed=True)["day"].agg(["size", "min", "max"])
    net = known.groupby("customer_id", observed=True)["net"].sum().reindex(bought.index)
    table = pd.DataFrame(
        {
            "n": bought["size"].astype(np.float64),
            "t_x": (bought["max"] - bought["min"]).dt.days / 7,
            "T": (pd.Timestamp(as_of) - bought["min"]).dt.days / 7,
            "m": net.clip(lower=0) / bought["size"],
        }
    )
    table.index = table.index.astype("str")
    return table


def outcomes(days: pd.DataFrame, eligible: pd.Index, as_of: date, horizon: int) -> pd.DataFrame:
    """Return `spend` and `active` of the eligible customers in the outcome window."""
    end = pd.Timestamp(as_of + timedelta(days=horizon))
    if days["day"].max() + pd.Timedelta(days=1) < end:
        raise SystemExit(
            f"the log ends on {days['day'].max():%Y-%m-%d}: the outcome window to {end:%Y-%m-%d} is not known"
        )
    window = days[(days["day"] >= pd.Timestamp(as_of)) & (days["day"] < end)]
    found = window.groupby("customer_id", observed=True).agg(spend=("net", "sum"), gross=("gross", "max"))
    found.index = found.index.astype("str")
    found = found.reindex(eligible, fill_value=0.0)
    return pd.DataFrame({"spend": found["spend"].clip(lower=0.0), "active": found["gross"] > 0})


def stored(store: Path, as_of: date, horizon: int) -> pd.DataFrame:
    """Return a store's scores of one as-of date and horizon, indexed by customer."""
    scores = DeltaTable(str(store / "scores")).to_pyarrow_table(
        columns=["customer_id", *SCORED], filters=[("as_of", "=", as_of), ("horizon_days", "=", horizon)]
    )
    table = scores.to_pandas().astype({"customer_id": "str"}).set_index("customer_id")
    if table.index.has_duplicates:
        raise SystemExit(f"{table.index.duplicated().sum()} customers have more than one score")
    return table


def parametric(known: pd.DataFrame, horizon: int) -> pd.DataFrame:
    """Return the predictions of BG/NBD and Gamma-Gamma, fitted here on the same customers."""
    x, t_x, T = known["n"].to_numpy() - 1, known["t_x"].to_numpy(), known["T"].to_numpy()
    weeks = horizon / 7
    often, much = BGNBD.fit(x, t_x, T), GammaGamma.fit(known["n"].to_numpy(), known["m"].to_numpy())
    return pd.DataFrame(
        {
            "expected_spend": often.purchases(weeks, x, t_x, T)
            * much.value(known["n"].to_numpy(), known["m"].to_numpy()),
            "churn_probability": 1.0 - often.active(weeks, x, t_x, T),
        },
        index=known.index,
    )


def metrics(actual: pd.DataFrame, predicted: pd.DataFrame) -> dict[str, float]:
    """Return what a prediction is worth beside what happened."""
    spend, expected = actual["spend"].to_numpy(), predicted["expected_spend"].to_numpy()
    churn, churned = predicted["churn_probability"].to_numpy(), ~actual["active"].to_numpy()
    sure = np.clip(churn, CLIP, 1 - CLIP)
    found = {
        "MAE": float(np.mean(np.abs(expected - spend))),
        "RMSE": float(np.sqrt(np.mean((expected - spend) ** 2))),
        "Gini": gini(spend, expected),
        "AUC": area_under_curve(churned, churn),
        "log loss": float(-np.mean(np.where(churned, np.log(sure), np.log1p(-sure)))),
        "bias": float(expected.sum() / spend.sum() - 1),
        "coverage": float("nan"),
    }
    if "expected_spend_low" in predicted:
        low, high = predicted["expected_spend_low"].to_numpy(), predicted["expected_spend_high"].to_numpy()
        found["coverage"] = float(np.mean((low <= spend) & (spend <= high)))
    return found


def gini(spend: FloatArray, expected: FloatArray) -> float:
    """Return the area between the gain curve by expectation and the diagonal, over that by spend itself."""
    return _area(spend, expected) / _area(spend, spend)


def _area(spend: FloatArray, by: FloatArray) -> float:
    mean_of_ties = pd.Series(spend).groupby(by).transform("mean").to_numpy()
    gained = np.cumsum(mean_of_ties[np.argsort(-by, kind="stable")])
    return float(np.mean(gained / gained[-1]) - (len(spend) + 1) / len(spend) / 2)


def area_under_curve(positive: NDArray[np.bool_], score: FloatArray) -> float:
    """Return the chance that a positive outranks a negative, ties counted half (Mann-Whitney)."""
    ranks = rankdata(score)
    n, m = positive.sum(), (~positive).sum()
    return float((ranks[positive].sum() - n * (n + 1) / 2) / (n * m))


def judge(flags: argparse.Namespace) -> pd.DataFrame:
    """Return the metrics of the store and of BG/NBD + Gamma-Gamma, one row each, on the same customers.

    Raises
    ------
    SystemExit
        The scored customers are not the eligible ones, or the outcome is not wholly known.
    """
    days = customer_days(flags.log, flags.customer_id, flags.timestamp, flags.amount)
    known = histories(days, flags.as_of)
    actual = outcomes(days, known.index, flags.as_of, flags.horizon)
    scores = stored(flags.store, flags.as_of, flags.horizon)
    missing, extra = known.index.difference(scores.index), scores.index.difference(known.index)
    print(
        f"{len(known):,} eligible customers, {actual['active'].mean():.1%} active, {actual['spend'].sum():,.2f} spent"
    )
    if len(missing) or len(extra):
        raise SystemExit(
            f"{len(missing):,} of them have no score, and {len(extra):,} others have: {[*missing, *extra][:5]}"
        )
    found = {"scores": metrics(actual, scores.loc[known.index])}
    found["BG/NBD + Gamma-Gamma"] = metrics(actual, parametric(known, flags.horizon))
    return pd.DataFrame(found).T


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the flags, judge, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.judge", description=__doc__)
    parser.add_argument("log", type=Path, help="Parquet or CSV file")
    parser.add_argument("--store", type=Path, required=True)
    parser.add_argument("--as-of", type=date.fromisoformat, required=True)
    parser.add_argument("--horizon", type=int, default=90)
    parser.add_argument("--customer-id", default="customer_id")
    parser.add_argument("--timestamp", default="timestamp")
    parser.add_argument("--amount", default="amount", help="a column, or a product such as 'Quantity * Price'")
    parser.add_argument("--json", type=Path, help="file for the figures")
    flags = parser.parse_args(arguments)
    table = judge(flags)
    print(table.to_string(float_format=lambda value: f"{value:,.4f}"))
    if flags.json:
        flags.json.write_text(json.dumps(json.loads(table.to_json(orient="index")), indent=1))


if __name__ == "__main__":
    main()
