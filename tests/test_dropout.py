"""BG/NBD and MBG/NBD against the process they describe, in integrals, closed forms and simulation."""

from math import exp

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import dblquad
from scipy.optimize import approx_fprime
from scipy.special import beta, gamma, hyp2f1

from models.dropout import BGNBD, MBGNBD
from models.dropout_likelihood import DropoutLikelihood

HISTORIES = [(0, 0.0, 30.0), (1, 4.0, 30.0), (2, 30.43, 38.86), (6, 20.0, 38.86), (29, 38.0, 38.86)]
SMOOTH = {"r_": 1.6, "alpha_": 7.0, "a_": 1.3, "b_": 2.4}
both_models = pytest.mark.parametrize("model", [BGNBD, MBGNBD])


def given_parameters(model, **parameters):
    """Return a model as if it had been fitted to these parameters."""
    for name, value in parameters.items():
        setattr(model, name, value)
    return model


def columns(rows):
    return tuple(np.array(rows, dtype=float).T)


def joint(model, x, t_x, T, *, alive):
    """Integrate a history's likelihood over lambda and p, only while alive if asked; written from the process."""
    chances = x + (1 if model is MBGNBD else 0)
    r, alpha, a, b = SMOOTH.values()

    def density(p, rate):
        survived = rate**x * exp(-rate * T) * (1 - p) ** chances
        left = rate**x * exp(-rate * t_x) * p * (1 - p) ** (chances - 1) if chances and not alive else 0
        return (survived + left) * rate ** (r - 1) * exp(-alpha * rate) * p ** (a - 1) * (1 - p) ** (b - 1)

    return dblquad(density, 0, 4, 0, 1, epsabs=0, epsrel=1e-5)[0] * alpha**r / gamma(r) / beta(a, b)


@both_models
@pytest.mark.parametrize("row", HISTORIES[:3])
def test_the_likelihood_and_the_odds_of_dropout_come_from_integrating_the_process(model, row):
    likelihood = DropoutLikelihood(columns([row]), np.ones(1), model.first_chance)
    integral = joint(model, *row, alive=False)
    assert likelihood(np.log(list(SMOOTH.values())))[0] == pytest.approx(np.log(integral), abs=1e-4)
    alive = given_parameters(model(), **SMOOTH).probability_alive(*columns([row]))
    assert alive == pytest.approx(joint(model, *row, alive=True) / integral, rel=1e-4)


@both_models
@pytest.mark.parametrize("theta", [(0.3, 0.3, 0.3, 0.3), (-1.4, 1.5, -0.2, 0.9), (2.0, -1.0, 3.0, -3.0)])
def test_the_gradient_equals_finite_differences(model, theta):
    likelihood = DropoutLikelihood(columns(HISTORIES), np.arange(1.0, 6.0), model.first_chance)
    numerical = approx_fprime(np.array(theta), lambda at: likelihood(at)[0], 1e-6)
    assert likelihood(np.array(theta))[1] == pytest.approx(numerical, rel=1e-3, abs=1e-4)


@pytest.mark.parametrize("horizon", [0.1, 4.0, 39.0, 200.0])
def test_expected_purchases_of_bg_nbd_equal_the_hypergeometric_form(horizon):
    x, t_x, T = columns(HISTORIES)
    r, alpha, a, b = 0.243, 4.414, 0.793, 2.426
    model = given_parameters(BGNBD(), r_=r, alpha_=alpha, a_=a, b_=b)
    series = hyp2f1(r + x, b + x, a + b + x - 1, horizon / (alpha + T + horizon))
    top = (a + b + x - 1) / (a - 1) * (1 - ((alpha + T) / (alpha + T + horizon)) ** (r + x) * series)
    dead = np.where(x > 0, a / np.where(x > 0, b + x - 1, 1) * ((alpha + T) / (alpha + t_x)) ** (r + x), 0)
    assert model.expected_purchases(horizon, x, t_x, T) == pytest.approx(top / (1 + dead), rel=5e-5)


def simulate(first_chance, T, horizon, size=150_000):
    """Live through T + horizon weeks; return x, t_x and the purchases that fall in the horizon."""
    random = np.random.default_rng(20)
    rate = random.gamma(SMOOTH["r_"], 1 / SMOOTH["alpha_"], size)
    p = random.beta(SMOOTH["a_"], SMOOTH["b_"], size)
    x, t_x, later, now = np.zeros(size), np.zeros(size), np.zeros(size), np.zeros(size)
    alive = random.random(size) >= p * first_chance
    while alive.any():
        now[alive] += random.exponential(1 / rate[alive])
        alive &= now <= T + horizon
        before, after = alive & (now <= T), alive & (now > T)
        x[before] += 1
        t_x[before] = now[before]
        later[after] += 1
        alive &= random.random(size) >= p
    return x, t_x, later


