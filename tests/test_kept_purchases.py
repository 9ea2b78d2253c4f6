"""Kept purchases: what is looked up is what would be worked out, to the last bit, whatever was asked before."""

import numpy as np
import pytest

from models import kept_purchases
from models.dropout import MBGNBD
from models.kept_purchases import KeptPurchases


def fitted(r=0.5):
    model = MBGNBD()
    model.r_, model.alpha_, model.a_, model.b_ = r, 6.0, 0.8, 2.5
    return model


@pytest.fixture
def histories():
    rng = np.random.default_rng(0)
    tenure = rng.integers(0, 500, size=3_000) / 7.0
    return rng.poisson(3, size=3_000).astype(float), tenure * rng.random(3_000), tenure


def test_batches_get_what_all_at_once_would_in_any_order(histories):
    whole, model = fitted().expected_purchases(13, *histories), fitted()
    for rows in (slice(2_000, 3_000), slice(0, 1_500), slice(700, 2_500), slice(0, 3_000)):
        assert np.array_equal(model.expected_purchases(13, *(column[rows] for column in histories)), whole[rows])


def test_each_horizon_and_parameter_has_its_own(histories):
    model = fitted()
    model.expected_purchases(13, *histories)
    assert np.array_equal(model.expected_purchases(26, *histories), fitted().expected_purchases(26, *histories))
    model.r_ = 0.9
    assert np.array_equal(model.expected_purchases(13, *histories), fitted(0.9).expected_purchases(13, *histories))


def test_a_history_is_worked_out_once():
    asked = []

    def work_out(new):
        asked.append(new.tolist())
        return new.real + new.imag

    kept = KeptPurchases()
    assert kept((1.0,), np.array([1 + 2j, 3 + 1j]), work_out).tolist() == [3.0, 4.0]
    assert kept((1.0,), np.array([0 + 5j, 1 + 2j, 2 + 2j]), work_out).tolist() == [5.0, 3.0, 4.0]
    assert kept((1.0,), np.array([0j + 5j, 3 + 1j]), work_out).tolist() == [5.0, 4.0]
    assert asked == [[1 + 2j, 3 + 1j], [0 + 5j, 2 + 2j]]


def test_more_than_fit_are_worked_out_all_the_same(monkeypatch, histories):
    whole, model = fitted().expected_purchases(13, *histories), fitted()
    monkeypatch.setattr(kept_purchases, "MOST", 100)
    for _ in range(2):
        assert np.array_equal(model.expected_purchases(13, *histories), whole)
