"""Intervals of spend: in order, never negative, and as wide as what happens."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from models.intervals import SpendIntervals

forecasts = st.floats(0.0, 1e6)
spends = st.one_of(st.just(0.0), st.floats(0.0, 1e7))
pairs = st.lists(st.tuples(forecasts, spends), min_size=1, max_size=80).map(lambda rows: np.array(rows).T)


def simulated(customers, seed, shape=0.8, buying=1.0):
    """Return forecasts, and what is then spent: nothing, or a gamma amount; right on average."""
    rng = np.random.default_rng(seed)
    forecast = rng.lognormal(3.0, 1.5, customers)
    bought = rng.random(customers) < buying
    return forecast, bought * rng.gamma(shape, forecast / shape / buying)


@given(fitted=pairs, asked=arrays(np.float64, 20, elements=st.floats(0.0, 1e9)))
def test_nothing_crosses_and_nothing_is_negative(fitted, asked):
    found = SpendIntervals().fit(*fitted).predict(asked)
    assert (found["low"] >= 0).all()
    assert (found["low"] <= found["high"]).all()
    assert np.isfinite(found["high"]).all()


@pytest.mark.parametrize("buying", [0.95, 0.5, 0.3])
def test_four_out_of_five_held_out_customers_spend_within_their_interval(buying):
    intervals = SpendIntervals().fit(*simulated(12_000, seed=1, buying=buying))
    forecast, spend = simulated(12_000, seed=2, buying=buying)
    found = intervals.predict(forecast)
    assert ((spend >= found["low"]) & (spend <= found["high"])).mean() == pytest.approx(0.8, abs=0.02)


@pytest.mark.parametrize("level", [0.3, 0.5, 0.9, 0.95, 0.98])
def test_an_interval_of_any_level_holds_that_share_of_held_out_customers(level):
    forecast, spend = simulated(12_000, seed=2)
    found = SpendIntervals().fit(*simulated(12_000, seed=1)).predict(forecast, level)
    assert ((spend >= found["low"]) & (spend <= found["high"])).mean() == pytest.approx(level, abs=0.02)


@given(fitted=pairs, levels=st.tuples(st.floats(0.02, 0.98), st.floats(0.02, 0.98)).map(sorted))
def test_a_higher_level_is_no_narrower_where_everybody_buys(fitted, levels):
    forecast, spend = fitted
    intervals = SpendIntervals().fit(forecast + 1.0, spend + 1.0)
    narrow, wide = (intervals.predict(forecast + 1.0, level) for level in levels)
    assert (wide["low"] <= narrow["low"] * (1 + 1e-9)).all()
    assert (wide["high"] >= narrow["high"] * (1 - 1e-9)).all()


def test_levels_between_whole_percents_lie_between_them():
    forecast, spend = simulated(4_000, seed=10)
    found = [SpendIntervals().fit(forecast, spend).predict(forecast, level)["high"] for level in (0.8, 0.81, 0.82)]
    assert found[1] == pytest.approx((found[0] + found[2]) / 2)


@pytest.mark.parametrize("level", [-0.1, 0.0, 0.981, 1.0, 80.0, np.nan])
def test_a_level_that_a_few_hundred_rows_cannot_tell_is_refused(level):
    forecast, spend = simulated(100, seed=11)
    with pytest.raises(ValueError, match=r"give a share above 0 and up to 0\.98"):
        SpendIntervals().fit(forecast, spend).predict(forecast, level)


def test_small_and_large_forecasts_have_quantiles_of_their_own():
    rng = np.random.default_rng(3)
    forecast = np.concatenate([rng.uniform(1, 2, 4_000), rng.uniform(1_000, 2_000, 4_000)])
    spend = forecast * np.where(forecast < 10, rng.gamma(0.3, 1 / 0.3, 8_000), rng.gamma(50, 1 / 50, 8_000))
    found = SpendIntervals().fit(forecast, spend).predict(np.array([1.5, 1_500.0]))
    relative = (found["high"] - found["low"]) / np.array([1.5, 1_500.0])
    assert relative[0] > 4 * relative[1]


@pytest.mark.parametrize(
    ("level", "low", "high"), [(0.8, 0.1, 0.9), (0.5, 0.25, 0.75), (0.9, 0.05, 0.95), (0.98, 0.01, 0.99)]
)
def test_the_ends_leave_as_many_below_as_above_where_nearly_everybody_buys(level, low, high):
    spend = np.arange(2_000.0)
    found = SpendIntervals().fit(np.tile([900.0, 1_000.0, 1_100.0, 1_200.0, 1_300.0], 400), spend)
    smallest = found.predict(np.array([900.0]), level)
    # The first bin holds every fifth customer.
    assert smallest["low"] == pytest.approx([np.quantile(spend[::5], low)])
    assert smallest["high"] == pytest.approx([np.quantile(spend[::5], high)])


def bins_of_400(*buyers):
    """Return five sizes of forecast, 1 to 16; in each so many of 400 spend 1, 2, 3, ... and the rest nothing."""
    spend = [np.maximum(np.arange(1.0, 401.0) - 400 + some, 0.0) for some in buyers]
    return np.repeat([1.0, 2.0, 4.0, 8.0, 16.0], 400), np.concatenate(spend)


@pytest.mark.parametrize("level", [0.8, 0.9])
def test_the_interval_is_0_to_the_quantile_of_its_level_where_a_tenth_buys_nothing(level):
    forecast, spend = bins_of_400(*[200] * 5)
    found = SpendIntervals().fit(forecast, spend).predict(np.array([1.0]), level)
    assert found["low"] == [0.0]
    assert found["high"] == pytest.approx(np.quantile(spend[:400], level))


def test_no_more_is_given_back_than_is_held_too_much():
    # 81 % of the last bin buy nothing: 0.01 of a bin too much. The four others, of whom 70 % buy nothing, share it.
    forecast, spend = bins_of_400(120, 120, 120, 120, 76)
    found = SpendIntervals().fit(forecast, spend).predict(np.array([1.0, 2.0, 4.0, 8.0]))
    expected = np.quantile(spend[:400], 0.8 - 0.01 / 4)
    assert found["high"] == pytest.approx([expected] * 4, rel=0.02)


def test_what_bins_of_no_shows_hold_too_much_is_given_back_by_those_nearly_like_them():
    forecast, spend = bins_of_400(20, 20, 120, 200, 340)
    found = SpendIntervals().fit(forecast, spend).predict(np.array([1.0, 2.0, 4.0, 8.0, 16.0]))
    # [0, 0] holds 95 % in two bins of five, 0.06 of a bin too much on average. Seven in ten are 7/12 of the way from
    # 0.7 x 0.8 to 0.8 and give back so much of these 6 %; five in ten and fewer give nothing.
    bins = spend.reshape(5, 400)
    expected = [np.quantile(bins[2], 0.8 - 0.06 * 7 / 12), np.quantile(bins[3], 0.8), np.quantile(bins[4], 0.8)]
    assert found["high"][:2] == pytest.approx([0.0, 0.0], abs=1e-9)
    assert found["high"][2:] == pytest.approx(expected, rel=0.04)
    assert found["high"][2] < 0.95 * np.quantile(bins[2], 0.8)
    assert found["low"].tolist() == [0.0] * 5


def test_between_two_sizes_of_forecast_quantiles_are_interpolated_in_its_logarithm():
    forecast = np.repeat([1.0, 10.0, 100.0, 1_000.0, 10_000.0], 10)
    spend = forecast * np.repeat([1.0, 3.0, 3.0, 3.0, 3.0], 10)
    found = SpendIntervals().fit(forecast, spend).predict(np.array([1.0, 10**0.5, 10.0]))
    assert found["low"] / np.array([1.0, 10**0.5, 10.0]) == pytest.approx([1.0, 2.0, 3.0])


def test_beyond_the_forecasts_that_were_seen_the_outermost_quantiles_hold():
    forecast, spend = simulated(4_000, seed=4)
    intervals = SpendIntervals().fit(forecast, spend)
    ends = np.exp(intervals.centres_[[0, -1]])
    found, at_ends = intervals.predict(ends * [1e-6, 1e6]), intervals.predict(ends)
    assert found["high"] / (ends * [1e-6, 1e6]) == pytest.approx(at_ends["high"] / ends)


@pytest.mark.parametrize("rows", [1, 2, 4, 9])
def test_a_few_rows_are_enough_for_some_interval(rows):
    forecast, spend = simulated(rows, seed=5)
    found = SpendIntervals().fit(forecast, spend).predict(forecast)
    assert all(np.isfinite(values).all() for values in found.values())


def test_nothing_expected_is_nothing_within_nothing():
    forecast, spend = simulated(500, seed=6)
    found = SpendIntervals().fit(forecast, spend).predict(np.array([0.0]))
    assert {name: values[0] for name, values in found.items()} == {"low": 0.0, "high": 0.0}


def test_bins_hold_about_2500_rows_and_are_five_to_forty():
    sizes = (20, 4_000, 25_000, 200_000)
    bins = {rows: len(SpendIntervals().fit(*simulated(rows, seed=7)).centres_) for rows in sizes}
    assert bins == {20: 5, 4_000: 5, 25_000: 10, 200_000: 40}


def test_intervals_scale_with_the_currency():
    forecast, spend = simulated(3_000, seed=8)
    once = SpendIntervals().fit(forecast, spend).predict(forecast)
    again = SpendIntervals().fit(forecast * 64, spend * 64).predict(forecast * 64)
    for name in once:
        assert again[name] == pytest.approx(once[name] * 64)


def test_fitted_intervals_survive_as_plain_data():
    forecast, spend = simulated(3_000, seed=9)
    intervals = SpendIntervals().fit(forecast, spend)
    again = SpendIntervals.from_dict(json.loads(json.dumps(intervals.to_dict(), allow_nan=False)))
    for level in (0.5, 0.8, 0.95):
        found = again.predict(forecast, level)
        assert all((found[name] == values).all() for name, values in intervals.predict(forecast, level).items())
