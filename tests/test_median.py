"""The median of spend: half of those who are alike spend no more, and nothing where a purchase is unlikely."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.median import GRID, SpendMedian

forecasts, probabilities = st.floats(0.0, 1e6), st.floats(0.0, 1.0)
spends = st.one_of(st.just(0.0), st.floats(0.0, 1e7))


def columns(*kinds, most):
    rows = st.lists(st.tuples(*kinds), min_size=1, max_size=most)
    return rows.map(lambda found: [np.array(column) for column in zip(*found, strict=True)])


def simulated(customers, seed, shape=0.8, buying=(0.0, 1.0)):
    """Return what is expected of customers, how probably they buy, what they spend, and who buys; right on average."""
    rng = np.random.default_rng(seed)
    active, size = rng.uniform(*buying, customers), rng.lognormal(3.0, 1.5, customers)
    bought = rng.random(customers) < active
    return size * active, active, bought * rng.gamma(shape, size / shape), bought


@given(
    past=columns(forecasts, probabilities, spends, st.booleans(), most=80),
    asked=columns(forecasts, probabilities, most=20),
)
def test_it_is_a_finite_amount_and_nothing_unless_a_purchase_is_likely(past, asked):
    found = SpendMedian().fit(past[0], past[1], past[2] * past[3], past[3]).predict(*asked)
    assert np.isfinite(found).all()
    assert (found >= 0).all()
    assert not found[asked[1] <= 0.5].any()


@pytest.mark.parametrize(("least", "most"), [(0.55, 0.7), (0.7, 0.9), (0.9, 1.0)])
def test_half_of_held_out_customers_spend_no_more_however_likely_they_buy(least, most):
    median = SpendMedian().fit(*simulated(20_000, seed=1))
    forecast, active, spend, _ = simulated(20_000, seed=2, buying=(least, most))
    found = median.predict(forecast, active)
    assert (spend <= found).mean() == pytest.approx(0.5, abs=0.02)
    for large in (forecast > np.median(forecast), forecast <= np.median(forecast)):
        assert (spend <= found)[large].mean() == pytest.approx(0.5, abs=0.04)


def test_it_errs_less_than_the_mean_where_spend_is_heavy_tailed():
    median = SpendMedian().fit(*simulated(20_000, seed=1))
    forecast, active, spend, _ = simulated(20_000, seed=2)
    assert np.abs(median.predict(forecast, active) - spend).mean() < 0.9 * np.abs(forecast - spend).mean()


@pytest.mark.parametrize(("active", "share"), [(1.0, 0.5), (0.8, 0.375), (0.625, 0.2)])
def test_it_is_the_quantile_of_buyers_that_halves_those_who_buy_and_those_who_do_not(active, share):
    spend, everybody = np.arange(1.0, 2_001.0), np.ones(2_000)
    forecast = np.tile([900.0, 1_000.0, 1_100.0, 1_200.0, 1_300.0], 400)
    median = SpendMedian().fit(forecast, everybody, spend, everybody > 0)
    # The first bin holds every fifth customer.
    found = median.predict(np.array([900.0 * active]), np.array([active]))
    assert found == pytest.approx([np.quantile(spend[::5], share)], rel=0.02)


def test_between_two_sizes_it_is_interpolated_in_their_logarithm_and_beyond_the_outermost_holds():
    forecast = np.repeat([1.0, 10.0, 100.0, 1_000.0, 10_000.0], 10)
    spend = forecast * np.repeat([1.0, 3.0, 3.0, 3.0, 5.0], 10)
    median = SpendMedian().fit(forecast, np.ones(50), spend, spend > 0)
    asked = np.array([1e-3, 1.0, 10**0.5, 10.0, 1e6])
    assert median.predict(asked, np.ones(5)) / asked == pytest.approx([1.0, 1.0, 2.0, 3.0, 5.0])


@pytest.mark.parametrize("rows", [1, 2, 4, 9])
def test_a_few_rows_are_enough_for_some_median(rows):
    forecast, active, *happened = simulated(rows, seed=5, buying=(0.9, 1.0))
    assert np.isfinite(SpendMedian().fit(forecast, active, *happened).predict(forecast, active)).all()


def test_where_nobody_ever_bought_it_is_nothing():
    nobody = np.zeros(50)
    median = SpendMedian().fit(nobody + 3.0, nobody + 0.1, nobody, nobody > 0)
    assert not median.predict(np.ones(2), np.array([0.2, 1.0])).any()


def test_nothing_expected_is_nothing():
    median = SpendMedian().fit(*simulated(500, seed=6))
    assert not median.predict(np.zeros(3), np.array([0.0, 0.6, 1.0])).any()


@given(parts=st.integers(1, 50))
def test_how_customers_are_batched_changes_no_bit(parts):
    median = SpendMedian().fit(*simulated(3_000, seed=12))
    forecast, active, *_ = simulated(100, seed=13)
    batches = [median.predict(forecast[rows], active[rows]) for rows in np.array_split(np.arange(100), parts)]
    assert np.array_equal(median.predict(forecast, active), np.concatenate(batches))


def test_it_scales_with_the_currency():
    forecast, active, spend, bought = simulated(3_000, seed=8)
    once = SpendMedian().fit(forecast, active, spend, bought).predict(forecast, active)
    again = SpendMedian().fit(forecast * 64, active, spend * 64, bought).predict(forecast * 64, active)
    assert again == pytest.approx(once * 64)


def test_what_was_fitted_survives_as_plain_data():
    forecast, active, *happened = simulated(3_000, seed=9)
    median = SpendMedian().fit(forecast, active, *happened)
    assert median.ratios_.shape == (5, len(GRID))
    again = SpendMedian.from_dict(json.loads(json.dumps(median.to_dict(), allow_nan=False)))
    assert np.array_equal(again.predict(forecast, active), median.predict(forecast, active))
