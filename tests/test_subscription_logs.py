"""Subscriptions: who pays by the month or by the year is judged by when the next payment is due."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from benchmarks.accuracy.made_up.subscription import PRICES, Subscription
from features.ledger import build_ledger
from features.log import Log
from features.snapshot import snapshot
from training.baselines import BASELINES
from training.evaluate import MODEL, evaluate
from training.fit import Fitting

pytestmark = pytest.mark.slow

QUARTER, YEAR = date(2024, 4, 5), date(2024, 1, 1)
BUY_TILL_YOU_DIE = [name for name in BASELINES if "Gamma-Gamma" in name]
MONTH = 31
"""Days after a payment by which a monthly subscriber pays again, holidays aside."""
GRACE = 15
"""Days by which reminders bring late payments in."""


@pytest.fixture(scope="module")
def ledger():
    return build_ledger(Log(Subscription(customers=1_500).log(11)))


@pytest.fixture(scope="module")
def quarter(ledger):
    return evaluate(ledger, QUARTER, 90, Fitting(rows=8_000))


@pytest.fixture(scope="module")
def subscribers(ledger, quarter):
    """Every customer of the quarter: features, predictions, and what happened."""
    table = snapshot(ledger, QUARTER, 90).to_pandas().set_index("customer_id").drop(columns="as_of")
    judged = quarter.customers.reset_index("as_of", drop=True)
    return table.join(judged[judged.columns.difference(table.columns)])


@pytest.fixture(scope="module")
def monthly(subscribers):
    """Who has paid by the month at least three times."""
    return subscribers[(subscribers["purchase_days"] >= 3) & subscribers["gap_median"].between(28, 34)]


def test_a_subscriber_whose_renewal_is_due_tomorrow_stays_and_one_three_weeks_overdue_is_lost(monthly):
    due = monthly[monthly["recency_days"].between(28, 30)]
    overdue = monthly[monthly["recency_days"].between(MONTH + GRACE + 6, MONTH + GRACE + 60)]
    assert min(len(due), len(overdue)) >= 10
    assert due["churn_probability"].median() < 0.2
    assert overdue["churn_probability"].median() > 0.7


def test_churn_rises_with_the_days_overdue(monthly):
    edges = [0, MONTH, MONTH + 8, MONTH + GRACE + 6, MONTH + 60, 2_000]
    by_days = monthly.groupby(pd.cut(monthly["recency_days"], edges))[["churn_probability", "churned"]].mean()
    assert by_days["churn_probability"].is_monotonic_increasing, by_days
    assert np.abs(by_days["churn_probability"] - by_days["churned"].astype(float)).max() < 0.25, by_days


def test_an_active_monthly_subscriber_is_expected_to_pay_about_three_times_in_a_quarter(monthly):
    active = monthly[monthly["recency_days"] <= MONTH]
    payments = active["expected_spend"] / active["monetary_last"]
    assert 3 * 0.75 < payments.median() < 3 * 1.25
    assert active["expected_spend"].sum() == pytest.approx(3 * active["monetary_last"].sum(), rel=0.25)


def test_it_tells_who_stays_better_than_a_buy_till_you_die_model(quarter):
    ours, theirs = quarter.metrics.loc[MODEL], quarter.metrics.loc[BUY_TILL_YOU_DIE]
    assert ours["auc"] > theirs["auc"].max() + 0.02
    assert ours["log_loss"] < 0.9 * theirs["log_loss"].min()
    assert ours["gini"] > theirs["gini"].max()


def test_yearly_subscribers_are_not_called_lost_in_month_four(ledger):
    year = evaluate(ledger, YEAR, 365, Fitting(rows=8_000)).customers.reset_index("as_of", drop=True)
    table = snapshot(ledger, YEAR, 365).to_pandas().set_index("customer_id").reindex(year.index)
    once, by_the_year = table["purchase_days"] == 1, table["monetary_last"] > PRICES.max()
    waiting = year[once & by_the_year & table["recency_days"].between(90, 150)]
    gone = year[once & ~by_the_year & table["recency_days"].between(70, 200)]
    assert min(len(waiting), len(gone)) >= 10
    # Most of them do renew. Forecasts lean towards those of monthly subscribers who are as silent, and are gone.
    assert waiting["churned"].mean() < 0.5
    assert gone["churned"].mean() > 0.7
    assert waiting["churn_probability"].median() < 0.75
    assert waiting["churn_probability"].median() < gone["churn_probability"].median() - 0.1
