"""The linear member: the mixture that made the spend, and never less than nothing."""

import numpy as np
import pytest
from simulated import customers, in_currency

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


def test_the_linear_member_counts_in_the_currency_of_the_log(known):
    X, spend, _ = known
    once, hundred = (LinearMember(90).fit(in_currency(X, by), spend * by) for by in (1.0, 100.0))
    assert hundred.coefficients_ == pytest.approx(once.coefficients_, rel=1e-9, abs=1e-12)
    assert hundred.predict(in_currency(X, 100.0)) == pytest.approx(once.predict(X) * 100.0, rel=1e-9)


def test_the_linear_member_expects_the_same_of_a_customer_in_any_batch(known):
    X, spend, _ = known
    model, some = LinearMember(90).fit(X, spend), X.iloc[:100]
    for size in (1, 7, 64):
        parts = [model.predict(some.iloc[i : i + size]) for i in range(0, 100, size)]
        assert np.array_equal(np.concatenate(parts), model.predict(some)), size


def test_the_linear_member_is_the_least_weighted_square_that_no_coefficient_betters(known):
    X, spend, _ = known
    model = LinearMember(90).fit(X, spend)
    guess = X["btyd_spend"] + 0.5 * X["spend_decay_365"] * 90 / 365 + 0.1 * X["btyd_spend"].mean()

    def loss(coefficients):
        changed = LinearMember.from_dict(model.to_dict())
        changed.coefficients_ = coefficients
        return float((guess**-1.5 * (changed.predict(X) - spend) ** 2).sum())

    least = loss(model.coefficients_)
    for place in range(len(TERMS)):
        for by in (-1e-3, 1e-3):
            other = model.coefficients_.copy()
            other[place] = max(other[place] + by, 0.0)
            assert loss(other) >= least, TERMS[place]


def test_a_season_that_no_row_knew_decides_nothing_once_it_is_known(known):
    X, spend, _ = known
    for by in (1.0, 3.0, 128.0, 1e-3):
        model = LinearMember(90).fit(in_currency(X.assign(season_spend=np.nan), by), spend * by)
        assert dict(zip(TERMS, model.coefficients_, strict=True))["season"] == 0.0
        assert np.array_equal(model.predict(X), model.predict(X.assign(season_spend=1e6)))
