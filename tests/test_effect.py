"""Effects: intervals as they were published, and as an independent library computes them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from serving.listing.effect import Group, adjusted_welch, newcombe, welch, wilson

# Newcombe (1998), Table II, method 10.
PUBLISHED = [
    ((56, 70), (48, 80), 0.0524, 0.3339),
    ((9, 10), (3, 10), 0.1705, 0.8090),
    ((6, 7), (2, 7), 0.0582, 0.8062),
    ((5, 56), (0, 29), -0.0381, 0.1926),
    ((0, 10), (0, 20), -0.1611, 0.2775),
    ((0, 10), (0, 10), -0.2775, 0.2775),
    ((10, 10), (0, 20), 0.6791, 1.0000),
    ((10, 10), (0, 10), 0.6075, 1.0000),
]


def rates(returned: int, customers: int) -> Group:
    return Group(customers, returned, 0.0, 0.0)


def spenders(spend, before=None) -> Group:
    spend = np.asarray(spend, float)
    before = np.zeros_like(spend) if before is None else np.asarray(before, float)
    covariance = np.cov(spend, before)
    return Group(
        len(spend),
        int((spend > 0).sum()),
        float(spend.mean()),
        covariance[0, 0],
        float(before.mean()),
        covariance[1, 1],
        covariance[0, 1],
    )


@pytest.mark.parametrize(("one", "other", "low", "high"), PUBLISHED)
def test_differences_of_rates_are_those_that_newcombe_published(one, other, low, high):
    found = newcombe(rates(*one), rates(*other))
    assert found.difference == pytest.approx(one[0] / one[1] - other[0] / other[1])
    assert (found.low, found.high) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_intervals_of_one_rate_are_the_library_s(counts):
    expected = stats.binomtest(*counts).proportion_ci(method="wilson")
    assert wilson(rates(*counts)) == (pytest.approx(expected.low, abs=1e-9), pytest.approx(expected.high, abs=1e-9))


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.integers(0, 10**6), min_size=2, max_size=40).filter(lambda spend: len(set(spend)) > 1),
    st.lists(st.integers(0, 10**6), min_size=2, max_size=40).filter(lambda spend: len(set(spend)) > 1),
)
def test_differences_of_spend_are_welch_s(contacted, held):
    found = welch(spenders(contacted), spenders(held))
    expected = stats.ttest_ind(contacted, held, equal_var=False).confidence_interval(0.95)
    assert found.low == pytest.approx(expected.low, rel=1e-6, abs=1e-6)
    assert found.high == pytest.approx(expected.high, rel=1e-6, abs=1e-6)


def test_groups_that_are_all_alike_differ_by_exactly_that():
    found = welch(spenders([5, 5, 5]), spenders([3, 3]))
    assert (found.difference, found.low, found.high, found.detectable) == (2.0, 2.0, 2.0, 0.0)
    assert found.clear


def test_spend_before_takes_noise_out_and_no_effect():
    draw = np.random.default_rng(1)
    before = draw.gamma(1, 100, 4_000)
    after = 0.8 * before + draw.normal(0, 20, 4_000)
    after[:3_600] += 5.0
    groups = spenders(after[:3_600], before[:3_600]), spenders(after[3_600:], before[3_600:])
    plain, adjusted = welch(*groups), adjusted_welch(*groups)
    assert adjusted.low < 5.0 < adjusted.high
    assert adjusted.high - adjusted.low < 0.3 * (plain.high - plain.low)
    assert adjusted.clear
    assert not plain.clear


def test_without_spend_before_nothing_is_taken_out():
    groups = spenders([1, 2, 3, 9]), spenders([0, 1, 5])
    assert adjusted_welch(*groups) == welch(*groups)


def test_nineteen_in_twenty_intervals_hold_the_truth_and_none_is_worse_than_chance():
    """Spend as it is: most buy nothing, some a lot; 900 contacted and 100 held back; no effect."""
    draw = np.random.default_rng(2)
    held_by = {"welch": 0, "adjusted": 0, "rates": 0}
    for _ in range(300):
        before = draw.gamma(0.5, 80, 1_000)
        after = np.where(draw.random(1_000) < 0.4, 0.5 * before + draw.gamma(2, 25, 1_000), 0.0)
        groups = spenders(after[:900], before[:900]), spenders(after[900:], before[900:])
        for name, effect in zip(held_by, (welch(*groups), adjusted_welch(*groups), newcombe(*groups)), strict=True):
            held_by[name] += effect.low <= 0 <= effect.high
    assert all(0.92 < count / 300 < 0.98 for count in held_by.values()), held_by


def test_the_detectable_difference_is_found_in_four_cases_of_five():
    draw = np.random.default_rng(3)
    effect = welch(spenders(draw.normal(0, 10, 900)), spenders(draw.normal(0, 10, 100))).detectable
    found = 0
    for _ in range(300):
        found += welch(spenders(draw.normal(effect, 10, 900)), spenders(draw.normal(0, 10, 100))).clear
    assert 0.74 < found / 300 < 0.87
