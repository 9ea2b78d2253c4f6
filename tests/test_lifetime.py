"""Lifetime value: against sums over single weeks and closed forms; what it starts from, and what never lowers it."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.btyd import BTYD
from models.level import Level
from models.lifetime import PARTS, Economics, Period, periods, value, value_parts
from models.long_run import LongRun
from models.pin import Pins
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
OWN = np.array([1.0, 0.5, 3.0, 1.2, 0.1])
"""What the trees say of each customer, over what BTYD says."""
LEVEL, PINS = Level(1.7, 1.5, 1.2, "Christmas"), Pins(1.7 * 0.9, 1.0, 0.0)
EVEN = LongRun()
FREE = Economics(margin=1.0, discount=0.0)
horizons, lifetimes = st.integers(1, 800), st.integers(1, 4_000)
discounts = st.floats(0.0, 0.99)
long_runs = st.builds(LongRun, *[st.floats(0.2, 3.0)] * 2, st.floats(0.3, 1.0))


@pytest.fixture(scope="module")
def btyd():
    return BTYD.from_dict({"dropout": "mbg", "dropout_": PARAMETERS, "order_value_": SPEND})


def allocated(btyd, horizon, customers=CUSTOMERS, own=OWN):
    expected = btyd.predict(customers, horizon)
    spend = {"spend": expected["spend"] * own, "btyd_spend": expected["spend"], "btyd_orders": expected["orders"]}
    return pd.DataFrame(spend)


def worth(btyd, horizon, economics, long_run=EVEN, level=LEVEL, pins=PINS, customers=CUSTOMERS, own=OWN):
    parts = value_parts(btyd, customers, allocated(btyd, horizon, customers, own), horizon, long_run, economics)
    return value(parts, pins, level).to_numpy()


def predicted(btyd, horizon):
    return (allocated(btyd, horizon)["spend"] * PINS.spend).to_numpy()


def summed_by_week(btyd, horizon, economics, long_run):
    """Return what value stands for: every week's orders, at what one of them is worth, discounted from its middle."""
    ends = np.arange(0, economics.lifetime_days + 1, 7)
    spend = np.diff([btyd.predict(CUSTOMERS, float(end))["spend"] for end in ends], axis=0)
    middles = ends[1:] - 3.5
    own = OWN * PINS.spend / LEVEL.spend
    years = [next(period for period in periods(horizon, 10_000) if middle < period.end) for middle in middles]
    kept = 0.5 ** ((np.array([(year.begin + year.end) / 2 for year in years]) - horizon) / 365.25)[:, None]
    beyond = (1 + kept * (own - 1)) * np.array([long_run.level(middle) for middle in middles])[:, None]
    factors = np.where((middles < horizon)[:, None], OWN * PINS.spend, beyond)
    weights = economics.margin * (1 + economics.discount) ** (-middles / 365.25)
    return (weights[:, None] * spend * factors).sum(axis=0)


@pytest.mark.parametrize(
    ("horizon", "lifetime", "discount"),
    [
        (84, 1092, 0.1),
        (84, 1092, 0.0),
        (84, 728, 0.3),
        (182, 1092, 0.1),
        (364, 1092, 0.3),
        (28, 1820, 0.1),
        (84, 84, 0),
    ],
)
def test_value_is_the_discounted_sum_of_what_each_weeks_orders_are_worth(btyd, horizon, lifetime, discount):
    economics, long_run = Economics(0.4, discount, lifetime), LongRun(0.9, 1.2, 0.8)
    found = worth(btyd, horizon, economics, long_run)
    # Within a year orders come a little earlier than evenly: the dearer time is, the more that counts.
    near = 0.005 + 0.06 * discount
    assert found == pytest.approx(summed_by_week(btyd, horizon, economics, long_run), rel=near)


@settings(deadline=None)
@given(horizons)
def test_a_lifetime_of_the_horizon_is_worth_its_spend_as_predicted_to_the_last_bit(btyd, horizon):
    found = worth(btyd, horizon, Economics(discount=0.0, lifetime_days=horizon), LongRun(3.0, 3.0, 0.5))
    assert np.array_equal(found, predicted(btyd, horizon))


