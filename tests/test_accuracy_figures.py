"""Figures of the accuracy benchmark: bootstrapped metrics beside the product's, intervals, gains and floors by hand."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.accuracy.bootstrap import AT_ONCE, METRICS, bootstrap, drawn, weighted_metrics
from benchmarks.accuracy.floors import FLOORS, Floor, missed_floors
from benchmarks.accuracy.judgement import Judgement, decile_error, intervals_of
from benchmarks.accuracy.ladder import Climb
from benchmarks.accuracy.report import strict, summary_text
from benchmarks.accuracy.summary import BEST, gain, gains
from benchmarks.accuracy.windows import MADE_UP, OPEN, Window
from training.evaluate import MODEL
from training.metrics import judge

WINDOW = Window("a log", OPEN, date(1998, 4, 1), 90)


# Bootstrap


coarse = st.integers(0, 3).map(float)
customers = st.lists(st.tuples(coarse, coarse, st.integers(0, 4).map(lambda n: n / 4)), min_size=3, max_size=30)


def tables(rows):
    spend, expected, churn = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    actual = pd.DataFrame({"net_spend": spend, "churned": spend == 0})
    return actual, pd.DataFrame({"expected_spend": expected, "churn_probability": churn})


def simulated(n, seed=0):
    rng = np.random.default_rng(seed)
    expected = rng.gamma(0.5, 20.0, n)
    spend = expected * rng.gamma(0.5, 2.0, n) * (rng.random(n) < 0.6)
    churn = np.clip(np.exp(-expected / 20) + rng.normal(0, 0.1, n), 0, 1)
    return tables(zip(spend, expected, churn, strict=True))


@settings(deadline=None)
@given(customers, st.integers(0, 99))
def test_metrics_of_a_draw_are_those_of_the_product_on_its_customers_repeated(rows, seed):
    actual, predicted = tables(rows)
    counts = next(drawn(len(rows), 3, seed))
    found = weighted_metrics(actual, {"a": predicted}, counts)["a"]
    for number, times in enumerate(counts.T.astype(int)):
        repeated = actual.index.repeat(times)
        if actual.loc[repeated, "net_spend"].sum() > 0:
            expected = judge(actual.loc[repeated], predicted.loc[repeated])
            for name in METRICS:
                assert found[name][number] == pytest.approx(expected[name], abs=1e-9, nan_ok=True), name


def test_with_every_customer_once_metrics_are_those_of_the_product():
    actual, predicted = simulated(500)
    found = weighted_metrics(actual, {"a": predicted}, np.ones((500, 2)))["a"]
    expected = judge(actual, predicted)
    for name in METRICS:
        assert found[name] == pytest.approx([expected[name]] * 2), name


def test_every_draw_has_as_many_customers_as_there_are_and_a_seed_always_draws_the_same():
    parts = list(drawn(40, AT_ONCE + 3, seed=1))
    assert [part.shape for part in parts] == [(40, AT_ONCE), (40, 3)]
    assert all((part.sum(axis=0) == 40).all() for part in parts)
    assert all(np.array_equal(a, b) for a, b in zip(parts, drawn(40, AT_ONCE + 3, seed=1), strict=True))
    assert not np.array_equal(parts[0], next(drawn(40, AT_ONCE, seed=2)))


def test_all_rungs_are_judged_on_the_same_draws():
    actual, predicted = simulated(300)
    draws = bootstrap(actual, {"a": predicted, "b": predicted}, resamples=60)
    for name in METRICS:
        assert len(draws["a"][name]) == 60
        assert np.array_equal(draws["a"][name], draws["b"][name])
        assert draws["a"][name].std() > 0


def test_draws_spread_as_the_theory_of_means_says():
    actual, predicted = simulated(2_000)
    draws = bootstrap(actual, {"a": predicted}, resamples=400)["a"]["mae"]
    errors = (predicted["expected_spend"] - actual["net_spend"]).abs()
    assert draws.mean() == pytest.approx(errors.mean(), rel=0.02)
    assert draws.std() == pytest.approx(errors.std() / 2_000**0.5, rel=0.15)


# What a window's predictions are worth


def climbed(rungs, actual):
    return Climb(WINDOW, actual, rungs, dict.fromkeys(rungs, 1.0), "a rule")


def test_decile_error_is_the_mean_distance_of_deciles_over_mean_spend():
    spend = np.repeat([0.0, 10.0], 10)
    assert decile_error(spend, spend * 1.0) == 0.0
    # Ten forecasts a half of a customer's spend too high, ten right: the mean distance is 2.5 of a mean of 5.
    assert decile_error(spend, np.repeat([0.0, 15.0], 10)) == pytest.approx(0.5)
    assert np.isnan(decile_error(np.zeros(20), spend))


def test_intervals_hold_over_all_in_the_top_fifth_and_by_tenth_of_value():
    # Ten customers, the most valuable last; the one with the highest forecast falls outside, and so does the first.
    spend = np.array([9.0, 1, 1, 1, 1, 1, 1, 1, 1, 30])
    predicted = pd.DataFrame(
        {
            "expected_spend": np.arange(10.0),
            "churn_probability": 0.5,
            "expected_spend_low": 0.0,
            "expected_spend_high": np.append(np.full(9, 2.0), 20.0),
        }
    )
    actual = pd.DataFrame({"net_spend": spend, "churned": False, "value": np.arange(10.0)})
    found = intervals_of(climbed({MODEL: predicted}, actual))
    assert found["coverage"] == 0.8
    assert found["width"] == pytest.approx(3.8 / 4.7)
    assert found["top_coverage"] == 0.5
    assert found["top_width"] == pytest.approx(11 / 15.5)
    assert found["by_value"] == [0.0, *[1.0] * 8, 0.0]


# Summary


def judged(metrics, name="a log", kind=OPEN, spread=0.0):
    """Return a judged window of made-up metrics by rung; draws lie evenly within `spread` of them."""
    filled = {rung: dict.fromkeys(METRICS, 0.5) | found for rung, found in metrics.items()}
    around = np.linspace(-spread, spread, 201)
    draws = {rung: {m: value + around for m, value in found.items()} for rung, found in filled.items()}
    table = pd.DataFrame(filled).T.rename_axis("rung")
    extra = dict.fromkeys(("median_mae", "top_decile_capture", "decile_error", "calibration_error", "seconds"), 1.0)
    held = {"coverage": 0.8, "width": 1.0, "top_coverage": 0.8, "top_width": 1.0, "by_value": [0.8] * 10}
    window = Window(name, kind, WINDOW.as_of, WINDOW.horizon_days)
    return Judgement(window, 100, "a rule", table.assign(**extra), held, draws)


@pytest.mark.parametrize(
    ("metric", "ours", "theirs", "better"),
    [("gini", 0.6, 0.5, 0.2), ("rmse", 8.0, 10.0, 0.2), ("log_loss", 0.55, 0.5, -0.1), ("bias", -0.1, 0.3, 0.2)],
)
def test_a_gain_is_relative_and_positive_where_regulars_is_better(metric, ours, theirs, better):
    assert gain(metric, np.array(ours), np.array(theirs)) == pytest.approx(better)


def test_gains_are_means_over_windows_and_wins_are_counted():
    found = gains([judged({MODEL: {"mae": mae}, "BG": {"mae": 10.0}}) for mae in (8.0, 11.0, 10.0)])["BG"]["mae"]
    assert found.mean == pytest.approx((0.2 - 0.1 + 0.0) / 3)
    assert (found.wins, found.windows) == (2, 3)


def test_intervals_of_a_gain_come_from_the_draws_of_both():
    one = judged({MODEL: {"brier": 0.4}, "BG": {"brier": 0.5}}, spread=0.1)
    one.draws["BG"]["brier"][:] = 0.5
    found = gains([one])["BG"]["brier"]
    assert found.intervals[0.8] == pytest.approx((1 - 0.48 / 0.5, 1 - 0.32 / 0.5))
    assert found.intervals[0.95] == pytest.approx((1 - 0.495 / 0.5, 1 - 0.305 / 0.5))


def test_a_rung_that_ranks_next_to_nothing_or_is_undefined_is_compared_elsewhere_only():
    windows = [judged({MODEL: {"gini": 0.6}, "mean": {"gini": gini}}) for gini in (0.0, np.nan, 0.5)]
    found = gains(windows)["mean"]["gini"]
    assert (found.mean, found.wins, found.windows) == (pytest.approx(0.2), 1, 1)
    assert gains(windows[:1])["mean"]["gini"].windows == 0


def test_the_best_of_them_is_chosen_in_each_window_by_each_metric():
    first = judged({MODEL: {"bias": 0.1}, "a": {"bias": -0.3, "auc": 0.4}, "b": {"bias": 0.4, "auc": 0.6}})
    second = judged({MODEL: {"bias": 0.1}, "a": {"bias": 0.5}, "b": {"bias": 0.0}})
    found = gains([first, second])[BEST]
    assert found["bias"].mean == pytest.approx((0.2 - 0.1) / 2)
    assert found["auc"].mean == pytest.approx(((0.5 / 0.6 - 1) + 0.0) / 2)


def test_floors_are_missed_below_and_where_a_metric_is_undefined():
    floor = Floor(gini=0.7, rmse=90.0, mae=30.0, bias=0.1, auc=0.8, log_loss=0.3)
    at_it = pd.Series({"gini": 0.7, "rmse": 90.0, "mae": 30.0, "bias": -0.1, "auc": 0.8, "log_loss": 0.3})
    assert floor.missed(at_it) == {}
    short = floor.missed(at_it.replace({0.7: 0.69, -0.1: -0.2}))
    assert short == {"gini": (0.69, 0.7), "bias": (0.2, 0.1)}
    assert set(floor.missed(at_it * np.nan)) == set(at_it.index)


def test_the_text_of_the_summary_has_each_kind_of_window_and_both_together():
    rungs = {MODEL: {"mae": 8.0}, "BG": {"mae": 10.0}}
    both = summary_text([judged(rungs), judged(rungs, kind=MADE_UP)])
    for title in ("open windows (1)", "made-up logs (1)", "all windows (2)"):
        assert f"== {title}: Regulars over each rung ==" in both
    assert "+20.0 (2/2)" in both
    alone = summary_text([judged(rungs)])
    assert "open windows (1)" in alone
    assert "all windows" not in alone


def test_missed_floors_are_named_beside_the_floor(monkeypatch):
    low = judged({MODEL: dict.fromkeys(METRICS, 0.1), "BG": {}})
    monkeypatch.setitem(FLOORS, low.window.name, Floor(0.7, 90.0, 30.0, 0.1, 0.8, 0.3))
    assert missed_floors([low])[low.window.name] == {"gini": (0.1, 0.7), "auc": (0.1, 0.8)}
    assert "Gini 0.1, floor 0.7; AUC 0.1, floor 0.8" in summary_text([low])


def test_what_is_not_a_number_is_null_in_json():
    assert strict({"a": [np.nan, (1.0, None)], 2: "x"}) == {"a": [None, [1.0, None]], "2": "x"}
