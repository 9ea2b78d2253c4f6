"""The next order: the median day of a curve that has BTYD's shape and ends at the predicted churn probability."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.ledger import build_ledger
from features.log import Log
from models.btyd import BTYD
from models.clock import Clock
from models.gaps import GapCurve
from models.next_order import next_order_days, rates
from training.evaluate import evaluate
from training.fitting import Fitting

PARAMETERS = {"r_": 0.525, "alpha_": 6.183, "a_": 0.891, "b_": 1.614, "log_likelihood_": 0.0}
SPEND = {"p_": 6.25, "q_": 3.74, "gamma_": 15.44, "log_likelihood_": 0.0}
FIRST = date(2019, 1, 1)
HORIZON = 90
DAYS = Clock(np.arange(1.0))
"""Time that passes as days do, as it does where a log has no rhythm."""
# Of one order a day at most.
histories = st.tuples(st.integers(0, 200), st.integers(0, 400), st.integers(1, 1_000)).map(
    lambda drawn: {
        "purchase_days": 1 + min(drawn[0], drawn[1]),
        "recency_days": drawn[2],
        "tenure_days": drawn[1] + drawn[2],
    }
)


@pytest.fixture(scope="module")
def btyd():
    return BTYD.from_dict({"dropout": "mbg", "dropout_": PARAMETERS, "order_value_": SPEND})


def customers_of(*rows):
    return pd.DataFrame([{"spend": 20.0, **row} for row in rows], dtype=np.float64)


def allocated(btyd, customers, horizon=HORIZON):
    active = btyd.predict(customers, horizon)["active"].rename("btyd_active")
    return pd.concat([active, rates(btyd, customers), customers["recency_days"]], axis=1)


def active_by(btyd, customers, days):
    return btyd.predict(customers, float(days))["active"].to_numpy()


def none_by(btyd, customers, days, churn):
    """Return the probability of no order in the first `days` days, from the model's own curve."""
    none = [np.log1p(-active_by(btyd, customers, by)) for by in (days, HORIZON)]
    return np.exp(np.log(churn) * none[0] / none[1])


@settings(deadline=None)
@given(histories, st.floats(0.001, 0.5))
def test_it_is_the_first_day_by_whose_end_an_order_is_as_likely_as_not(btyd, history, churn):
    customers = customers_of(history)
    (days,) = next_order_days(allocated(btyd, customers), np.array([churn]), HORIZON, DAYS)
    assert days % 1 == 0
    assert none_by(btyd, customers, days + 1, churn) <= 0.5 + 1e-6
    assert days == 0 or none_by(btyd, customers, days, churn) > 0.5 - 1e-6


@settings(deadline=None)
@given(histories, st.floats(0.5001, 1.0))
def test_who_more_likely_than_not_does_not_come_has_no_date(btyd, history, churn):
    assert np.isnan(next_order_days(allocated(btyd, customers_of(history)), np.array([churn]), HORIZON, DAYS)).all()


def test_where_the_prediction_is_btyds_own_the_median_is_that_of_its_curve(btyd):
    customers = customers_of({"purchase_days": 9, "recency_days": 4, "tenure_days": 200})
    allocation = allocated(btyd, customers)
    (days,) = next_order_days(allocation, 1 - allocation["btyd_active"].to_numpy(), HORIZON, DAYS)
    curve = [float(active_by(btyd, customers, day + 1)[0]) for day in range(HORIZON)]
    assert days == int(np.argmax(np.array(curve) >= 0.5))
    assert 0 < days < HORIZON - 1


def test_at_a_churn_of_one_half_it_is_the_last_day_of_the_horizon(btyd):
    customers = customers_of({"purchase_days": 2, "recency_days": 30, "tenure_days": 200})
    assert next_order_days(allocated(btyd, customers), np.array([0.5]), HORIZON, DAYS) == HORIZON - 1


@settings(deadline=None)
@given(histories)
def test_whoever_churns_less_likely_is_expected_no_later(btyd, history):
    churn = np.array([0.0, 1e-9, 0.01, 0.1, 0.3, 0.4999, 0.5])
    allocation = allocated(btyd, customers_of(*[history] * len(churn)))
    days = next_order_days(allocation, churn, HORIZON, DAYS)
    assert (np.diff(days) >= 0).all()
    assert (days >= 0).all()
    assert (days < HORIZON).all()


