"""Lifetime value against sums over single weeks."""

import numpy as np
import pandas as pd
import pytest

from models.btyd import BTYD
from models.lifetime import Economics, lifetime_factor
from regulars.errors import RegularsError

PARAMETERS = {"r_": 0.525, "alpha_": 6.183, "a_": 0.891, "b_": 1.614, "log_likelihood_": 0.0}
SPEND = {"p_": 6.25, "q_": 3.74, "gamma_": 15.44, "log_likelihood_": 0.0}
CUSTOMERS = pd.DataFrame(
    {
        "purchase_days": [1.0, 1.0, 3.0, 12.0, 40.0],
        "recency_days": [2.0, 300.0, 30.0, 5.0, 200.0],
        "tenure_days": [2.0, 300.0, 200.0, 330.0, 700.0],
        "spend": [20.0, 35.0, 90.0, 500.0, 1_000.0],
    }
)


@pytest.fixture(scope="module")
def btyd():
    return BTYD.from_dict({"dropout": "mbg", "dropout_": PARAMETERS, "order_value_": SPEND})


def summed_by_week(btyd, horizon_days, economics):
    """Return what `lifetime_factor` stands for: every week's expected orders, discounted from its middle."""
    ends = np.arange(0, economics.lifetime_days + 1, 7)
    orders = np.stack([btyd.predict(CUSTOMERS, float(end))["orders"] for end in ends])
    weights = (1 + economics.discount) ** (-(ends[1:] - 3.5) / 365.25)
    return weights @ np.diff(orders, axis=0) / btyd.predict(CUSTOMERS, horizon_days)["orders"].to_numpy()


@pytest.mark.parametrize(
    ("horizon", "lifetime", "discount"),
    [(90, 1092, 0.1), (90, 1092, 0.0), (90, 364, 0.1), (365, 1092, 0.3), (30, 1820, 0.1)],
)
def test_the_factor_is_the_discounted_sum_of_expected_orders_over_those_of_the_horizon(
    btyd, horizon, lifetime, discount
):
    economics = Economics(discount=discount, lifetime_days=lifetime)
    found = lifetime_factor(btyd, CUSTOMERS, horizon, economics)
    assert found == pytest.approx(summed_by_week(btyd, horizon, economics), rel=0.02)


def test_without_a_discount_it_is_the_quotient_of_the_orders(btyd):
    found = lifetime_factor(btyd, CUSTOMERS, 90, Economics(discount=0.0, lifetime_days=1096))
    quotient = btyd.predict(CUSTOMERS, 1096)["orders"] / btyd.predict(CUSTOMERS, 90)["orders"]
    assert found == pytest.approx(quotient.to_numpy(), rel=1e-9)


@pytest.mark.parametrize("discount", [0.0, 0.1, 0.9])
def test_a_lifetime_of_the_horizon_is_worth_the_horizon_discounted_from_its_middle(btyd, discount):
    found = lifetime_factor(btyd, CUSTOMERS, 90, Economics(discount=discount, lifetime_days=90))
    assert found == pytest.approx(np.full(len(CUSTOMERS), (1 + discount) ** (-45 / 365.25)), rel=1e-9)


def test_a_lifetime_shorter_than_the_horizon_is_worth_its_part_of_it(btyd):
    found = lifetime_factor(btyd, CUSTOMERS, 365, Economics(discount=0.0, lifetime_days=100))
    part = btyd.predict(CUSTOMERS, 100)["orders"] / btyd.predict(CUSTOMERS, 365)["orders"]
    assert found == pytest.approx(part.to_numpy(), rel=1e-9)
    assert (found < 1).all()


@pytest.mark.parametrize("discount", [0.0, 0.1, 0.5])
def test_a_longer_lifetime_is_worth_more(btyd, discount):
    lifetimes = [1, 30, 89, 90, 91, 120, 365, 1096, 3650]
    found = [lifetime_factor(btyd, CUSTOMERS, 90, Economics(1.0, discount, days)) for days in lifetimes]
    assert (np.diff(np.stack(found), axis=0) > 0).all()


def test_a_higher_discount_is_worth_less(btyd):
    found = [lifetime_factor(btyd, CUSTOMERS, 90, Economics(discount=rate)) for rate in (0.0, 0.05, 0.1, 0.5, 0.99)]
    assert (np.diff(np.stack(found), axis=0) < 0).all()


def test_the_margin_is_not_part_of_the_factor(btyd):
    full, third = (lifetime_factor(btyd, CUSTOMERS, 90, Economics(margin=share)) for share in (1.0, 0.3))
    assert (full == third).all()


def test_a_customers_factor_does_not_depend_on_who_else_is_asked_about(btyd):
    many = pd.concat([CUSTOMERS, CUSTOMERS.assign(recency_days=CUSTOMERS["recency_days"] / 2)] * 3)
    whole = lifetime_factor(btyd, many, 90, Economics())
    for size in (1, 3, 7):
        parts = [lifetime_factor(btyd, many[i : i + size], 90, Economics()) for i in range(0, len(many), size)]
        assert (np.concatenate(parts) == whole).all()


def test_the_defaults_are_three_years_at_ten_percent_and_no_cost():
    assert Economics() == Economics(margin=1.0, discount=0.10, lifetime_days=1096)


@pytest.mark.parametrize("margin", [0.0, -0.1, 1.01, 30.0, float("nan"), float("inf")])
def test_margins_that_are_no_share_are_refused(margin):
    with pytest.raises(RegularsError, match=r"margin .* 30 % is 0\.3"):
        Economics(margin=margin)


@pytest.mark.parametrize("discount", [-0.01, 1.0, 10.0, float("nan")])
def test_discounts_that_are_no_yearly_rate_are_refused(discount):
    with pytest.raises(RegularsError, match=r"discount .* 10 % is 0\.1"):
        Economics(discount=discount)


@pytest.mark.parametrize("days", [0, -1])
def test_lifetimes_of_no_day_are_refused(days):
    with pytest.raises(RegularsError, match=f"lifetime of {days} days"):
        Economics(lifetime_days=days)
