"""The ridge correction: the least penalised loss on top of an offset, whatever the features look like."""

import json

import numpy as np
import pytest
from scipy.special import expit
from sklearn.linear_model import LogisticRegression, TweedieRegressor

from models.ridge import LARGEST_CORRECTION, PENALTY, OffsetRidge

BOTH = ["tweedie", "binary"]
CURVED = (0, 2)


def rows(n=400, seed=0):
    """Return features of several sizes, some missing, with an offset and what it does not know."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 5)) * [1.0, 1e-3, 50.0, 1.0, 1e6]
    X[:, 4] = np.abs(X[:, 4])
    X[rng.random(n) < 0.2, 1] = np.nan
    return X, rng.normal(-0.5, 0.8, n), 0.4 * X[:, 0] + 0.004 * X[:, 2]


def outcomes(objective, link, seed=1):
    """Return what happens to customers with these expectations, on the link scale."""
    rng = np.random.default_rng(seed)
    if objective == "binary":
        return (rng.random(len(link)) < expit(link)).astype(float)
    return rng.poisson(np.exp(link)) * rng.gamma(2.0, 0.5, len(link))


def fitted(objective, n=400, seed=0, curved=CURVED):
    X, offset, more = rows(n, seed)
    y = outcomes(objective, offset + more)
    return OffsetRidge(objective).fit(X, y, offset, curved), X, y, offset


def penalised_loss(model, X, y, offset, coefficients):
    """Return the mean loss plus the penalty on all but the constant, from their definitions."""
    link = offset + model._inputs(X) @ coefficients
    if model.objective == "binary":
        loss = -np.mean(np.where(y > 0, np.log(expit(link)), np.log(expit(-link))))
    else:
        loss = np.mean(2 * np.exp(link) ** 0.5 + 2 * y / np.exp(link) ** 0.5)
    return loss + PENALTY[model.objective] * np.sum(coefficients[:-1] ** 2)


def slopes(model, X, y, offset):
    """Return the gradient of the penalised loss at the solution, by differences."""
    steps = 1e-5 * np.eye(len(model.coefficients_))
    at = model.coefficients_
    return np.array(
        [
            (penalised_loss(model, X, y, offset, at + step) - penalised_loss(model, X, y, offset, at - step)) / 2e-5
            for step in steps
        ]
    )


@pytest.mark.parametrize("objective", BOTH)
def test_at_the_solution_no_coefficient_is_better_a_little_higher_or_lower(objective):
    model, X, y, offset = fitted(objective)
    assert np.abs(slopes(model, X, y, offset)).max() < 1e-6
    assert np.abs(model.coefficients_).max() > 0.1


@pytest.mark.parametrize("objective", BOTH)
@pytest.mark.parametrize("level", [-9.0, 9.0])
def test_an_offset_far_from_the_truth_is_found_back_from(objective, level):
    # From there a whole Newton step overshoots.
    X, offset, more = rows()
    y = outcomes(objective, offset + more)
    model = OffsetRidge(objective).fit(X, y, offset + level)
    assert np.abs(slopes(model, X, y, offset + level)).max() < 1e-6
    assert model.coefficients_[-1] == pytest.approx(-level, abs=2.0)


def test_without_an_offset_it_is_scikit_learns_logistic_ridge():
    model, X, y, _ = fitted("binary")
    model = OffsetRidge("binary").fit(X, y, np.zeros(len(y)), CURVED)
    inputs = model._inputs(X)[:, :-1]
    oracle = LogisticRegression(C=1 / (2 * len(y) * PENALTY["binary"]), tol=1e-9, max_iter=10_000).fit(inputs, y)
    assert model.coefficients_ == pytest.approx([*oracle.coef_[0], *oracle.intercept_], abs=1e-4)


def test_without_an_offset_it_is_scikit_learns_tweedie_ridge():
    _, X, y, _ = fitted("tweedie")
    model = OffsetRidge("tweedie").fit(X, y, np.zeros(len(y)), CURVED)
    inputs = model._inputs(X)[:, :-1]
    oracle = TweedieRegressor(power=1.5, alpha=2 * PENALTY["tweedie"], link="log", tol=1e-9, max_iter=10_000)
    oracle.fit(inputs, y)
    assert model.coefficients_ == pytest.approx([*oracle.coef_, oracle.intercept_], abs=1e-4)


@pytest.mark.parametrize("objective", BOTH)
def test_what_the_offset_knows_already_is_not_learnt_again(objective):
    X, offset, more = rows(4_000)
    y = outcomes(objective, offset + more)
    knowing = OffsetRidge(objective).fit(X, y, offset + more)
    unknowing = OffsetRidge(objective).fit(X, y, offset)
    assert np.std(knowing.correction(X)) < 0.4 * np.std(unknowing.correction(X))
    assert np.corrcoef(unknowing.correction(X), more)[0, 1] > 0.9


@pytest.mark.parametrize("objective", BOTH)
def test_the_unit_of_a_feature_plays_no_part(objective):
    model, X, y, offset = fitted(objective)
    again = OffsetRidge(objective).fit(X * [128.0, 1.0, 0.01, 1e6, 1e-6], y, offset, CURVED)
    assert again.coefficients_ == pytest.approx(model.coefficients_, abs=1e-9)


@pytest.mark.parametrize("objective", BOTH)
def test_columns_that_say_nothing_get_no_coefficient_and_change_no_other(objective):
    model, X, y, offset = fitted(objective, curved=())
    n = len(X)
    idle = np.column_stack([X, np.full(n, 7.0), np.zeros(n), np.full(n, np.nan)])
    again = OffsetRidge(objective).fit(idle, y, offset)
    assert again.correction(idle) == pytest.approx(model.correction(X), abs=1e-6)
    assert again.coefficients_[[5, 6, 7]] == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("objective", BOTH)
@pytest.mark.parametrize("n", [2, 3, 10])
def test_fewer_rows_than_features_are_no_difficulty(objective, n):
    model, X, y, offset = fitted(objective, n)
    assert np.isfinite(model.coefficients_).all()
    assert np.abs(slopes(model, X, y, offset)).max() < 1e-5


@pytest.mark.parametrize("objective", BOTH)
def test_where_everybody_did_the_same_the_answer_is_finite(objective):
    X, offset, _ = rows(200)
    for y in (np.zeros(200), np.ones(200)):
        assert np.isfinite(OffsetRidge(objective).fit(X, y, offset).correction(X)).all()


@pytest.mark.parametrize("objective", BOTH)
def test_a_value_missing_where_none_was_in_training_counts_as_the_usual_one(objective):
    model, X, _, _ = fitted(objective)
    usual = X[:1].copy()
    # The value whose transform is the mean of the transforms.
    mean, median = model.shape_["mean"][3], model.shape_["median"][3]
    usual[0, 3] = np.sign(mean) * np.expm1(abs(mean)) * median
    missing = usual.copy()
    missing[0, 3] = np.nan
    assert model.correction(missing) == pytest.approx(model.correction(usual))


@pytest.mark.parametrize("objective", BOTH)
def test_that_a_value_is_missing_is_learnt_from_where_values_were(objective):
    X, offset, _ = rows(2_000)
    missing = np.isnan(X[:, 1])
    model = OffsetRidge(objective).fit(X, outcomes(objective, offset + 1.0 * missing), offset)
    found = model.correction(X)
    assert found[missing].mean() - found[~missing].mean() > 0.4


def test_a_curved_feature_bends_and_a_straight_one_does_not():
    X, offset, _ = rows(4_000)
    valley = np.abs(X[:, 0]) - 0.8
    y = outcomes("binary", offset + valley)
    gained = [
        np.corrcoef(OffsetRidge("binary").fit(X, y, offset, curved).correction(X), valley)[0, 1]
        for curved in ((), (0,))
    ]
    assert gained[0] < 0.3
    assert gained[1] > 0.8


def test_a_correction_of_spend_is_at_most_a_doubling_or_halving_and_one_of_log_odds_is_free():
    X, offset, more = rows()
    for objective, by in (("tweedie", 5.0), ("binary", 20.0)):
        model = OffsetRidge(objective).fit(X, outcomes(objective, offset + by * np.clip(more, -0.5, 0.5)), offset)
        found = np.abs(model.correction(X)).max()
        limit = LARGEST_CORRECTION["tweedie"]
        assert found == limit if objective == "tweedie" else found > 2 * limit


@pytest.mark.parametrize("objective", BOTH)
def test_a_customer_beyond_all_others_is_not_extrapolated_to(objective):
    model, X, _, _ = fitted(objective)
    far, further = X[:1].copy(), X[:1].copy()
    far[0, [0, 2, 4]], further[0, [0, 2, 4]] = [1e9, 1e9, 1e30], [1e12, 1e15, 1e40]
    assert np.array_equal(model.correction(far), model.correction(further))


@pytest.mark.parametrize("objective", BOTH)
def test_a_correction_depends_on_no_other_row_of_the_question(objective):
    model, X, _, _ = fitted(objective)
    whole = model.correction(X)
    assert np.array_equal(model.correction(X[::-1])[::-1], whole)
    assert np.array_equal(model.correction(np.asfortranarray(X)), whole)
    for size in (1, 2, 7, 64):
        for rows_of in (X, np.asfortranarray(X)):
            parts = [model.correction(rows_of[i : i + size]) for i in range(0, len(X), size)]
            assert np.array_equal(np.concatenate(parts), whole), size


@pytest.mark.parametrize("objective", BOTH)
@pytest.mark.parametrize("curved", [(), CURVED])
def test_a_ridge_survives_as_json_to_the_last_bit(objective, curved):
    model, X, _, _ = fitted(objective, curved=curved)
    again = OffsetRidge.from_dict(json.loads(json.dumps(model.to_dict(), allow_nan=False)))
    assert again.objective == objective
    assert np.array_equal(again.correction(X), model.correction(X))


@pytest.mark.parametrize("objective", BOTH)
def test_columns_that_are_not_used_are_as_if_they_were_not_there(objective):
    model, X, y, offset = fitted(objective)
    rng = np.random.default_rng(5)
    wide = np.column_stack([rng.normal(size=len(X)), X, np.full(len(X), np.nan)])
    again = OffsetRidge(objective).fit(wide, y, offset, [place + 1 for place in CURVED], range(1, X.shape[1] + 1))
    assert np.array_equal(again.correction(wide), model.correction(X))