@both_models
def test_predictions_are_right_on_average_for_simulated_customers_of_any_frequency(model):
    T, horizon = 30.0, 20.0
    x, t_x, later = simulate(model.first_chance, T, horizon)
    fitted = given_parameters(model(), **SMOOTH)
    orders = fitted.expected_purchases(horizon, x, t_x, np.full(len(x), T))
    active = fitted.probability_active(horizon, x, t_x, np.full(len(x), T))
    for group in (x == 0, x == 1, x == 2, x > 2, (x > 2) & (t_x < 15)):
        for error in ((later - orders)[group], ((later > 0) - active)[group]):
            assert abs(error.mean()) < 4 * error.std() / np.sqrt(group.sum())
    assert (orders.mean(), active.mean()) == pytest.approx((later.mean(), (later > 0).mean()), rel=0.02)


@st.composite
def any_history(draw):
    T = draw(st.floats(0, 2000))
    t_x = draw(st.floats(0, 1)) * T
    return float(draw(st.integers(0, 5000))), t_x, T


any_parameters = st.tuples(*[st.floats(-7, 7).map(np.exp)] * 4).map(lambda four: dict(zip(SMOOTH, four, strict=True)))


@both_models
@given(any_parameters, any_history(), st.floats(1e-6, 500), st.floats(1.01, 3))
def test_predictions_are_possible_whatever_the_parameters(model, parameters, row, horizon, longer):
    fitted, row = given_parameters(model(), **parameters), columns([row])
    alive, active = fitted.probability_alive(*row)[0], fitted.probability_active(horizon, *row)[0]
    orders, more = (fitted.expected_purchases(h, *row)[0] for h in (horizon, horizon * longer))
    assert 0 <= active <= alive <= 1
    assert active * (1 - 1e-3) <= orders <= more * (1 + 1e-12)
    assert active <= fitted.probability_active(horizon * longer, *row)[0] * (1 + 1e-12)


@both_models
def test_more_is_expected_of_a_longer_horizon(model):
    fitted, row = given_parameters(model(), **SMOOTH), columns(HISTORIES)
    horizons = (0, 1 / 7, 1, 13, 52, 520)
    for predict in (fitted.expected_purchases, fitted.probability_active):
        assert (np.diff([predict(horizon, *row) for horizon in horizons], axis=0) > 0).all()


@both_models
def test_nobody_buys_in_no_time_and_the_rate_is_that_of_the_living(model):
    fitted, (x, t_x, T) = given_parameters(model(), **SMOOTH), columns(HISTORIES)
    assert (fitted.expected_purchases(0, x, t_x, T) == 0).all()
    assert (fitted.probability_active(0, x, t_x, T) == 0).all()
    rate = fitted.probability_alive(x, t_x, T) * (SMOOTH["r_"] + x) / (SMOOTH["alpha_"] + T)
    assert fitted.expected_purchases(1e-9, x, t_x, T) / 1e-9 == pytest.approx(rate, rel=1e-5)


def test_customers_who_never_drop_out_buy_at_their_rate():
    fitted = given_parameters(MBGNBD(), r_=1.0, alpha_=2.0, a_=np.exp(-7), b_=np.exp(7))
    for horizon in (3, 1e-9):
        expected = fitted.expected_purchases(horizon, [4], [10], [10])
        assert expected == pytest.approx([(1 + 4) * horizon / (2 + 10)], rel=1e-4)


def test_only_mbg_nbd_lets_a_one_time_buyer_drop_out():
    never_back = ([0], [0], [100])
    assert given_parameters(BGNBD(), **SMOOTH).probability_alive(*never_back) == [1]
    assert given_parameters(MBGNBD(), **SMOOTH).probability_alive(*never_back) < 0.1


def test_predictions_do_not_depend_on_who_else_is_predicted():
    random = np.random.default_rng(0)
    T = random.uniform(0, 100, 20_000)
    rows = (random.poisson(2, len(T)).astype(float), T * random.random(len(T)), T)
    together = given_parameters(MBGNBD(), **SMOOTH).expected_purchases(13, *rows)
    alone = [given_parameters(MBGNBD(), **SMOOTH).expected_purchases(13, *(c[i : i + 1] for c in rows)) for i in (0, 9)]
    assert together[[0, 9]] == pytest.approx(np.concatenate(alone), rel=1e-13)


@both_models
def test_weights_equal_repetition_and_the_order_of_rows_is_nothing(model):
    x, t_x, _ = (column[:400] for column in simulate(1, 30.0, 0.0, size=400))
    T = np.linspace(30, 40, 400)
    times = np.arange(400) % 4
    weighted = model().fit(x, t_x, T, weights=times)
    order = np.random.default_rng(0).permutation(times.sum())
    repeated = model().fit(*(np.repeat(column, times)[order] for column in (x, t_x, T)))
    assert vars(weighted) == vars(repeated)
    assert vars(weighted) != vars(model().fit(x, t_x, T))