@settings(deadline=None)
@given(horizons, discounts)
def test_discounted_it_is_worth_what_an_even_flow_through_the_horizon_is(btyd, horizon, discount):
    found = worth(btyd, horizon, Economics(0.5, discount, horizon))
    days = np.arange(horizon) + 0.5
    factor = ((1 + discount) ** (-days / 365.25)).mean()
    assert found == pytest.approx(0.5 * factor * predicted(btyd, horizon), rel=1e-4)


@settings(deadline=None)
@given(st.integers(2, 800), st.floats(0.01, 0.99))
def test_a_shorter_lifetime_is_worth_the_share_that_btyd_puts_into_it(btyd, horizon, share):
    days = max(int(horizon * share), 1)
    found = worth(btyd, horizon, Economics(discount=0.0, lifetime_days=days))
    orders = [btyd.predict(CUSTOMERS, float(length))["orders"].to_numpy() for length in (days, horizon)]
    assert found == pytest.approx(predicted(btyd, horizon) * orders[0] / orders[1], rel=1e-9)
    assert (found < predicted(btyd, horizon)).all()


@settings(deadline=None)
@given(horizons, lifetimes, st.integers(1, 400), discounts, long_runs)
def test_a_longer_lifetime_is_never_worth_less(btyd, horizon, lifetime, more, discount, long_run):
    shorter, longer = (
        worth(btyd, horizon, Economics(discount=discount, lifetime_days=days), long_run)
        for days in (lifetime, lifetime + more)
    )
    assert (longer > shorter * (1 - 1e-12)).all()
    assert (shorter > 0).all()


def test_it_grows_day_by_day_also_where_the_horizon_ends_and_a_year_begins(btyd):
    days = [*range(80, 100), *range(355, 375), *range(725, 735), *range(1085, 1097)]
    for discount in (0.0, 0.1, 0.99):
        found = [
            worth(btyd, 90, Economics(discount=discount, lifetime_days=day), LongRun(0.5, 2.0, 0.5)) for day in days
        ]
        assert (np.diff(np.stack(found), axis=0) > 0).all()


def test_without_discount_and_at_btyds_own_level_the_lifetime_is_btyds_orders_times_what_they_are_worth(btyd):
    as_expected = np.ones(len(CUSTOMERS))
    found = worth(btyd, 90, Economics(discount=0.0), level=Level(1, 1, 1, ""), pins=Pins(1, 1, 0), own=as_expected)
    assert found == pytest.approx(btyd.predict(CUSTOMERS, 1096)["spend"].to_numpy(), rel=1e-9)


class Steady:
    """Stands for BTYD where nobody leaves: orders come at a rate (a week), and so their discount is known."""

    def __init__(self, rate):
        self.dropout_ = SimpleNamespace(
            expected_purchases=lambda weeks, *history: np.full(len(history[0]), rate * weeks)
        )


@settings(deadline=None)
@given(horizons, lifetimes, st.floats(0.001, 0.99))
def test_an_even_flow_is_discounted_as_the_integral_is(horizon, lifetime, discount):
    a_day, force = 3.0, np.log1p(discount) / 365.25
    flow = pd.DataFrame(
        {"spend": a_day * horizon, "btyd_spend": a_day * horizon, "btyd_orders": horizon / 7}, index=[0]
    )
    economics = Economics(0.4, discount, lifetime)
    parts = value_parts(Steady(1.0), CUSTOMERS[:1], flow, horizon, EVEN, economics)
    found = value(parts, Pins(1, 1, 0), Level(1, 1, 1, ""))
    assert found[0] == pytest.approx(0.4 * a_day * -np.expm1(-force * lifetime) / force, rel=1e-9)


def test_the_season_of_the_horizon_moves_the_horizons_part_alone(btyd):
    def at(season):
        level, pins = Level(season, 1.0, 1.0, ""), Pins(season * 0.9, 1.0, 0.0)
        return worth(btyd, 90, FREE, level=level, pins=pins)

    ordinary, christmas = at(1.0), at(2.5)
    horizon = (allocated(btyd, 90)["spend"] * 0.9).to_numpy()
    assert christmas - ordinary == pytest.approx(1.5 * horizon, rel=1e-9)


