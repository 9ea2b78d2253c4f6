"""The booster: trees on top of an offset that keeps the level."""

import numpy as np
import pytest
from simulated import customers

from models.booster import OffsetBooster, blanked


@pytest.fixture(scope="module")
def known():
    return customers(3_000)


@pytest.mark.parametrize("objective", ["tweedie", "poisson", "binary"])
def test_a_booster_corrects_nothing_where_no_leaf_can_grow(objective):
    X, _, orders = customers(150)
    target = (orders > 0).astype(float)
    booster = OffsetBooster(objective, threads=1).fit(X.to_numpy(), target, np.zeros(150))
    assert not booster.correction(X.to_numpy()).any()


@pytest.mark.parametrize("objective", ["tweedie", "poisson", "binary"])
def test_a_booster_corrects_nothing_where_nobody_did_anything(objective):
    X, _, _ = customers(1_000)
    booster = OffsetBooster(objective, 5, threads=1).fit(X.to_numpy(), np.zeros(1_000), X["mood"].to_numpy())
    assert not booster.correction(X.to_numpy()).any()


def test_a_booster_lets_the_offset_set_the_level():
    # What all customers share, here a doubled level in the offset, is not learnt again by the trees.
    X, _, orders = customers(3_000)
    offset = np.log(X["btyd_orders"].to_numpy())
    corrections = [
        OffsetBooster("poisson", 40, threads=1).fit(X.to_numpy(), orders * by, offset + np.log(by)) for by in (1, 2)
    ]
    once, twice = (booster.correction(X.to_numpy()).mean() for booster in corrections)
    assert once == pytest.approx(twice, abs=0.01)
    assert abs(once) < 0.05


def test_a_booster_survives_as_text_to_the_last_bit(known):
    X, spend, _ = known
    booster = OffsetBooster(trees=40, threads=1).fit(X.to_numpy(), spend, np.zeros(len(X)))
    again = OffsetBooster.from_text(booster.to_text(), objective="tweedie")
    assert np.array_equal(again.correction(X.to_numpy()), booster.correction(X.to_numpy()))


def test_a_row_of_twice_the_weight_counts_as_two():
    X, spend, _ = customers(1_000)
    matrix, spend = X.to_numpy(), spend / spend.mean()
    plain = {"bagging_fraction": 1.0, "feature_fraction": 1.0}
    fit = {"threads": 1, "trees": 10, "boosting": plain}
    weight = np.where(np.arange(1_000) % 2 > 0, 2.0, 1.0)
    weighted = OffsetBooster(**fit).fit(matrix, spend, np.zeros(1_000), weight=weight)
    unweighted = OffsetBooster(**fit).fit(matrix, spend, np.zeros(1_000))
    same = OffsetBooster(**fit).fit(matrix, spend, np.zeros(1_000), weight=np.ones(1_000))
    assert np.array_equal(same.correction(matrix), unweighted.correction(matrix))
    twice = OffsetBooster(**fit).fit(
        np.repeat(matrix, weight.astype(int), axis=0), np.repeat(spend, weight.astype(int)), np.zeros(1_500)
    )
    # Leaves of at least a hundred rows count copies too, and bins are drawn from them: alike, not the same.
    found = [np.corrcoef(model.correction(matrix), twice.correction(matrix))[0, 1] for model in (weighted, unweighted)]
    assert found[0] > max(0.95, found[1])


def test_unused_columns_are_never_split_on_and_the_rest_is_as_it_was(known):
    X, spend, _ = known
    names, matrix = list(X.columns), X.to_numpy()
    assert blanked(matrix, names, []) is matrix
    seen = blanked(matrix, names, ["mood", "btyd_spend", "not there"])
    np.testing.assert_array_equal(seen, X.assign(mood=0.0, btyd_spend=0.0).to_numpy())
    booster = OffsetBooster(trees=40, threads=1).fit(seen, spend / spend.mean(), np.zeros(len(X)))
    used = dict(zip(names, booster.booster_.feature_importance(), strict=True))
    assert used["mood"] == used["btyd_spend"] == 0
    assert sum(used.values()) > 0


def test_lightgbms_parameters_can_be_set(known):
    X, spend, _ = known
    booster = OffsetBooster(trees=3, threads=1, boosting={"num_leaves": 3}).fit(X.to_numpy(), spend, np.zeros(len(X)))
    assert {tree["num_leaves"] for tree in booster.booster_.dump_model()["tree_info"]} == {3}
