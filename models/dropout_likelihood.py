"""Likelihood of purchase histories under BG/NBD and MBG/NBD, and the odds of dropout that it rests on."""

from __future__ import annotations

import numpy as np
from scipy.special import betaln, digamma, gammaln

from models.histories import FloatArray


class DropoutLikelihood:
    """Mean log-likelihood of distinct histories, in ln r, ln alpha, ln a, ln b, with its gradient.

    Terms in x alone are worked out once for each distinct x.
    """

    def __init__(self, rows: tuple[FloatArray, ...], counts: FloatArray, first_chance: int) -> None:
        self.x, self.t_x, self.T = rows
        self.shares = counts / counts.sum()
        self.levels, self.level = np.unique(self.x, return_inverse=True)
        self.level_shares = np.bincount(self.level, weights=self.shares)
        self.chances = self.levels + first_chance

    def __call__(self, theta: FloatArray) -> tuple[float, FloatArray]:
        """Return the mean log-likelihood and its gradient at log parameters."""
        r, alpha, a, b = np.exp(theta)
        begin, end, shape = alpha + self.t_x, alpha + self.T, r + self.x
        log_end, elapsed = np.log(end / alpha), np.log(end / begin)
        log_odds = log_odds_of_dropout(a, b, self.chances, 0.0)[self.level] + shape * elapsed
        by_level = gammaln(r + self.levels) - gammaln(r) - self.levels * theta[1]
        by_level += betaln(a, b + self.chances) - betaln(a, b)
        # The logarithm of 1 + odds; numpy's own, and the probability from the odds, are several times as slow.
        log_both = np.maximum(log_odds, 0.0) + np.log1p(np.exp(-np.abs(log_odds)))
        value = self.level_shares @ by_level + self.shares @ (log_both - shape * log_end)

        dropped = self.shares * np.exp(log_odds - log_both)
        dropped_by_level = np.bincount(self.level, weights=dropped)
        both = digamma(a + b) - digamma(a + b + self.chances)
        d_r = self.level_shares @ (digamma(r + self.levels) - digamma(r)) - self.shares @ log_end + dropped @ elapsed
        d_alpha = r / alpha - self.shares @ (shape / end) + dropped @ (shape * (1 / end - 1 / begin))
        d_a = self.level_shares @ both + dropped.sum() / a
        d_b = self.level_shares @ (both + digamma(b + self.chances) - digamma(b))
        d_b -= dropped_by_level @ (1 / _survival(b, self.chances))
        return float(value), np.array([d_r * r, d_alpha * alpha, d_a * a, d_b * b])


def _survival(b: float, chances: FloatArray) -> FloatArray:
    """Weight of having survived the chances but one; infinite where there was no chance of dropout at all."""
    return np.where(chances > 0, b + chances - 1, np.inf)


def log_odds_of_dropout(a: float, b: float, chances: FloatArray, growth: FloatArray | float) -> FloatArray:
    """Log odds of having dropped out after the last purchase, growth = (r + x)·ln((alpha + T)/(alpha + t_x))."""
    odds: FloatArray = np.log(a) - np.log(_survival(b, chances)) + growth
    return odds
