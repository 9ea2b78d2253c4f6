"""Comparison: two bundles by the outcomes of the same customers, and which of their differences are noise."""

import json
from datetime import date

import numpy as np
import pandas as pd
import pytest

from training.metrics import HIGHER_IS_BETTER
from training.promotion.comparison import BETTER, NOISE, UNDEFINED, WORSE, compare, contrast
from training.promotion.judgement import fitted_at
from training.promotion.resampling import METRICS, Resampling

FIRST, SECOND = date(2024, 1, 1), date(2024, 4, 1)


def window(challenger, champion, **others):
    """Return the metrics of one made-up window, the same in every metric but for `others`."""
    rows = {"challenger": dict.fromkeys(METRICS, challenger), "champion": dict.fromkeys(METRICS, champion)}
    table = pd.DataFrame(rows).T
    return table.assign(**{name: list(values) for name, values in others.items()})


def draws(difference, spread):
    """Return made-up draws of every metric, everybody's first, the others evenly around it."""
    around = np.concatenate([[0.0], np.linspace(-spread, spread, 1_001)])
    return dict.fromkeys(METRICS, difference + around)


@pytest.mark.parametrize("name", METRICS)
def test_a_verdict_needs_an_interval_without_0_and_knows_which_way_is_better(name):
    higher, lower = (
        contrast({FIRST: window(0.5 + gain, 0.5)}, [draws(gain, 0.05)]).loc[name, "verdict"] for gain in (0.1, -0.1)
    )
    assert (higher, lower) == ((BETTER, WORSE) if name in HIGHER_IS_BETTER else (WORSE, BETTER))
    assert contrast({FIRST: window(0.6, 0.5)}, [draws(0.1, 0.2)]).loc[name, "verdict"] == NOISE


def test_the_interval_holds_95_of_100_draws_around_the_difference_of_the_figures():
    # Of the binned draws only the distance from their own beginning counts.
    row = contrast({FIRST: window(0.7, 0.5)}, [draws(0.19, 0.1)]).loc["gini"]
    assert row[["challenger", "champion", "difference"]].tolist() == pytest.approx([0.7, 0.5, 0.2])
    assert row[["low", "high"]].tolist() == pytest.approx([0.2 - 0.095, 0.2 + 0.095])


def test_windows_count_the_same_and_bias_counts_by_its_distance_from_0():
    found = contrast(
        {FIRST: window(1.0, 2.0, bias=(-0.3, 0.1)), SECOND: window(2.0, 6.0, bias=(0.1, -0.2))},
        [draws(-1.0, 0.1), draws(-4.0, 0.1)],
    )
    assert found.loc["mae", ["challenger", "champion", "difference"]].tolist() == pytest.approx([1.5, 4.0, -2.5])
    assert found.loc["bias", ["challenger", "champion"]].tolist() == pytest.approx([0.2, 0.15])


def test_a_window_that_does_not_define_a_metric_leaves_it_to_the_others():
    undefined = draws(0.0, 0.1) | {"auc": np.full(1_002, np.nan)}
    windows = {FIRST: window(0.9, 0.1, auc=(np.nan, np.nan)), SECOND: window(0.7, 0.6)}
    found = contrast(windows, [undefined, draws(0.1, 0.05)])
    assert found.loc["auc", ["challenger", "champion"]].tolist() == pytest.approx([0.7, 0.6])
    assert found.loc["auc", "verdict"] == BETTER
    assert found.loc["gini", "challenger"] == pytest.approx(0.8)


def test_a_metric_that_no_window_defines_has_no_verdict():
    undefined = draws(0.0, 0.1) | {"auc": np.full(1_002, np.nan)}
    found = contrast({FIRST: window(0.9, 0.1, auc=(np.nan, np.nan))}, [undefined])
    assert found.loc["auc", "verdict"] == UNDEFINED
    assert found.loc["auc"].drop("verdict").isna().all()


@pytest.fixture(scope="module")
def comparison(sample_ledger, small_bundle):
    """The bundle of the fixtures beside itself, on the only as-of dates that it may be judged on."""
    dates = (date(1998, 4, 1), date(1998, 4, 2))
    return compare(sample_ledger, small_bundle, small_bundle, dates, Resampling(draws=50))


@pytest.mark.slow
def test_figures_are_means_of_what_every_evaluation_judges(comparison):
    assert len(comparison.windows) == 2
    gini = [metrics.loc["challenger", "gini"] for metrics in comparison.windows.values()]
    assert comparison.table.loc["gini", "challenger"] == pytest.approx(np.mean(gini))
    bias = [abs(metrics.loc["champion", "bias"]) for metrics in comparison.windows.values()]
    assert comparison.table.loc["bias", "champion"] == pytest.approx(np.mean(bias))


@pytest.mark.slow
def test_two_that_are_the_same_differ_in_nothing(comparison):
    assert (comparison.table[["difference", "low", "high"]] == 0).all(axis=None)
    assert comparison.metrics_that_are(NOISE) == list(METRICS)


@pytest.mark.slow
def test_everybody_known_at_a_date_is_judged(comparison, sample_ledger, small_bundle):
    known = fitted_at(sample_ledger, small_bundle, date(1998, 4, 2)).past[date(1998, 4, 2)]
    assert comparison.customers[date(1998, 4, 2)] == known.customers


@pytest.mark.slow
def test_its_json_is_strict_and_says_what_the_table_says(comparison):
    found = json.loads(json.dumps(comparison.to_dict(), allow_nan=False))
    assert found["confidence"] == 0.95
    assert [day["as_of"] for day in found["windows"]] == ["1998-04-01", "1998-04-02"]
    for name, row in found["metrics"].items():
        assert row["champion"] == comparison.table.loc[name, "champion"]
        assert row["verdict"] == NOISE