def test_who_was_once_frequent_and_may_be_gone_comes_early_if_at_all(btyd):
    # Same churn probability: of a lapsed regular it is doubt about life, of a newcomer it is a slow pace.
    lapsed = {"purchase_days": 40, "recency_days": 60, "tenure_days": 400}
    slow = {"purchase_days": 2, "recency_days": 100, "tenure_days": 400}
    days = next_order_days(allocated(btyd, customers_of(lapsed, slow)), np.array([0.4, 0.4]), HORIZON, DAYS)
    assert days[0] < days[1] - 20


def test_a_daily_customer_is_expected_at_once(btyd):
    daily = {"purchase_days": 700, "recency_days": 1, "tenure_days": 700}
    assert next_order_days(allocated(btyd, customers_of(daily)), np.array([1e-6]), HORIZON, DAYS) == 0


def test_a_customer_who_is_all_but_gone_for_btyd_still_has_a_possible_date(btyd):
    gone = {"purchase_days": 300, "recency_days": 900, "tenure_days": 1_000}
    allocation = allocated(btyd, customers_of(gone))
    assert allocation["btyd_active"].iloc[0] < 1e-9
    (days,) = next_order_days(allocation, np.array([0.2]), HORIZON, DAYS)
    assert 0 <= days < HORIZON


def test_rates_are_those_of_the_customers_who_are_alive(btyd):
    customers = customers_of({"purchase_days": 5, "recency_days": 20, "tenure_days": 300})
    found = rates(btyd, customers).iloc[0]
    expected = btyd.predict(customers, 1e-3).iloc[0]
    assert found["rate_shape"] / found["rate_days"] == pytest.approx(
        expected["orders"] / expected["alive"] / 1e-3, rel=1e-4
    )
    within = -np.expm1(-found["rate_shape"] * np.log1p(HORIZON / found["rate_days"]))
    assert within == pytest.approx(active_by(btyd, customers, HORIZON)[0] / expected["alive"])


def test_a_customers_date_does_not_depend_on_who_else_is_asked_about(btyd):
    rng = np.random.default_rng(0)
    rows = [
        {"purchase_days": days, "recency_days": recency, "tenure_days": recency + 200}
        for days, recency in zip(rng.integers(1, 50, 40), rng.integers(1, 300, 40), strict=True)
    ]
    allocation, churn = allocated(btyd, customers_of(*rows)), rng.random(40) * 0.6
    clock = yearly(500)
    whole = next_order_days(allocation, churn, HORIZON, clock)
    for size in (1, 3, 7):
        parts = [
            next_order_days(allocation[i : i + size], churn[i : i + size], HORIZON, clock) for i in range(0, 40, size)
        ]
        assert np.array_equal(np.concatenate(parts), whole, equal_nan=True)


@pytest.mark.slow
def test_half_of_simulated_customers_have_ordered_by_their_date():
    # Customers of the model itself: MBG/NBD with known parameters, seen for a year.
    rng = np.random.default_rng(3)
    n, seen = 60_000, 364
    model = BTYD.from_dict({"dropout": "mbg", "dropout_": PARAMETERS | {"a_": 0.3}, "order_value_": SPEND})
    rate, leaving = rng.gamma(PARAMETERS["r_"], 1 / (7 * PARAMETERS["alpha_"]), n), rng.beta(0.3, PARAMETERS["b_"], n)
    first, last, days, left = np.zeros(n), np.zeros(n), np.ones(n), rng.random(n) < leaving
    upcoming, gaps = np.where(left, np.inf, rng.exponential(1 / rate)), []
    while (upcoming < seen).any():
        bought = upcoming < seen
        gaps.append((upcoming - last)[bought])
        last, days = np.where(bought, upcoming, last), days + bought
        left = bought & (rng.random(n) < leaving)
        upcoming = np.where(left, np.inf, np.where(bought, upcoming + rng.exponential(1 / rate), upcoming))
    customers = pd.DataFrame(
        {"purchase_days": days, "recency_days": np.ceil(seen - last), "tenure_days": seen - first, "spend": 1.0}
    )
    churn = 1 - (allocation := allocated(model, customers))["btyd_active"].to_numpy()
    plain = next_order_days(allocation, churn, HORIZON, DAYS)
    clock = clock_of(np.ceil(np.concatenate(gaps)), customers["recency_days"])
    dates = next_order_days(allocation, churn, HORIZON, clock)
    assert (dated := ~np.isnan(dates)).sum() > 2_000
    for found in (plain, dates):
        assert (np.floor(upcoming - seen)[dated] <= found[dated]).mean() == pytest.approx(0.5, abs=0.03)
    # They have no rhythm, so that the clock of their own log is all but that of days.
    assert np.median(np.abs(dates - plain)[dated]) <= 2