@both_models
@pytest.mark.parametrize("penalty", [1e-4, 0.1])
def test_the_fit_is_stationary_where_the_likelihood_pulls_as_hard_as_the_penalty(model, penalty):
    x, t_x, _ = simulate(model.first_chance, 30.0, 0.0, size=400)
    rows = (x, t_x, np.full(len(x), 30.0))
    fitted = model(penalty).fit(*rows)
    theta = np.log([fitted.r_, fitted.alpha_, fitted.a_, fitted.b_])
    likelihood = DropoutLikelihood(rows, np.ones(len(x)), model.first_chance)
    assert likelihood(theta)[1] == pytest.approx(2 * penalty * theta, abs=2e-6)
    assert fitted.log_likelihood_ == pytest.approx(likelihood(theta)[0] * len(x))


@both_models
@pytest.mark.parametrize(
    "rows",
    [
        [(0, 0, 0)],
        [(0, 0, 0)] * 9,
        [(0, 0, week) for week in range(50)],
        [(5, 10, 10)],
        [(100, 100, 100)] * 20,
        [(1, 1 / 7, 1000)] * 20,
        [(1_000_000, 100, 100), (100_000, 100, 101), (0, 0, 200)],
    ],
    ids=["first day", "all on their first day", "one-time buyers", "one customer", "loyal", "all gone", "huge counts"],
)
@pytest.mark.parametrize("penalty", [0, 1e-4])
def test_the_fit_never_fails(model, rows, penalty):
    fitted = model(penalty).fit(*columns(rows), weights=np.full(len(rows), 1e6))
    orders = fitted.expected_purchases(13, *columns(rows))
    assert np.isfinite([fitted.r_, fitted.alpha_, fitted.a_, fitted.b_, fitted.log_likelihood_]).all()
    assert (np.isfinite(orders) & (orders >= 0)).all()


@both_models
def test_parameters_stay_within_seven_on_the_log_scale(model):
    fitted = model(penalty=0).fit([100] * 9, [100] * 9, [100] * 9)
    assert (fitted.r_, fitted.alpha_, fitted.b_ / fitted.a_) == pytest.approx((exp(7), exp(7), exp(14)))


def test_regular_buyers_are_expected_to_go_on_and_lost_ones_are_not():
    assert MBGNBD().fit([100] * 9, [100] * 9, [100] * 9).expected_purchases(13, [100], [100], [100]) > 12
    assert MBGNBD().fit([1] * 9, [1] * 9, [1000] * 9).expected_purchases(13, [1], [1], [1000]) < 0.01


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([(1, 5, 4)], "t_x must not exceed T, found t_x 5.0 and T 4.0 in row 0"),
        ([(0, 0, 4), (-1, 0, 4)], "x must be finite and not negative, found -1.0 in row 1"),
        ([(0.5, 1, 4)], "x must count purchase days, found 0.5 in row 0"),
        ([(0, 0, np.nan)], "T must be finite and not negative, found nan in row 0"),
    ],
)
def test_impossible_histories_are_refused(rows, message):
    with pytest.raises(ValueError, match=message):
        MBGNBD().fit(*columns(rows))


def test_a_fit_without_customers_and_a_negative_horizon_are_refused():
    with pytest.raises(ValueError, match="at least one customer"):
        MBGNBD().fit([0], [0], [1], weights=[0])
    with pytest.raises(ValueError, match="found 1 for 2 rows"):
        MBGNBD().fit([0, 0], [0, 0], [1, 1], weights=[1])
    with pytest.raises(ValueError, match="one length"):
        MBGNBD().fit([0, 0], [0], [1])
    with pytest.raises(ValueError, match="horizon"):
        given_parameters(BGNBD(), **SMOOTH).expected_purchases(-1, [0], [0], [1])


def test_a_search_that_begins_with_a_sketch_ends_where_one_over_everybody_does(monkeypatch):
    rng = np.random.default_rng(3)
    T = rng.integers(7, 700, 60_000) / 7
    x = np.minimum(rng.poisson(rng.gamma(0.6, 0.15, len(T)) * T), 200)
    t_x = np.where(x > 0, T * rng.uniform(0.05, 1, len(T)), 0)
    sketched = BGNBD().fit(x, t_x, T)
    monkeypatch.setattr("models.likelihood.SKETCHED", 1_000_000)
    whole = BGNBD().fit(x, t_x, T)
    assert sketched.log_likelihood_ == pytest.approx(whole.log_likelihood_, rel=1e-8)
    for name in ("r_", "alpha_", "a_", "b_"):
        assert getattr(sketched, name) == pytest.approx(getattr(whole, name), rel=1e-3)
        assert getattr(sketched, name) != getattr(whole, name)
