"""The made-up logs of the accuracy benchmark: each kind of business is what it is called."""

from functools import cache
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from benchmarks.accuracy.made_up.kinds import KINDS
from benchmarks.accuracy.made_up.shop import Shop, as_log
from benchmarks.accuracy.made_up.subscription import PRICES
from benchmarks.accuracy.windows import MadeUp

SEED = 7
SHOPS = ("steady shop", "seasonal shop", "growing shop", "declining shop", "one cohort", "one-time shop")


@cache
def log(kind):
    return KINDS[kind].log(SEED)


def purchases(kind):
    return log(kind)[log(kind)["amount"] > 0]


def yearly(kind):
    rows = log(kind)
    return rows.groupby(rows["timestamp"].dt.year)["amount"].sum()


def newcomers(kind):
    return purchases(kind).groupby("customer_id")["timestamp"].min()


def gaps(kind):
    days = purchases(kind).drop_duplicates(["customer_id", "timestamp"]).sort_values(["customer_id", "timestamp"])
    return days.assign(gap=days.groupby("customer_id")["timestamp"].diff().dt.days).dropna(subset="gap")


@pytest.mark.parametrize("kind", KINDS)
def test_a_seed_makes_one_log_and_another_seed_another(kind):
    pd.testing.assert_frame_equal(log(kind), KINDS[kind].log(SEED))
    assert not log(kind).equals(KINDS[kind].log(SEED + 1))


@pytest.mark.parametrize("kind", KINDS)
def test_a_log_keeps_the_contract_and_covers_its_windows_of_a_few_thousand_customers(kind):
    ledger = MadeUp(kind, SEED)()
    assert ledger.quality.rows == len(log(kind))
    assert not ledger.unusable.count().to_pyarrow().as_py()
    assert log(kind)["timestamp"].is_monotonic_increasing
    for as_of, horizon in KINDS[kind].dates:
        assert ledger.span.covers(as_of, horizon)
        assert 2_400 <= (newcomers(kind) < pd.Timestamp(as_of)).sum() <= 8_000


@pytest.mark.parametrize("kind", KINDS)
def test_windows_of_the_same_length_do_not_overlap(kind):
    for length in {horizon for _, horizon in KINDS[kind].dates}:
        starts = sorted(as_of for as_of, horizon in KINDS[kind].dates if horizon == length)
        assert all((later - earlier).days >= length for earlier, later in pairwise(starts))


def test_a_steady_shop_neither_grows_nor_has_a_season():
    years = yearly("steady shop")
    assert years.max() / years.min() < 1.3
    rows = log("steady shop")
    by_month = rows.groupby(rows["timestamp"].dt.month)["amount"].sum()
    assert by_month[12] / by_month.mean() < 1.25


def test_a_seasonal_shop_takes_far_more_before_christmas():
    rows = log("seasonal shop")
    by_month = rows.groupby(rows["timestamp"].dt.month)["amount"].sum()
    assert by_month[12] / by_month.drop(12).mean() > 2
    assert by_month[1] < by_month.drop([1, 12]).mean()


def test_a_growing_shop_doubles_its_newcomers_and_more_than_doubles_its_sales_each_year():
    # Of the first year, newcomers are also those who came before the log began.
    firsts = newcomers("growing shop").dt.year.value_counts()
    assert firsts[2024] / firsts[2023] == pytest.approx(2.0, rel=0.15)
    assert (yearly("growing shop").pct_change().dropna() > 1.0).all()


def test_a_declining_shop_loses_newcomers_and_sales_every_year():
    firsts = newcomers("declining shop").dt.year.value_counts()
    assert firsts[2024] / firsts[2023] == pytest.approx(0.65, rel=0.15)
    assert (yearly("declining shop").pct_change().dropna() < -0.15).all()


def test_a_cohort_comes_in_one_quarter():
    assert (newcomers("one cohort").max() - newcomers("one cohort").min()).days < 90


def test_a_one_time_shop_sees_almost_nobody_again():
    days = purchases("one-time shop").groupby("customer_id")["timestamp"].nunique()
    assert (days < 2).mean() > 0.85


