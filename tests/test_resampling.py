"""Resampling: the metrics that everything is judged by, on customers drawn anew, the same ones for every prediction."""

import numpy as np
import pandas as pd
import pytest

from training.metrics import judge
from training.promotion.resampling import METRICS, Resampling

FEW, MANY = 300, 2_000


def population(n, seed=0, noise=0.5):
    """Return customers whose spend is skewed and mostly nothing, and predictions of it with some error."""
    rng = np.random.default_rng(seed)
    rate, value = rng.gamma(0.5, 1.0, n), rng.lognormal(3.0, 0.8, n)
    orders = rng.poisson(rate)
    index = pd.Index([f"c{i:05d}" for i in range(n)], name="customer_id")
    actual = pd.DataFrame({"net_spend": orders * value, "churned": orders == 0}, index=index)
    guess = rate * np.exp(noise * rng.normal(size=n))
    return actual, pd.DataFrame({"expected_spend": guess * value, "churn_probability": np.exp(-guess)}, index=index)


def figures(actual, predicted):
    judged = judge(actual, predicted)
    return {name: judged[name] for name in METRICS} | {"bias": abs(judged["bias"])}


@pytest.fixture(scope="module")
def many():
    actual, predicted = population(MANY)
    return actual, predicted, Resampling().metrics(actual, predicted)


def test_the_first_draw_is_everybody_and_its_metrics_are_those_of_the_evaluation():
    actual, predicted = population(FEW)
    found = Resampling(draws=1).metrics(actual, predicted)
    assert {name: values[0] for name, values in found.items()} == pytest.approx(figures(actual, predicted), rel=1e-9)


def test_ranks_of_more_customers_than_bins_lose_next_to_nothing(many):
    actual, predicted, found = many
    assert {name: values[0] for name, values in found.items()} == pytest.approx(figures(actual, predicted), abs=2e-3)


def test_tied_predictions_share_a_rank():
    actual, predicted = population(FEW)
    tied = predicted.assign(expected_spend=predicted["expected_spend"].round(-1), churn_probability=0.5)
    found = Resampling(draws=1).metrics(actual, tied)
    assert found["gini"][0] == pytest.approx(judge(actual, tied)["gini"], rel=1e-9)
    assert found["auc"][0] == pytest.approx(0.5, abs=1e-12)


@pytest.mark.slow
def test_the_spread_is_that_over_customers_drawn_one_by_one(many):
    actual, predicted, found = many
    rng = np.random.default_rng(1)
    drawn = []
    for _ in range(100):
        rows = rng.integers(0, MANY, MANY)
        drawn.append(figures(actual.iloc[rows], predicted.iloc[rows]))
    expected = pd.DataFrame(drawn).std()
    spread = {name: values[1:].std() for name, values in found.items()}
    assert spread == pytest.approx(expected.to_dict(), rel=0.3)


@pytest.mark.slow
def test_two_predictions_meet_the_same_customers_so_that_their_difference_is_less_noisy_than_either(many):
    actual, predicted, found = many
    other = predicted.assign(expected_spend=predicted["expected_spend"] * 1.02)
    again = Resampling().metrics(actual, other)
    for name in ("mae", "rmse"):
        assert (again[name] - found[name])[1:].std() < 0.2 * found[name][1:].std()
    assert np.array_equal(again["auc"], found["auc"])


def test_neither_the_order_of_rows_nor_the_run_changes_anything():
    actual, predicted = population(FEW)
    mixed = actual.sample(frac=1.0, random_state=0).index
    first = Resampling(draws=50).metrics(actual, predicted)
    again = Resampling(draws=50).metrics(actual.loc[mixed], predicted.loc[mixed])
    for name in METRICS:
        assert again[name] == pytest.approx(first[name], rel=1e-9)


def test_a_customer_who_is_there_at_two_dates_is_drawn_at_both_or_at_neither():
    resampling = Resampling(draws=50)
    actual, predicted = population(FEW)
    rest = actual.index[100:]
    whole, part = (resampling.metrics(actual.loc[i], predicted.loc[i]) for i in (actual.index, rest))
    alone = resampling.metrics(actual.loc[actual.index[:100]], predicted.loc[actual.index[:100]])
    weights = [resampling._sums(np.ones(len(i)), resampling._blocks(actual.loc[i])) for i in (rest, actual.index[:100])]
    both = (part["mae"] * weights[0] + alone["mae"] * weights[1]) / (weights[0] + weights[1])
    assert both == pytest.approx(whole["mae"], rel=1e-9)


@pytest.mark.parametrize(
    ("change", "undefined"),
    [({"net_spend": 0.0}, {"gini", "bias"}), ({"churned": True}, {"auc"}), ({"churned": False}, {"auc"})],
)
def test_what_is_not_defined_is_missing_and_warns_nobody(change, undefined):
    actual, predicted = population(FEW)
    found = Resampling(draws=10).metrics(actual.assign(**change), predicted)
    assert {name for name, values in found.items() if np.isnan(values[0])} == undefined


@pytest.mark.slow
def test_of_two_equally_good_predictions_the_interval_of_the_difference_holds_0_as_often_as_it_should():
    resampling, held = Resampling(draws=200, blocks=200), 0
    for seed in range(40):
        actual, predicted = population(400, seed)
        errors = np.exp(0.3 * np.random.default_rng(1_000 + seed).normal(size=(2, 400)))
        first, second = (
            resampling.metrics(actual, predicted.assign(expected_spend=predicted["expected_spend"] * error))["mae"]
            for error in errors
        )
        low, high = np.quantile((first - second)[1:], [0.025, 0.975])
        held += low <= 0 <= high
    # 95 of 100 are meant; so few as 33 of 40 would come about once in a thousand times.
    assert held > 33