def test_the_long_run_moves_what_is_beyond_the_horizon_alone(btyd):
    once, twice = (worth(btyd, 90, FREE, LongRun(rest, rest)) for rest in (1.0, 2.0))
    assert twice - once == pytest.approx(once - predicted(btyd, 90), rel=1e-9)


def test_what_sets_a_customer_apart_counts_half_as_much_a_year_beyond_the_horizon(btyd):
    parts = value_parts(btyd, CUSTOMERS, allocated(btyd, 90, own=1.0), 90, EVEN, FREE)
    own, both = (parts[name].to_numpy() for name in PARTS[1:])
    years = [(90, 364), (364, 728), (728, 1092), (1092, 1456)]
    spend = [btyd.predict(CUSTOMERS, day)["spend"].to_numpy() for day in (90, 364, 728, 1092, 1096)]
    kept = [0.5 ** (((begin + end) / 2 - 90) / 365.25) for begin, end in years]
    assert own == pytest.approx(kept @ np.diff(spend, axis=0), rel=1e-9)
    assert own + both == pytest.approx(spend[-1] - spend[0], rel=1e-9)


def test_the_margin_is_a_share_of_all_of_it(btyd):
    full, third = (worth(btyd, 90, Economics(margin=share)) for share in (1.0, 0.3))
    assert third == pytest.approx(0.3 * full, rel=1e-12)


@settings(deadline=None)
@given(horizons, lifetimes)
def test_a_higher_discount_is_worth_less(btyd, horizon, lifetime):
    found = [worth(btyd, horizon, Economics(1.0, rate, lifetime)) for rate in (0.0, 0.05, 0.1, 0.5, 0.99)]
    assert (np.diff(np.stack(found), axis=0) < 0).all()


def test_a_customer_who_is_gone_is_worth_nothing_and_not_less_than_nothing(btyd):
    gone = CUSTOMERS.assign(purchase_days=400.0, recency_days=3_000.0, tenure_days=3_001.0)
    found = worth(btyd, 90, Economics(), customers=gone)
    assert (found >= 0).all()
    assert found == pytest.approx(0.0, abs=1e-9)
    nothing = value_parts(btyd, gone, allocated(btyd, 90, gone) * 0.0, 90, EVEN, Economics())
    assert (nothing == 0).all(axis=None)


def test_a_customers_value_does_not_depend_on_who_else_is_asked_about(btyd):
    many = pd.concat([CUSTOMERS, CUSTOMERS.assign(recency_days=CUSTOMERS["recency_days"] / 2)] * 3, ignore_index=True)
    allocation = allocated(btyd, 90, many, np.tile(OWN, 6))
    long_run, economics = LongRun(0.9, 0.8, 0.7), Economics(0.3, 0.1, 1_000)
    whole = value_parts(btyd, many, allocation, 90, long_run, economics)
    for size in (1, 3, 7):
        parts = [
            value_parts(btyd, many[i : i + size], allocation[i : i + size], 90, long_run, economics)
            for i in range(0, len(many), size)
        ]
        pd.testing.assert_frame_equal(pd.concat(parts), whole, check_exact=True)


@pytest.mark.parametrize(
    ("horizon", "lifetime", "ends"),
    [
        (90, 1096, [90, 364, 728, 1092, 1456]),
        (90, 89, [90]),
        (90, 90, [90]),
        (365, 728, [365, 728]),
        (364, 365, [364, 728]),
    ],
)
def test_periods_are_the_horizon_and_the_years_after_it(horizon, lifetime, ends):
    assert periods(horizon, lifetime) == [Period(*both) for both in zip([0, *ends], ends, strict=False)]


def test_the_model_is_asked_no_more_often_than_there_are_years(btyd):
    asked = []
    counting = SimpleNamespace(
        dropout_=SimpleNamespace(
            expected_purchases=lambda weeks, *history: (
                asked.append(weeks) or btyd.dropout_.expected_purchases(weeks, *history)
            )
        )
    )
    value_parts(counting, CUSTOMERS, allocated(btyd, 90), 90, EVEN, Economics())
    assert [round(weeks * 7) for weeks in asked] == [364, 728, 1092, 1456, 1096]


def test_the_defaults_are_three_years_at_ten_percent_and_no_cost():
    assert Economics() == Economics(margin=None, discount=0.10, lifetime_days=1096, acquisition_cost=None)
    assert Economics().share == 1.0


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
