"""The next order: the median day of a curve that has BTYD's shape and ends at the predicted churn probability."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.btyd import BTYD
from models.next_order import next_order_days, rates

PARAMETERS = {"r_": 0.525, "alpha_": 6.183, "a_": 0.891, "b_": 1.614, "log_likelihood_": 0.0}
SPEND = {"p_": 6.25, "q_": 3.74, "gamma_": 15.44, "log_likelihood_": 0.0}
HORIZON = 90
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
    return pd.concat([active, rates(btyd, customers)], axis=1)


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
    (days,) = next_order_days(allocated(btyd, customers), np.array([churn]), HORIZON)
    assert days % 1 == 0
    assert none_by(btyd, customers, days + 1, churn) <= 0.5 + 1e-6
    assert days == 0 or none_by(btyd, customers, days, churn) > 0.5 - 1e-6


@settings(deadline=None)
@given(histories, st.floats(0.5001, 1.0))
def test_who_more_likely_than_not_does_not_come_has_no_date(btyd, history, churn):
    assert np.isnan(next_order_days(allocated(btyd, customers_of(history)), np.array([churn]), HORIZON)).all()


def test_where_the_prediction_is_btyds_own_the_median_is_that_of_its_curve(btyd):
    customers = customers_of({"purchase_days": 9, "recency_days": 4, "tenure_days": 200})
    allocation = allocated(btyd, customers)
    (days,) = next_order_days(allocation, 1 - allocation["btyd_active"].to_numpy(), HORIZON)
    curve = [float(active_by(btyd, customers, day + 1)[0]) for day in range(HORIZON)]
    assert days == int(np.argmax(np.array(curve) >= 0.5))
    assert 0 < days < HORIZON - 1


def test_at_a_churn_of_one_half_it_is_the_last_day_of_the_horizon(btyd):
    customers = customers_of({"purchase_days": 2, "recency_days": 30, "tenure_days": 200})
    assert next_order_days(allocated(btyd, customers), np.array([0.5]), HORIZON) == HORIZON - 1


@settings(deadline=None)
@given(histories)
def test_whoever_churns_less_likely_is_expected_no_later(btyd, history):
    churn = np.array([0.0, 1e-9, 0.01, 0.1, 0.3, 0.4999, 0.5])
    allocation = allocated(btyd, customers_of(*[history] * len(churn)))
    days = next_order_days(allocation, churn, HORIZON)
    assert (np.diff(days) >= 0).all()
    assert (days >= 0).all()
    assert (days < HORIZON).all()


def test_who_was_once_frequent_and_may_be_gone_comes_early_if_at_all(btyd):
    # Same churn probability: of a lapsed regular it is doubt about life, of a newcomer it is a slow pace.
    lapsed = {"purchase_days": 40, "recency_days": 60, "tenure_days": 400}
    slow = {"purchase_days": 2, "recency_days": 100, "tenure_days": 400}
    days = next_order_days(allocated(btyd, customers_of(lapsed, slow)), np.array([0.4, 0.4]), HORIZON)
    assert days[0] < days[1] - 20


def test_a_daily_customer_is_expected_at_once(btyd):
    daily = {"purchase_days": 700, "recency_days": 1, "tenure_days": 700}
    assert next_order_days(allocated(btyd, customers_of(daily)), np.array([1e-6]), HORIZON) == 0


def test_a_customer_who_is_all_but_gone_for_btyd_still_has_a_possible_date(btyd):
    gone = {"purchase_days": 300, "recency_days": 900, "tenure_days": 1_000}
    allocation = allocated(btyd, customers_of(gone))
    assert allocation["btyd_active"].iloc[0] < 1e-9
    (days,) = next_order_days(allocation, np.array([0.2]), HORIZON)
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
    whole = next_order_days(allocation, churn, HORIZON)
    for size in (1, 3, 7):
        parts = [next_order_days(allocation[i : i + size], churn[i : i + size], HORIZON) for i in range(0, 40, size)]
        assert np.array_equal(np.concatenate(parts), whole, equal_nan=True)


@pytest.mark.slow
def test_half_of_simulated_customers_have_ordered_by_their_date():
    # Customers of the model itself: MBG/NBD with known parameters, seen for a year.
    rng = np.random.default_rng(3)
    n, seen = 60_000, 364
    model = BTYD.from_dict({"dropout": "mbg", "dropout_": PARAMETERS | {"a_": 0.3}, "order_value_": SPEND})
    rate, leaving = rng.gamma(PARAMETERS["r_"], 1 / (7 * PARAMETERS["alpha_"]), n), rng.beta(0.3, PARAMETERS["b_"], n)
    first, last, days, left = np.zeros(n), np.zeros(n), np.ones(n), rng.random(n) < leaving
    upcoming = np.where(left, np.inf, rng.exponential(1 / rate))
    while (upcoming < seen).any():
        bought = upcoming < seen
        last, days = np.where(bought, upcoming, last), days + bought
        left = bought & (rng.random(n) < leaving)
        upcoming = np.where(left, np.inf, np.where(bought, upcoming + rng.exponential(1 / rate), upcoming))
    customers = pd.DataFrame(
        {"purchase_days": days, "recency_days": seen - last, "tenure_days": seen - first, "spend": 1.0}
    )
    allocation = allocated(model, customers)
    dates = next_order_days(allocation, 1 - allocation["btyd_active"].to_numpy(), HORIZON)
    dated = ~np.isnan(dates)
    assert dated.sum() > 2_000
    assert (np.floor(upcoming - seen)[dated] <= dates[dated]).mean() == pytest.approx(0.5, abs=0.03)
