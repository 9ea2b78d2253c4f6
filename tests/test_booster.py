"""The booster: trees on top of an offset that keeps the level."""

import numpy as np
import pytest
from simulated import customers

from models.booster import OffsetBooster


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
