"""Metrics against other ways of working them out, and by hand where values tie or there is nothing to judge."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import log_loss, roc_auc_score

from training.metrics import (
    churn_metrics,
    coverage,
    deciles,
    gain_curve,
    judge,
    normalised_gini,
    order_metrics,
    spend_metrics,
)

SPEND = np.array([0.0, 0.0, 10.0, 30.0, 60.0])
whole_spends = arrays(np.float64, st.integers(2, 40), elements=st.integers(0, 9).map(float))


def lorenz_gini(spend, ranked_by):
    """Return 1 less twice the area under the Lorenz curve of spend, customers in ascending order of `ranked_by`."""
    shares = np.concatenate([[0.0], spend[np.argsort(ranked_by)].cumsum() / spend.sum()])
    return 1 - np.trapezoid(shares, dx=1 / len(spend)) * 2


def simulated(n, seed=0):
    rng = np.random.default_rng(seed)
    expected = rng.gamma(0.5, 20.0, n)
    spend = expected * rng.gamma(0.5, 2.0, n) * (rng.random(n) < 0.6)
    churn = np.clip(np.exp(-expected / 20) + rng.normal(0, 0.1, n), 0, 1)
    return spend, expected, rng.random(n) < churn, churn


@pytest.mark.parametrize("n", [2, 3, 10, 997])
def test_gini_is_that_of_the_lorenz_curve_over_that_of_hindsight(n):
    rng = np.random.default_rng(n)
    spend, expected = rng.permutation(np.arange(1.0, n + 1) ** 2), rng.permutation(n).astype(float)
    assert normalised_gini(spend, expected) == pytest.approx(lorenz_gini(spend, expected) / lorenz_gini(spend, spend))


def test_gini_of_hindsight_is_1_of_the_reverse_minus_1_and_of_no_opinion_0():
    assert normalised_gini(SPEND, SPEND * 3) == pytest.approx(1.0)
    assert normalised_gini(np.arange(5.0), -np.arange(5.0)) == pytest.approx(-1.0)
    assert normalised_gini(SPEND, np.ones(5)) == pytest.approx(0.0)


def test_gini_of_tied_expectations_is_its_mean_over_all_ways_to_break_the_ties():
    expected = np.array([1.0, 1.0, 1.0, 0.0, 2.0])
    ways = [[0.9, 1.0, 1.1], [0.9, 1.1, 1.0], [1.0, 0.9, 1.1], [1.0, 1.1, 0.9], [1.1, 0.9, 1.0], [1.1, 1.0, 0.9]]
    broken = [normalised_gini(SPEND, np.concatenate([way, [0.0, 2.0]])) for way in ways]
    assert normalised_gini(SPEND, expected) == pytest.approx(np.mean(broken))


def test_errors_are_means_in_money():
    found = spend_metrics(SPEND, np.array([3.0, 0.0, 10.0, 30.0, 56.0]))
    assert found["mae"] == pytest.approx((3 + 4) / 5)
    assert found["rmse"] == pytest.approx(np.sqrt((9 + 16) / 5))
    assert found["bias"] == pytest.approx(99 / 100 - 1)


def test_spearman_is_the_correlation_of_ranks_tied_ones_sharing_theirs():
    spend, expected = SPEND, np.array([1.0, 2.0, 2.0, 5.0, 4.0])
    ranks = [1.5, 1.5, 3.0, 4.0, 5.0], [1.0, 2.5, 2.5, 5.0, 4.0]
    assert spend_metrics(spend, expected)["spearman"] == pytest.approx(np.corrcoef(*ranks)[0, 1])


def test_the_top_decile_captures_what_its_customers_brought():
    expected = np.arange(20.0)
    spend = np.where(expected >= 18, 40.0, 1.0)
    assert spend_metrics(spend, expected)["top_decile_capture"] == pytest.approx(80 / 98)


def test_a_tie_across_the_border_of_the_top_decile_counts_by_its_mean():
    # Two of twenty customers are taken; four share the highest expectation and brought 8 of 24 among them.
    expected = np.array([9.0] * 4 + [1.0] * 16)
    spend = np.array([8.0, 0.0, 0.0, 0.0] + [1.0] * 16)
    assert spend_metrics(spend, expected)["top_decile_capture"] == pytest.approx(4 / 24)


def test_the_gain_curve_by_hand():
    curve = gain_curve(np.array([0.0, 5.0, 1.0, 4.0]), np.array([1.0, 4.0, 2.0, 3.0]), points=4)
    assert curve.to_dict() == pytest.approx({0.0: 0.0, 0.25: 0.5, 0.5: 0.9, 0.75: 1.0, 1.0: 1.0})
    assert (curve.index.name, curve.name) == ("customers", "spend")


def test_the_gain_curve_of_no_opinion_is_the_diagonal():
    curve = gain_curve(SPEND, np.ones(5))
    assert curve.to_numpy() == pytest.approx(curve.index.to_numpy())


def test_between_two_customers_the_gain_curve_is_interpolated():
    assert gain_curve(np.array([8.0, 2.0]), np.array([2.0, 1.0]), points=4).tolist() == pytest.approx(
        [0.0, 0.4, 0.8, 0.9, 1.0]
    )


@given(spend=whole_spends, seed=st.integers(0, 9))
def test_no_gain_curve_lies_above_that_of_hindsight(spend, seed):
    other = np.random.default_rng(seed).permutation(len(spend)).astype(float)
    assert (gain_curve(spend, spend) >= gain_curve(spend, other) - 1e-9).all()


@pytest.mark.parametrize("decimals", [9, 1])
def test_auc_and_log_loss_are_scikit_learns(decimals):
    _, _, churned, probability = simulated(800)
    probability = probability.round(decimals)
    found = churn_metrics(churned, probability)
    assert found["auc"] == pytest.approx(roc_auc_score(churned, probability))
    assert found["log_loss"] == pytest.approx(log_loss(churned, np.clip(probability, 1e-6, 1 - 1e-6)))
    pairs = probability[churned][:, None] - probability[~churned][None, :]
    assert found["auc"] == pytest.approx((pairs > 0).mean() + (pairs == 0).mean() / 2)


def test_churn_metrics_by_hand():
    churned, probability = np.array([True, False, True, True]), np.array([0.8, 0.4, 0.4, 0.9])
    found = churn_metrics(churned, probability)
    assert found["auc"] == pytest.approx((1 + 0.5 + 1) / 3)
    assert found["log_loss"] == pytest.approx(-np.log([0.8, 0.6, 0.4, 0.9]).mean())
    assert found["brier"] == pytest.approx((0.04 + 0.16 + 0.36 + 0.01) / 4)
    # One at 0.9 and one at 0.8 churned, of the two at 0.4 one.
    assert found["calibration_error"] == pytest.approx((0.1 + 0.2 + 2 * 0.1) / 4)


def test_a_certain_error_costs_no_more_than_a_millionth_allows():
    found = churn_metrics(np.array([True, False]), np.array([0.0, 1.0]))
    assert found["log_loss"] == pytest.approx(-np.log(1e-6))
    assert found["brier"] == 1.0


def test_deciles_by_hand():
    expected = np.arange(20.0)[::-1]
    table = deciles(expected * 2, expected)
    assert table.index.tolist() == list(range(1, 11))
    assert table["customers"].tolist() == [2] * 10
    assert table["expected"].tolist() == [18.5, 16.5, 14.5, 12.5, 10.5, 8.5, 6.5, 4.5, 2.5, 0.5]
    assert table["actual"].tolist() == [37, 33, 29, 25, 21, 17, 13, 9, 5, 1]


@pytest.mark.parametrize("n", [10, 30, 70, 990, 1_000])
def test_deciles_of_distinct_expectations_are_of_one_size(n):
    table = deciles(np.zeros(n), np.random.default_rng(0).permutation(n).astype(float))
    assert table["customers"].tolist() == [n // 10] * 10


def test_tied_expectations_share_a_decile():
    table = deciles(np.arange(10.0), np.array([5.0] * 6 + [1.0, 2.0, 3.0, 4.0]))
    assert table["customers"].to_dict() == {4: 6, 7: 1, 8: 1, 9: 1, 10: 1}
    assert table.loc[4].to_dict() == {"customers": 6, "expected": 5.0, "actual": 2.5}


@given(arrays(np.float64, st.integers(1, 60), elements=st.integers(0, 5).map(float)))
def test_deciles_hold_every_customer_once_highest_expectations_first(expected):
    table = deciles(expected, expected)
    assert table["customers"].sum() == len(expected)
    assert table["expected"].is_monotonic_decreasing
    assert table.index.isin(range(1, 11)).all()


def test_coverage_counts_both_ends_of_the_interval():
    spend = np.array([0.0, 5.0, 10.0, 11.0, 4.9])
    assert coverage(spend, np.array([0.0, 5.0, 5.0, 5.0, 5.0]), np.full(5, 10.0)) == pytest.approx(3 / 5)


def judged(spend, expected, churned, probability):
    actual = pd.DataFrame({"net_spend": spend, "churned": churned})
    predicted = pd.DataFrame({"expected_spend": expected, "churn_probability": probability})
    return judge(actual, predicted.assign(expected_spend_low=expected / 2, expected_spend_high=expected * 2))


def test_a_judgement_is_all_metrics_of_what_was_predicted():
    spend, expected, churned, probability = simulated(300)
    found = judged(spend, expected, churned, probability)
    assert found == {
        **spend_metrics(spend, expected),
        **churn_metrics(churned, probability),
        "coverage": coverage(spend, expected / 2, expected * 2),
    }
    only_spend = judge(
        pd.DataFrame({"net_spend": spend, "churned": churned}), pd.DataFrame({"expected_spend": expected})
    )
    assert only_spend == spend_metrics(spend, expected)


@pytest.mark.parametrize("decimals", [9, 0])
def test_the_order_of_rows_plays_no_part(decimals):
    spend, expected, churned, probability = simulated(500)
    columns = [spend, expected.round(decimals), churned, probability.round(decimals)]
    order = np.random.default_rng(1).permutation(500)
    assert judged(*(column[order] for column in columns)) == pytest.approx(judged(*columns), rel=1e-9)


@pytest.mark.parametrize(
    ("spend", "expected", "undefined"),
    [
        (np.zeros(4), np.arange(4.0), {"gini", "spearman", "top_decile_capture", "bias"}),
        (np.arange(4.0), np.zeros(4), {"spearman"}),
        (np.zeros(4), np.zeros(4), {"gini", "spearman", "top_decile_capture", "bias"}),
        (np.full(4, 2.0), np.arange(4.0), {"gini", "spearman"}),
        (np.array([3.0]), np.array([2.0]), {"gini", "spearman"}),
        (np.array([]), np.array([]), {"mae", "rmse", "gini", "spearman", "top_decile_capture", "bias"}),
    ],
)
def test_undefined_metrics_of_spend_are_nan(spend, expected, undefined):
    found = spend_metrics(spend, expected)
    assert {name for name, value in found.items() if np.isnan(value)} == undefined


@pytest.mark.parametrize("churned", [[True] * 3, [False] * 3, [True]])
def test_auc_of_one_class_is_nan_and_the_rest_is_defined(churned):
    found = churn_metrics(np.array(churned), np.linspace(0.0, 1.0, len(churned)))
    assert {name for name, value in found.items() if np.isnan(value)} == {"auc"}


def test_of_nobody_nothing_is_known():
    nobody = np.array([])
    assert np.isnan(list(churn_metrics(nobody.astype(bool), nobody).values())).all()
    assert np.isnan(coverage(nobody, nobody, nobody))
    assert deciles(nobody, nobody).empty
    assert list(judged(nobody, nobody, nobody.astype(bool), nobody)) == list(judged(*simulated(50)))


# Orders: four customers with a date, one of whom does not come, and one without a date.
ORDERS = np.array([2.0, 1.0, 0.0, 1.0, 4.0])
FIRST_DAYS, DATES = np.array([3.0, 40.0, np.nan, 10.0, 80.0]), np.array([5.0, 10.0, 20.0, 10.0, np.nan])


def test_orders_are_judged_by_error_and_total():
    found = order_metrics(ORDERS, np.array([1.0, 1.0, 1.0, 1.0, 2.0]), FIRST_DAYS, DATES)
    assert found["orders_mae"] == pytest.approx((1 + 0 + 1 + 0 + 2) / 5)
    assert found["orders_bias"] == pytest.approx(6 / 8 - 1)


def test_next_order_dates_are_judged_on_those_who_have_one_and_who_never_comes_is_late():
    found = order_metrics(ORDERS, ORDERS, FIRST_DAYS, DATES)
    assert found["next_order_by_date"] == 2 / 4
    assert found["next_order_error"] == np.median([2, 30, 0])


def test_dates_that_are_medians_are_met_by_half():
    rng = np.random.default_rng(0)
    pace = rng.gamma(3.0, 10.0, 20_000)
    found = order_metrics(pace, pace, rng.exponential(pace), pace * np.log(2))
    assert found["next_order_by_date"] == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize(
    ("orders", "first_days", "dates", "undefined"),
    [
        (
            np.zeros(3),
            np.full(3, np.nan),
            np.full(3, np.nan),
            {"orders_bias", "next_order_by_date", "next_order_error"},
        ),
        (np.ones(3), np.ones(3), np.full(3, np.nan), {"next_order_by_date", "next_order_error"}),
        (np.ones(3), np.full(3, np.nan), np.ones(3), {"next_order_error"}),
        (
            np.array([]),
            np.array([]),
            np.array([]),
            {"orders_mae", "orders_bias", "next_order_by_date", "next_order_error"},
        ),
    ],
)
def test_undefined_metrics_of_orders_are_nan(orders, first_days, dates, undefined):
    found = order_metrics(orders, np.ones(len(orders)), first_days, dates)
    assert {name for name, value in found.items() if np.isnan(value)} == undefined


def test_orders_are_judged_where_they_are_predicted_and_known():
    actual = pd.DataFrame({"net_spend": ORDERS, "churned": ORDERS == 0})
    predicted = pd.DataFrame({"expected_spend": ORDERS, "expected_orders": ORDERS, "next_order_days": DATES})
    assert "orders_mae" not in judge(actual, predicted)
    known = actual.assign(outcome_days=ORDERS, first_order_days=FIRST_DAYS)
    assert "orders_mae" not in judge(known, predicted[["expected_spend"]])
    assert judge(known, predicted)["next_order_by_date"] == 0.5
