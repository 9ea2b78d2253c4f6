"""The linear member: the mixture that made the spend, and never less than nothing."""

import numpy as np
import pytest
from simulated import customers

from models.linear import TERMS, LinearMember


@pytest.fixture(scope="module")
def known():
    return customers(3_000)


def test_the_linear_member_finds_the_mixture_that_made_the_spend():
    X, _, _ = customers(400)
    spend = 0.4 * X["btyd_spend"] + 0.3 * X["spend_window_1"] + 0.2 * X["season_spend"].fillna(X["btyd_spend"])
    model = LinearMember(90).fit(X, spend.to_numpy())
    found = dict(zip(TERMS, model.coefficients_, strict=True))
    assert {name: share for name, share in found.items() if share > 1e-6} == pytest.approx(
        {"btyd_spend": 0.4, "window 1": 0.3, "season": 0.2}
    )
    assert model.predict(X) == pytest.approx(spend.to_numpy())


def test_the_linear_member_turns_decayed_spend_into_spend_of_the_horizon():
    X, _, _ = customers(400)
    model = LinearMember(60).fit(X, (0.7 * X["spend_decay_120"] * 60 / 120).to_numpy())
    assert dict(zip(TERMS, model.coefficients_, strict=True))["rate 120"] == pytest.approx(0.7)


def test_the_linear_member_never_expects_less_than_nothing(known):
    X, spend, _ = known
    model = LinearMember(90).fit(X, spend)
    assert (model.coefficients_ >= 0).all()
    refunds = X.assign(**{name: -1e6 for name in X if name.startswith(("spend_", "monetary"))})
    assert (model.predict(refunds) >= 0).all()


def test_the_linear_member_survives_as_plain_data(known):
    X, spend, _ = known
    model = LinearMember(90).fit(X, spend)
    assert np.array_equal(LinearMember.from_dict(model.to_dict()).predict(X), model.predict(X))
