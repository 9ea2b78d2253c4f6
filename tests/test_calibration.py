"""Log-odds, and the shift that makes their mean probability what is asked."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import expit

from models.calibration import SMALLEST_RATE, calibrated, logit, shift_to_mean

some_logits = arrays(np.float64, st.integers(1, 60), elements=st.floats(-25, 25))


def test_log_odds_of_known_probabilities():
    assert logit(np.array([0.5, 0.75, 0.1])) == pytest.approx([0.0, np.log(3), -np.log(9)])


@given(st.floats(1e-6, 1 - 1e-6))
def test_log_odds_are_the_inverse_of_the_logistic_curve(probability):
    assert expit(logit(probability)) == pytest.approx(probability, rel=1e-9)


def test_probabilities_of_0_and_1_are_kept_a_millionth_inside():
    assert expit(logit(np.array([0.0, 1.0]))) == pytest.approx([1e-6, 1 - 1e-6], rel=1e-9)
    assert np.isfinite(logit(np.array([-0.1, 1.1]))).all()


@given(logits=some_logits, mean=st.floats(0.001, 0.999))
def test_the_shift_gives_the_mean_that_is_asked(logits, mean):
    assert expit(logits + shift_to_mean(logits, mean)).mean() == pytest.approx(mean, abs=1e-9)


def test_equal_log_odds_are_shifted_by_their_difference():
    assert shift_to_mean(np.full(7, 1.25), 0.5) == pytest.approx(-1.25)
    assert shift_to_mean(np.zeros(3), 0.75) == pytest.approx(np.log(3))


def test_nothing_is_shifted_where_the_mean_is_right_already():
    logits = np.array([-3.0, -1.0, 0.5, 4.0])
    assert shift_to_mean(logits, float(expit(logits).mean())) == pytest.approx(0.0, abs=1e-9)


@given(logits=some_logits, mean=st.floats(0.01, 0.99), data=st.data())
def test_a_weight_is_a_number_of_equal_customers(logits, mean, data):
    times = data.draw(arrays(np.int64, len(logits), elements=st.integers(0, 4)).filter(lambda found: found.sum() > 0))
    weighted = shift_to_mean(logits, mean, times.astype(float))
    assert expit(np.repeat(logits, times) + weighted).mean() == pytest.approx(mean, abs=1e-9)


@pytest.mark.parametrize("rate", [0.0, 1.0])
@pytest.mark.parametrize("logits", [[-20.0, 0.0, 20.0], [0.0], [-30.0] * 5, [30.0] * 5])
def test_rates_of_nobody_and_everybody_are_reached_but_for_a_millionth(rate, logits):
    shift = shift_to_mean(np.array(logits), rate)
    assert np.isfinite(shift)
    assert expit(np.array(logits) + shift).mean() == pytest.approx(abs(rate - SMALLEST_RATE), abs=1e-9)


@given(logits=some_logits, low=st.floats(0.01, 0.49), high=st.floats(0.51, 0.99))
def test_a_higher_mean_needs_a_higher_shift(logits, low, high):
    assert shift_to_mean(logits, low) < shift_to_mean(logits, high)


def test_in_each_group_the_mean_probability_is_the_share_to_whom_it_happened():
    rng = np.random.default_rng(0)
    groups, logits = np.arange(900) % 3, rng.normal(0.0, 2.0, 900)
    happened = rng.random(900) < np.array([0.1, 0.5, 0.9])[groups]
    before, found = logits.copy(), calibrated(logits, happened, groups)
    for group in range(3):
        rows = groups == group
        assert found[rows].mean() == pytest.approx(happened[rows].mean(), abs=1e-9)
        assert (np.argsort(found[rows]) == np.argsort(logits[rows])).all()
    assert np.array_equal(logits, before)
