"""The clock of a log: on it pauses of whatever rhythm are spread as if they had none."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from models.clock import Clock

curves = st.lists(st.floats(0, 1), max_size=400).map(lambda shares: np.cumprod([1.0, *shares]))
"""Shares of pauses longer than 0, 1, 2, ... days."""


@given(curves)
@example(np.ones(1))
@example(np.array([1.0, 0.0]))
@example(np.array([1.0, 0.999, 0.0, 0.0]))
def test_it_starts_with_nothing_never_runs_back_and_stays_finite(survival):
    clock = Clock.of(survival)
    assert clock.times.shape == survival.shape
    assert clock.times[0] == 0
    assert np.isfinite(clock.times).all()
    assert (np.diff(clock.times) >= 0).all()


@given(curves, st.lists(st.integers(0, 900), min_size=1))
def test_the_day_of_a_time_is_the_first_by_which_it_has_passed(survival, asked):
    clock, days = Clock.of(survival), np.array(asked, dtype=float)
    time = clock.time(days)
    found = clock.days(time)
    assert (found <= days).all()
    assert clock.time(found) == pytest.approx(time)
    assert (clock.time(found[found > 0] - 1) < time[found > 0]).all()


@given(st.integers(1, 50))
def test_where_no_pause_has_ended_time_passes_as_days_do(longest):
    days = np.arange(0.0, 100.0)
    assert np.array_equal(Clock.of(np.ones(longest)).time(days), days)


@given(curves)
def test_beyond_the_longest_pause_time_passes_as_days_do(survival):
    clock, last = Clock.of(survival), len(survival) - 1
    later = np.array([0.0, 1.0, 30.0])
    assert clock.time(last + later) == pytest.approx(clock.times[-1] + later)


@pytest.mark.parametrize(("shape", "scale"), [(0.5, 10.0), (1.5, 90.0), (4.0, 500.0)])
def test_where_pauses_have_no_rhythm_it_runs_as_days_do(shape, scale):
    days = np.arange(2_000.0)
    clock = Clock.of((scale / (scale + days)) ** shape)
    assert clock.times[30:] == pytest.approx(days[30:], rel=0.1)
    # Not even where everybody's rate is the same.
    assert Clock.of(np.exp(-days / scale)).times[30:] == pytest.approx(days[30:], rel=0.02)


def test_it_rests_while_no_pause_ends_and_runs_where_they_do():
    # Every pause ends after 364, 365 or 366 days, a third on each.
    clock = Clock.of(np.concatenate([np.ones(364), [2 / 3, 1 / 3, 0.0]]))
    assert (clock.times[:364] == 0).all()
    assert (np.diff(clock.times)[363:] > 50).all()


def test_pauses_of_one_length_are_one_stroke():
    clock = Clock.of(np.concatenate([np.ones(30), np.zeros(11)]))
    assert (clock.times[:30] == 0).all()
    assert (clock.times[30:] == clock.times[30]).all()
    assert clock.days(np.array([1e-9, clock.times[30]])).tolist() == [30, 30]


def test_a_rhythm_is_undone():
    # Rates differ between customers, and everybody returns twelve times more likely on every seventh day.
    pace = np.where(np.arange(1, 1_000) % 7 == 0, 4.0, 0.5)
    clock = Clock.of((1 + np.cumsum(np.concatenate([[0.0], pace])) / 60) ** -1.2)
    steps = np.diff(clock.times)
    sevenths = np.arange(1, 1_000) % 7 == 0
    assert steps[sevenths].sum() / steps[~sevenths].sum() == pytest.approx(8 / 6, rel=0.1)
