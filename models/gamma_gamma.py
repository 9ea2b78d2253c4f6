"""What a customer spends on a purchase day: the Gamma-Gamma model.

A customer's purchase days bring Gamma(p, nu) amounts, nu is Gamma(q, gamma) over customers, and amounts do not depend
on how often someone buys. The mean m of n days is then judged against what all customers spend.

Sources: Fader & Hardie (2013), "The Gamma-Gamma Model of Monetary Value"; Fader, Hardie & Lee (2005), "RFM and CLV",
Journal of Marketing Research 42(4). There m is the mean over repeat purchases; here it is over all n purchase days.
"""

from __future__ import annotations

from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betaln, digamma
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from models.histories import FloatArray, columns, counted
from models.likelihood import every, maximise

STARTS = ((1.0, 1.0, 1.0), (5.0, 2.0, 0.5))
CERTAIN = 1e9
"""Weight, in purchase days, of the overall mean where nothing tells customers apart."""


class GammaGamma(BaseEstimator):  # type: ignore[misc]
    """Gamma-Gamma model of the mean spend per purchase day, with q > 1 so that the overall mean exists.

    Parameters
    ----------
    penalty
        Weight of the squared log parameters (of p, q - 1 and gamma over the median) against the mean log-likelihood.
    least_days
        Customers with fewer purchase days take no part in the fit: a single day cannot tell the spread within
        customers from the spread between them.
    """

    def __init__(self, penalty: float = 1e-4, least_days: int = 2) -> None:
        self.penalty = penalty
        self.least_days = least_days

    def fit(self, n: ArrayLike, m: ArrayLike, weights: ArrayLike | None = None) -> Self:
        """Estimate the parameters from customers with at least `least_days` purchase days and positive spend.

        Where there is none, the expected value becomes the mean of the positive m, whatever the customer spent
        (p = 1, q = 1e9 + 1, gamma = 1e9 times that mean, or 0 where no m is positive; log-likelihood 0).

        Parameters
        ----------
        n : array-like, shape (rows,)
            Purchase days, the first one included.
        m : array-like, shape (rows,)
            Mean spend per purchase day, in money.
        weights : array-like, shape (rows,), optional
            Customers that a row stands for, one by default.

        Returns
        -------
        Self
            With `p_`, `q_`, `gamma_` (money), and `log_likelihood_`, unpenalised and summed over the customers used.

        Raises
        ------
        ValueError
            If a value is negative or not finite, or there is no customer.
        """
        (n, m), counts = counted(weights, *columns(n=n, m=m))
        used = (n >= self.least_days) & (m > 0)
        if not used.any():
            mean = float(np.average(m, weights=counts * (m > 0))) if (m > 0).any() else 0.0
            self.p_, self.q_, self.gamma_, self.log_likelihood_ = 1.0, 1 + CERTAIN, CERTAIN * mean, 0.0
            return self
        n, m, counts = n[used], m[used], counts[used]
        scale = _median(m, counts)
        likelihood = SpendLikelihood(n, m / scale, counts)
        step = every(len(counts))
        # Rows are in order of n, then m: equal steps through them leave out nobody's kind.
        sketch = SpendLikelihood(n[::step], m[::step] / scale, counts[::step]) if step else None
        theta = maximise(likelihood, STARTS, self.penalty, sketch)
        p, excess, gamma = (float(parameter) for parameter in np.exp(theta))
        self.p_, self.q_, self.gamma_ = p, 1 + excess, gamma * scale
        self.log_likelihood_ = (likelihood(theta)[0] - float(np.log(scale))) * float(counts.sum())
        return self

    def expected_value(self, n: ArrayLike, m: ArrayLike) -> FloatArray:
        """Weigh m against what all customers spend: p·(gamma + n·m) / (p·n + q - 1) per purchase day.

        Parameters
        ----------
        n, m : array-like, shape (rows,)
            As in `fit`; n = 1 is as good as any.

        Returns
        -------
        array, shape (rows,)
            Money.

        Raises
        ------
        ValueError
            If a value is negative or not finite.
        """
        check_is_fitted(self)
        n, m = columns(n=n, m=m)
        return self.p_ * (self.gamma_ + n * m) / (self.p_ * n + self.q_ - 1)


class SpendLikelihood:
    """Mean log-likelihood of mean spends, in ln p, ln(q - 1), ln gamma, with its gradient."""

    def __init__(self, n: FloatArray, m: FloatArray, counts: FloatArray) -> None:
        self.shares = counts / counts.sum()
        self.spend = n * m
        self.log_spend = np.log(self.spend)
        self.log_mean = float(self.shares @ np.log(m))
        self.levels, self.level = np.unique(n, return_inverse=True)
        self.level_shares = np.bincount(self.level, weights=self.shares)

    def __call__(self, theta: FloatArray) -> tuple[float, FloatArray]:
        """Return the mean log-likelihood and its gradient at log parameters."""
        p, excess, gamma = np.exp(theta)
        q, shape = 1 + excess, p * self.levels
        log_total = np.log(gamma + self.spend)
        log_spent = np.bincount(self.level, weights=self.shares * (self.log_spend - log_total))
        log_kept = theta[2] - float(self.shares @ log_total)
        value = q * log_kept + shape @ log_spent - self.level_shares @ betaln(shape, q) - self.log_mean

        both = digamma(shape + q)
        d_p = self.levels @ (self.level_shares * (both - digamma(shape)) + log_spent)
        d_q = self.level_shares @ (both - digamma(q)) + log_kept
        d_gamma = q / gamma - self.shares @ ((shape + q)[self.level] / (gamma + self.spend))
        return float(value), np.array([d_p * p, d_q * excess, d_gamma * gamma])


def _median(m: FloatArray, counts: FloatArray) -> float:
    """Lower median of m over customers."""
    order = np.argsort(m)
    below = np.cumsum(counts[order])
    return float(m[order][np.searchsorted(below, below[-1] / 2)])
