"""The interval of total revenue: wide where the level missed, never narrower than what customers do by themselves."""

import math
from datetime import date

import pandas as pd
import pytest

from serving.scoring.revenue import NORMAL_80, PRIOR_MISS, Revenue, level_miss, misses_question

NIGHT = date(1998, 4, 20)


def predicted(expected, low, high):
    return pd.DataFrame({"expected_spend": expected, "expected_spend_low": low, "expected_spend_high": high})


def test_it_is_the_formula_that_is_stated():
    revenue = Revenue()
    revenue.add(predicted([100.0, 50.0], [50.0, 0.0], [150.0, 100.0]))
    revenue.add(predicted([50.0], [0.0], [40.0]))
    own = math.sqrt(100**2 + 100**2 + 40**2) / (2 * NORMAL_80) / 200
    level = math.sqrt((0.3**2 + 0.1**2 + 2 * PRIOR_MISS**2) / 4)
    factor = math.exp(NORMAL_80 * math.sqrt(level**2 + own**2))
    found = revenue.interval([0.3, -0.1])
    assert found["expected_spend"] == 200.0
    assert found["low"] == pytest.approx(200 / factor)
    assert found["high"] == pytest.approx(200 * factor)


def test_without_past_windows_a_level_misses_by_what_is_usual():
    assert level_miss([]) == pytest.approx(PRIOR_MISS)


def test_misses_widen_it_and_hits_narrow_it():
    revenue = Revenue(expected=1000.0, variance=100.0)
    widths = [
        found["high"] - found["low"] for found in (revenue.interval(misses) for misses in ([0.0] * 4, [], [0.5] * 4))
    ]
    assert widths == sorted(widths)


def test_nobody_expected_to_spend_is_an_interval_of_nothing():
    assert Revenue().interval([]) | {"level_miss": 0} == {"expected_spend": 0, "low": 0, "high": 0, "level_miss": 0}


def past_misses(bundle, known):
    return misses_question(bundle, known.span, NIGHT).alone(known, bundle.btyd)


@pytest.mark.slow
def test_past_misses_are_of_windows_that_were_complete(sample_ledger, small_bundle):
    found = past_misses(small_bundle, sample_ledger.before(NIGHT))
    assert 1 <= len(found) <= 4
    assert all(abs(miss) < 2 for miss in found)
    # What comes after the as-of date plays no part.
    assert past_misses(small_bundle, sample_ledger) == found


@pytest.mark.slow
def test_a_miss_is_what_came_over_what_the_level_rule_said(sample_ledger, small_bundle):
    """The published log has no last year: the rule says 1, so a miss is the level that came, drawn towards 1."""
    from features.outcome import customer_groups
    from models.level import windows

    start = date(1998, 1, 20)
    groups = customer_groups(sample_ledger, [start], small_bundle.window_days).to_pandas()
    level = windows(groups, small_bundle.btyd, small_bundle.window_days)[start].level("spend")
    assert past_misses(small_bundle, sample_ledger.before(NIGHT))[0] == pytest.approx(math.log(level))
