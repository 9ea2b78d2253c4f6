"""BG/NBD and Gamma-Gamma by their published closed forms: the judge's own, written apart from the product's.

Sources: Fader, Hardie & Lee (2005), "Counting your customers" the easy way, Marketing Science 24(2); Fader & Hardie
(2013), "The Gamma-Gamma model of monetary value".
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import betaln, expit, gammaln, hyp2f1

FloatArray = NDArray[np.float64]

BOUND = 8.0
"""Of the logarithm of every parameter."""


@dataclass(frozen=True)
class BGNBD:
    """How often: purchase rates are Gamma(r, alpha), dropout after each repeat purchase is Beta(a, b)."""

    r: float
    alpha: float
    a: float
    b: float

    @classmethod
    def fit(cls, x: FloatArray, t_x: FloatArray, T: FloatArray) -> Self:
        """Estimate by maximum likelihood from repeat purchase days, and weeks to the last one and in all (n,)."""
        rows, counts = np.unique(np.column_stack([x, t_x, T]), axis=0, return_counts=True)

        def loss(logs: FloatArray) -> float:
            return -float(np.average(cls(*np.exp(logs)).log_likelihood(*rows.T), weights=counts))

        return cls(*np.exp(_lowest(loss, [(0.0, 0.0, 0.0, 0.0), (-1.4, 1.6, -0.2, 0.9)])))

    def log_likelihood(self, x: FloatArray, t_x: FloatArray, T: FloatArray) -> FloatArray:
        """Return the log-likelihood of each history (n,): equation 6."""
        r, alpha, a, b = self.r, self.alpha, self.a, self.b
        shared = gammaln(r + x) - gammaln(r) + r * np.log(alpha) + betaln(a, b + x) - betaln(a, b)
        alive = -(r + x) * np.log(alpha + T)
        odds = np.log(a) - np.log(np.maximum(b + x - 1, 1e-300)) - (r + x) * np.log(alpha + t_x)
        found: FloatArray = shared + np.logaddexp(alive, np.where(x > 0, odds, -np.inf))
        return found

    def alive(self, x: FloatArray, t_x: FloatArray, T: FloatArray) -> FloatArray:
        """Return the probability of not having dropped out (n,)."""
        log_odds = np.log(self.a / np.maximum(self.b + x - 1, 1e-300))
        log_odds = log_odds + (self.r + x) * np.log((self.alpha + T) / (self.alpha + t_x))
        return np.where(x > 0, expit(-log_odds), 1.0)

    def active(self, weeks: float, x: FloatArray, t_x: FloatArray, T: FloatArray) -> FloatArray:
        """Return the probability of a purchase within some weeks (n,)."""
        silent = ((self.alpha + T) / (self.alpha + T + weeks)) ** (self.r + x)
        return self.alive(x, t_x, T) * (1 - silent)

    def purchases(self, weeks: float, x: FloatArray, t_x: FloatArray, T: FloatArray) -> FloatArray:
        """Return the expected purchase days within some weeks (n,): equation 10.

        Its hypergeometric function overflows for regular customers; Euler's transformation
        2F1(A, B; C; z) = (1 - z)^(C - A - B) · 2F1(C - A, C - B; C; z) does not.
        """
        a = self.a + 1e-9 if abs(self.a - 1) < 1e-9 else self.a
        z = weeks / (self.alpha + T + weeks)
        # (1 - z)^(r + x) of the equation and (1 - z)^(a - 1 - r - x) of the transformation meet in (1 - z)^(a - 1).
        series = (1 - z) ** (a - 1) * hyp2f1(a + self.b - 1 - self.r, a - 1, a + self.b + x - 1, z)
        return self.alive(x, t_x, T) * (a + self.b + x - 1) / (a - 1) * (1 - series)


@dataclass(frozen=True)
class GammaGamma:
    """How much: a purchase day's spend is Gamma(p, nu), and nu is Gamma(q, gamma)."""

    p: float
    q: float
    gamma: float

    @classmethod
    def fit(cls, n: FloatArray, m: FloatArray) -> Self:
        """Estimate by maximum likelihood from the mean spend m of the n purchase days of repeat customers."""
        repeat = (n > 1) & (m > 0)
        n, scale = n[repeat], float(np.median(m[repeat]))
        m = m[repeat] / scale

        def loss(logs: FloatArray) -> float:
            p, excess, gamma = np.exp(logs)
            q = 1 + excess
            terms = gammaln(p * n + q) - gammaln(p * n) - gammaln(q) + q * np.log(gamma)
            terms = terms + (p * n - 1) * np.log(m) + p * n * np.log(n) - (p * n + q) * np.log(gamma + n * m)
            return -float(terms.mean())

        p, excess, gamma = np.exp(_lowest(loss, [(0.0, 0.0, 0.0), (1.6, 0.7, -0.7)]))
        return cls(p, 1 + excess, gamma * scale)

    def value(self, n: FloatArray, m: FloatArray) -> FloatArray:
        """Return the expected spend on a purchase day (n,)."""
        return self.p * (self.gamma + n * m) / (self.p * n + self.q - 1)


def _lowest(loss: Callable[[FloatArray], float], starts: list[tuple[float, ...]]) -> FloatArray:
    """Return the logarithms of the parameters with the lowest loss."""
    tried = [minimize(loss, start, method="L-BFGS-B", bounds=[(-BOUND, BOUND)] * len(start)) for start in starts]
    best: FloatArray = min(tried, key=lambda result: result.fun).x
    return best