# On the clock of a log


def clock_of(gaps, silences):
    """Return the clock of so many gaps and present silences in days."""
    gaps, silences = (np.asarray(days, dtype=int) for days in (gaps, silences))
    size = int(np.concatenate([gaps, silences]).max()) + 1
    counts = {name: np.bincount(days, minlength=size) for name, days in (("ended", gaps), ("open", silences))}
    return Clock.of(GapCurve().fit(pd.DataFrame({"days": np.arange(size), **counts})).survival_)


def yearly(n, seed=0):
    """Return the clock of n customers who came back after 364 to 366 days, and have been silent for less since."""
    rng = np.random.default_rng(seed)
    return clock_of(rng.integers(364, 367, n), rng.integers(1, 364, n))


def test_who_gives_once_a_year_is_expected_a_year_after_the_last_gift(btyd):
    silent = np.array([20, 100, 200, 300, 350])
    rows = [{"purchase_days": 4, "recency_days": days, "tenure_days": days + 3 * 365} for days in silent]
    allocation, churn = allocated(btyd, customers_of(*rows), 365), np.array([0.05, 0.1, 0.2, 0.3, 0.4])
    on_clock = next_order_days(allocation, churn, 365, yearly(2_000))
    assert np.abs(silent + on_clock - 365).max() <= 2
    # Without it they are expected within months, whoever gave when.
    assert np.abs(silent + next_order_days(allocation, churn, 365, DAYS) - 365).max() > 100


@pytest.mark.parametrize(
    "gaps", [[364, 365, 366] * 40, [365], [7] * 50, []], ids=["yearly", "one", "all weekly", "none"]
)
@settings(deadline=None, max_examples=30)
@given(history=histories)
def test_on_any_clock_dates_lie_within_the_horizon_and_are_missing_where_none_is_likely(btyd, gaps, history):
    churn = np.array([0.0, 1e-9, 0.01, 0.1, 0.3, 0.4999, 0.5, 0.5001, 0.8, 1.0])
    allocation = allocated(btyd, customers_of(*[history] * len(churn)))
    days = next_order_days(allocation, churn, HORIZON, clock_of(gaps, [30, 200]))
    assert np.array_equal(np.isnan(days), churn > 0.5)
    dated = days[churn <= 0.5]
    assert (np.diff(dated) >= 0).all()
    assert ((dated >= 0) & (dated < HORIZON) & (dated % 1 == 0)).all()


def test_whoever_is_silent_for_longer_than_any_known_pause_is_expected_as_without_a_clock(btyd):
    rows = [{"purchase_days": 4, "recency_days": days, "tenure_days": days + 900} for days in (367, 400, 1_000)]
    allocation, churn = allocated(btyd, customers_of(*rows)), np.array([0.1, 0.2, 0.3])
    expected = next_order_days(allocation, churn, HORIZON, DAYS)
    assert np.array_equal(next_order_days(allocation, churn, HORIZON, yearly(500)), expected)


def test_where_no_pause_is_known_to_end_within_the_horizon_time_passes_as_days_do(btyd):
    customers = customers_of({"purchase_days": 4, "recency_days": 100, "tenure_days": 900})
    allocation, churn = allocated(btyd, customers), np.array([0.2])
    # Day 189 of the silence is the last one in the horizon; all others came back on day 190, or on day 189.
    beyond, within = (next_order_days(allocation, churn, HORIZON, clock_of([day] * 20, [250])) for day in (190, 189))
    assert beyond == next_order_days(allocation, churn, HORIZON, DAYS) < HORIZON - 1
    assert within == HORIZON - 1


@pytest.mark.slow
def test_donors_who_give_once_a_year_are_dated_within_weeks():
    rng, rows = np.random.default_rng(5), []
    for donor in range(400):
        at = int(rng.integers(0, 365))
        while at < 6 * 365:
            rows.append((f"d{donor}", FIRST + timedelta(days=at), 50.0))
            at = at + int(rng.integers(364, 367)) if rng.random() < 0.9 else 6 * 365
    ledger = build_ledger(Log(pd.DataFrame(rows, columns=["customer_id", "timestamp", "amount"])))
    fitting = Fitting(rows=1_500, spend_trees=20, churn_trees=20)
    found = evaluate(ledger, FIRST + timedelta(days=5 * 365 - 1), 365, fitting).customers
    known = found[["next_order_days", "first_order_days"]].dropna()
    assert len(known) > 150
    assert (known["next_order_days"] - known["first_order_days"]).abs().quantile(0.9) < 14
