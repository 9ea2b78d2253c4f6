"""Intervals of spend: in order, never negative, and as wide as what happens."""

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
    assert (found["low"] <= found["median"]).all()
    assert (found["median"] <= found["high"]).all()
    assert np.isfinite(found["high"]).all()


@pytest.mark.parametrize("buying", [0.95, 0.5, 0.3])
def test_four_out_of_five_held_out_customers_spend_within_their_interval(buying):
    intervals = SpendIntervals().fit(*simulated(12_000, seed=1, buying=buying))
    forecast, spend = simulated(12_000, seed=2, buying=buying)
    found = intervals.predict(forecast)
    assert ((spend >= found["low"]) & (spend <= found["high"])).mean() == pytest.approx(0.8, abs=0.02)
    assert (spend <= found["median"]).mean() == pytest.approx(max(0.5, 1 - buying), abs=0.02)


def test_small_and_large_forecasts_have_quantiles_of_their_own():
    rng = np.random.default_rng(3)
    forecast = np.concatenate([rng.uniform(1, 2, 4_000), rng.uniform(1_000, 2_000, 4_000)])
    spend = forecast * np.where(forecast < 10, rng.gamma(0.3, 1 / 0.3, 8_000), rng.gamma(50, 1 / 50, 8_000))
    found = SpendIntervals().fit(forecast, spend).predict(np.array([1.5, 1_500.0]))
    relative = (found["high"] - found["low"]) / np.array([1.5, 1_500.0])
    assert relative[0] > 4 * relative[1]


def test_the_ends_are_the_10_and_90_percent_quantiles_where_nearly_everybody_buys():
    spend = np.arange(2_000.0)
    found = SpendIntervals().fit(np.tile([900.0, 1_000.0, 1_100.0, 1_200.0, 1_300.0], 400), spend)
    low, high = found.ratios_[:, 0], found.ratios_[:, 3]
    assert found.predict(np.exp(found.centres_))["low"] == pytest.approx(low * np.exp(found.centres_))
    assert found.predict(np.exp(found.centres_))["high"] == pytest.approx(high * np.exp(found.centres_))
    assert low[0] == pytest.approx(np.quantile(spend[::5], 0.1) / 900.0)
    assert high[0] == pytest.approx(np.quantile(spend[::5], 0.9) / 900.0)


def test_the_interval_is_0_to_the_80_percent_quantile_where_a_tenth_buys_nothing():
    # Half of each bin buys nothing, the other half 1, 2, ... 200 times 1.
    spend = np.tile(np.concatenate([np.zeros(200), np.arange(1.0, 201.0)]), 5)
    forecast = np.repeat([1.0, 2.0, 4.0, 8.0, 16.0], 400)
    found = SpendIntervals().fit(forecast, spend).predict(np.array([1.0]))
    assert found["low"] == [0.0]
    assert found["high"] == pytest.approx(np.quantile(spend[:400], 0.8))


def test_between_two_sizes_of_forecast_quantiles_are_interpolated_in_its_logarithm():
    forecast = np.repeat([1.0, 10.0, 100.0, 1_000.0, 10_000.0], 10)
    spend = forecast * np.repeat([1.0, 3.0, 3.0, 3.0, 3.0], 10)
    found = SpendIntervals().fit(forecast, spend).predict(np.array([1.0, 10**0.5, 10.0]))
    assert found["median"] / np.array([1.0, 10**0.5, 10.0]) == pytest.approx([1.0, 2.0, 3.0])


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
    assert {name: values[0] for name, values in found.items()} == {"low": 0.0, "median": 0.0, "high": 0.0}


def test_bins_hold_about_four_hundred_rows_and_are_five_to_forty():
    bins = {rows: len(SpendIntervals().fit(*simulated(rows, seed=7)).centres_) for rows in (20, 2_000, 4_000, 40_000)}
    assert bins == {20: 5, 2_000: 5, 4_000: 10, 40_000: 40}


def test_intervals_scale_with_the_currency():
    forecast, spend = simulated(3_000, seed=8)
    once = SpendIntervals().fit(forecast, spend).predict(forecast)
    again = SpendIntervals().fit(forecast * 64, spend * 64).predict(forecast * 64)
    for name in once:
        assert again[name] == pytest.approx(once[name] * 64)


def test_fitted_intervals_survive_as_plain_data():
    forecast, spend = simulated(3_000, seed=9)
    intervals = SpendIntervals().fit(forecast, spend)
    again = SpendIntervals.from_dict(intervals.to_dict()).predict(forecast)
    assert all((again[name] == values).all() for name, values in intervals.predict(forecast).items())
