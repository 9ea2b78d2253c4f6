"""Gamma-Gamma against integrals, simulation, and amounts that leave nothing to estimate."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import approx_fprime
from scipy.stats import gamma

from models.gamma_gamma import GammaGamma, SpendLikelihood


@pytest.mark.parametrize(("n", "m"), [(1, 0.5), (2, 30.0), (7, 55.0)])
def test_the_value_and_the_likelihood_come_from_integrating_over_the_scale(n, m):
    p, q, scale = 6.25, 3.74, 15.44

    def integrate(of):
        def density(nu):
            return of(nu) * gamma.pdf(m, p * n, scale=1 / (n * nu)) * gamma.pdf(nu, q, scale=1 / scale)

        return quad(density, 0, 8, points=[0.05, 0.3, 1], limit=200)[0]

    evidence = integrate(lambda nu: 1)
    model = GammaGamma()
    model.p_, model.q_, model.gamma_ = p, q, scale
    assert model.expected_value([n], [m]) == pytest.approx(integrate(lambda nu: p / nu) / evidence, rel=1e-5)
    likelihood = SpendLikelihood(np.array([n * 1.0]), np.array([m]), np.ones(1))
    assert likelihood(np.log([p, q - 1, scale]))[0] == pytest.approx(np.log(evidence), abs=1e-5)


@pytest.mark.parametrize("theta", [(0.3, 0.3, 0.3), (-1.4, 1.5, -0.2), (2.0, -1.0, 3.0)])
def test_the_gradient_equals_finite_differences(theta):
    n, m = np.array([1, 2, 2, 3, 9.0]), np.array([0.2, 1, 1.1, 4, 0.7])
    likelihood = SpendLikelihood(n, m, np.arange(1.0, 6.0))
    numerical = approx_fprime(np.array(theta), lambda at: likelihood(at)[0], 1e-6)
    assert likelihood(np.array(theta))[1] == pytest.approx(numerical, rel=1e-3, abs=1e-4)


def test_the_fit_recovers_the_parameters_of_simulated_customers():
    random = np.random.default_rng(4)
    n = random.integers(1, 9, 40_000)
    m = random.gamma(6.25 * n, 1 / (n * random.gamma(3.74, 1 / 15.44, len(n))))
    model = GammaGamma().fit(n, m)
    assert (model.p_, model.q_, model.gamma_) == pytest.approx((6.25, 3.74, 15.44), rel=0.08)
    assert model.expected_value(n, m).mean() == pytest.approx(m.mean(), rel=0.01)


def test_only_customers_with_repeat_days_and_positive_spend_shape_the_fit():
    n, m = [1, 2, 3, 2, 5, 4], [90, 10, 12, 30, 25, 0]
    shaped = [row for row in zip(n, m, strict=True) if row[0] > 1 and row[1] > 0]
    assert vars(GammaGamma().fit(n, m)) == vars(GammaGamma().fit(*zip(*shaped, strict=True)))
    assert vars(GammaGamma(least_days=1).fit(n, m)) != vars(GammaGamma().fit(n, m))


def test_weights_equal_repetition_and_the_order_of_rows_and_the_unit_of_money_are_nothing():
    random = np.random.default_rng(3)
    n, times = random.integers(1, 9, 400), np.arange(400) % 4
    m = random.gamma(6.25 * n, random.gamma(3.74, 1 / 15.44, 400) ** -1.0 / n)
    weighted = GammaGamma().fit(n, m, weights=times)
    assert vars(weighted) == vars(GammaGamma().fit(np.repeat(n, times)[::-1], np.repeat(m, times)[::-1]))
    cents = GammaGamma().fit(n, m * 100, weights=times)
    assert cents.log_likelihood_ == pytest.approx(weighted.log_likelihood_ - times[n > 1].sum() * np.log(100))
    assert cents.gamma_ == pytest.approx(100 * weighted.gamma_, rel=1e-3)
    assert cents.expected_value(n, m * 100) == pytest.approx(100 * weighted.expected_value(n, m), rel=1e-4)


@pytest.mark.parametrize("n,m", [([2], [50]), ([3] * 9, [20] * 9), ([2, 2, 2], [1e-9, 1, 1e12]), ([1e6, 2], [3, 3.1])])
def test_the_fit_never_fails(n, m):
    model = GammaGamma().fit(n, m)
    value = model.expected_value([1, *n], [0, *m])
    assert model.q_ > 1
    assert (np.isfinite(value) & (value > 0)).all()


def test_without_repeat_buyers_everyone_is_worth_the_mean():
    model = GammaGamma().fit([1, 1, 1, 4], [10, 20, 0, 0], weights=[1, 3, 5, 1])
    assert model.expected_value([1, 1, 9], [0, 1000, 17.5]) == pytest.approx([17.5] * 3, rel=1e-5)
    assert GammaGamma().fit([1], [0]).expected_value([1], [0]) == [0]


def test_negative_and_missing_amounts_are_refused():
    with pytest.raises(ValueError, match=r"m must be finite and not negative, found -3\.0 in row 1"):
        GammaGamma().fit([2, 2], [5, -3])
    with pytest.raises(ValueError, match="m must be finite and not negative, found nan in row 0"):
        GammaGamma().fit([2, 2], [np.nan, 3])