@pytest.mark.parametrize("kind", SHOPS)
def test_frequent_buyers_spend_more_an_order_and_some_orders_come_back(kind):
    customers = purchases(kind).groupby("customer_id")["amount"].agg(["size", "mean"]).query("size > 3")
    assert spearmanr(customers["size"], customers["mean"]).statistic > 0.1
    assert 0.01 < (log(kind)["amount"] < 0).mean() < 0.05


def test_a_household_comes_every_week_and_a_supermarket_has_no_last_year():
    assert gaps("household panel").groupby("customer_id")["gap"].median().median() < 10
    span = log("supermarket")["timestamp"].agg(["min", "max"])
    assert (span["max"] - span["min"]).days == 120


def test_a_customer_slows_down_before_the_end():
    # Nobody is left at the end of the log: the last gaps are those before leaving.
    rows = Shop(customers=3_000, days=3_000, before=0, acquired_days=30, gap_days=20.0, life_days=300.0).log(SEED)
    days = rows[rows["amount"] > 0].drop_duplicates(["customer_id", "timestamp"])
    days = days.sort_values(["customer_id", "timestamp"])
    spaced = days.assign(gap=days.groupby("customer_id")["timestamp"].diff().dt.days).dropna()
    found = spaced.groupby("customer_id")["gap"].agg(["size", "last", "median"]).query("size >= 8")
    assert (found["last"] > found["median"]).mean() > 0.58


def test_renewals_come_by_the_month_or_by_the_year_and_some_are_late():
    spaced = gaps("subscription")
    monthly = spaced[spaced["amount"] < PRICES.max() * 1.5]
    assert monthly["gap"].between(28, 33).mean() > 0.85
    assert spaced["gap"].between(34, 46).mean() > 0.02
    assert spaced["gap"].between(360, 370).mean() > 0.005


def test_subscribers_change_their_plans_and_some_return():
    spaced = gaps("subscription")
    plans = purchases("subscription").groupby("customer_id")["amount"].nunique()
    assert 0.1 < (plans > 1).mean() < 0.4
    assert (spaced["gap"].between(60, 355)).any()


def test_new_subscribers_cancel_more_often_than_old_ones():
    bills = (
        purchases("subscription")
        .groupby("customer_id")
        .agg(paid=("timestamp", "size"), first=("timestamp", "min"), dearest=("amount", "max"))
    )
    old = bills[(bills["first"] < "2023-01-01") & (bills["dearest"] <= PRICES.max())]
    stayed = np.array([(old["paid"] > months).mean() for months in range(13)])
    assert stayed[3] / stayed[0] < stayed[12] / stayed[9] - 0.05


def test_gifts_come_once_a_year_or_little_more_most_of_them_in_december():
    gifts = purchases("giving")
    assert (gifts["timestamp"].dt.month == 12).mean() > 0.35
    a_year = gifts.groupby(["customer_id", gifts["timestamp"].dt.year]).size()
    assert a_year.median() == 1
    assert 0.2 < (a_year > 1).mean() < 0.5
    assert gifts["timestamp"].dt.year.nunique() == 10


def test_who_missed_years_gives_less_often_again():
    gifts = purchases("giving")
    gave = pd.crosstab(gifts["customer_id"], gifts["timestamp"].dt.year).gt(0)
    before, year, now = (gave[column].to_numpy() for column in (2022, 2023, 2024))
    assert now[year].mean() > 1.5 * now[~year & before].mean()


def test_rows_come_in_the_order_of_time():
    rows = as_log(pd.Timestamp("2024-01-01").date(), np.array([3, 1]), np.array([5, 0]), np.array([1.239, 2.0]))
    assert rows["customer_id"].tolist() == ["00001", "00003"]
    assert rows["timestamp"].tolist() == [pd.Timestamp("2024-01-01"), pd.Timestamp("2024-01-06")]
    assert rows["amount"].tolist() == [2.0, 1.24]
