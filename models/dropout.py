"""How often customers buy and when they stop: the BG/NBD and the MBG/NBD model.

While alive a customer buys at a Poisson rate lambda (a week), and drops out with probability p at each chance of
dropout. Over customers lambda is Gamma(r, alpha) and p is Beta(a, b). The models differ in one thing only: BG/NBD has
a chance of dropout after each repeat purchase, so x chances, MBG/NBD also after the first purchase, so x + 1.

Sources: Fader, Hardie & Lee (2005), "Counting your customers" the easy way, Marketing Science 24(2), for BG/NBD;
Batislam, Denizel & Filiztekin (2007), International Journal of Research in Marketing 24(3), and Hoppe & Wagner (2007),
Marketing: Journal of Research and Management 3(2), for MBG/NBD.
"""

from __future__ import annotations

from functools import lru_cache
from typing import ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betaincinv, expit
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from models.dropout_likelihood import DropoutLikelihood, log_odds_of_dropout
from models.histories import FloatArray, columns, counted, distinct, histories
from models.kept_purchases import KeptPurchases
from models.likelihood import every, maximise

STARTS = ((1.0, 1.0, 1.0, 1.0), (0.25, 5.0, 0.8, 2.5))
POINTS, SHARES = np.polynomial.legendre.leggauss(32)
ROWS_AT_A_TIME = 8192


class _BetaGeometricNBD(BaseEstimator):  # type: ignore[misc]
    """What BG/NBD and MBG/NBD share: all but the number of chances of dropout."""

    first_chance: ClassVar[int]

    def __init__(self, penalty: float = 1e-4) -> None:
        self.penalty = penalty

    def fit(self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike, weights: ArrayLike | None = None) -> Self:
        """Estimate the parameters by penalised maximum likelihood; no log of possible histories makes it fail.

        Parameters
        ----------
        x, t_x, T : array-like, shape (rows,)
            Repeat purchase days, weeks from the first to the last one, weeks from the first one to the as-of date.
        weights : array-like, shape (rows,), optional
            Customers that a row stands for, one by default.

        Returns
        -------
        Self
            With `r_`, `alpha_` (weeks), `a_`, `b_`, and `log_likelihood_`, unpenalised and summed over customers.

        Raises
        ------
        ValueError
            If a history is impossible (negative, not finite, broken x, t_x > T) or there is no customer.
        """
        rows, counts = counted(weights, *histories(x, t_x, T))
        likelihood = DropoutLikelihood(rows, counts, self.first_chance)
        sketch = None
        if step := every(len(counts)):
            # Histories are in order of x, then t_x, then T: equal steps through them leave out nobody's kind.
            some = tuple(column[::step] for column in rows)
            sketch = DropoutLikelihood(some, counts[::step], self.first_chance)
        theta = maximise(likelihood, STARTS, self.penalty, sketch)
        self.r_, self.alpha_, self.a_, self.b_ = (float(parameter) for parameter in np.exp(theta))
        self.log_likelihood_ = likelihood(theta)[0] * float(counts.sum())
        return self

    def probability_alive(self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike) -> FloatArray:
        """Probability that a customer has not dropped out by the as-of date.

        1 / (1 + a/(b + c - 1) · ((alpha + T)/(alpha + t_x))^(r + x)) after c chances of dropout, 1 where c = 0.

        Parameters
        ----------
        x, t_x, T : array-like, shape (rows,)
            As in `fit`.

        Returns
        -------
        array, shape (rows,)

        Raises
        ------
        ValueError
            If a history is impossible.
        """
        check_is_fitted(self)
        x, t_x, T = histories(x, t_x, T)
        growth = (self.r_ + x) * np.log((self.alpha_ + T) / (self.alpha_ + t_x))
        alive: FloatArray = expit(-log_odds_of_dropout(self.a_, self.b_, x + self.first_chance, growth))
        return alive

    def probability_active(self, horizon: float, x: ArrayLike, t_x: ArrayLike, T: ArrayLike) -> FloatArray:
        """Probability of at least one purchase in the `horizon` weeks after the as-of date.

        P(alive) · (1 - ((alpha + T)/(alpha + T + horizon))^(r + x)): a customer who is alive stays so until the next
        purchase, hence p plays no part.

        Parameters
        ----------
        horizon
            Weeks, not negative.
        x, t_x, T : array-like, shape (rows,)
            As in `fit`.

        Returns
        -------
        array, shape (rows,)

        Raises
        ------
        ValueError
            If the horizon is negative or a history is impossible.
        """
        alive = self.probability_alive(x, t_x, T)
        x, _, T = histories(x, t_x, T)
        return alive * self.active_if_alive(horizon, x, T)

    def active_if_alive(self, horizon: float, x: FloatArray, T: FloatArray) -> FloatArray:
        """Return `probability_active` of customers who are known to be alive (rows,)."""
        return -np.expm1(-(self.r_ + x) * np.log1p(_weeks(horizon) / (self.alpha_ + T)))

    def expected_purchases(self, horizon: float, x: ArrayLike, t_x: ArrayLike, T: ArrayLike) -> FloatArray:
        """Expect this many purchase days in the `horizon` weeks after the as-of date.

        P(alive) · E_p[(1 - ((alpha + T)/(alpha + T + p·horizon))^(r + x)) / p], p ~ Beta(a, b + c) after c chances of
        dropout: the hypergeometric function of the sources overflows for regular customers, this does not.

        Parameters
        ----------
        horizon
            Weeks, not negative.
        x, t_x, T : array-like, shape (rows,)
            As in `fit`.

        Returns
        -------
        array, shape (rows,)

        Raises
        ------
        ValueError
            If the horizon is negative or a history is impossible.
        """
        alive = self.probability_alive(x, t_x, T)
        x, _, T = histories(x, t_x, T)
        return alive * self.purchases_if_alive(horizon, x, T)

    def purchases_if_alive(self, horizon: float, x: FloatArray, T: FloatArray) -> FloatArray:
        """Return `expected_purchases` of customers who are known to be alive (rows,), each x and T worked out once."""
        (x, T), inverse = distinct(x, T)
        parameters = (_weeks(horizon), self.r_, self.alpha_, self.a_, self.b_)
        kept = self.__dict__.setdefault("_kept", KeptPurchases())
        purchases: FloatArray = kept(parameters, x + 1j * T, lambda new: self._in_chunks(horizon, new.real, new.imag))
        return purchases[inverse]

    def _in_chunks(self, horizon: float, x: FloatArray, T: FloatArray) -> FloatArray:
        pace = _weeks(horizon) / (self.alpha_ + T)
        purchases = np.empty(len(x))
        for begin in range(0, len(x), ROWS_AT_A_TIME):
            chunk = slice(begin, begin + ROWS_AT_A_TIME)
            purchases[chunk] = self._quadrature(x[chunk], pace[chunk])
        return purchases

    def _quadrature(self, x: FloatArray, pace: FloatArray) -> FloatArray:
        """Mean over the dropout probability p, by Gauss-Legendre quadrature on its quantiles; pace = h/(alpha + T)."""
        levels, level = np.unique(x, return_inverse=True)
        quantiles = np.array([_quantiles(self.a_, self.b_ + some + self.first_chance) for some in levels.tolist()])
        # The quantiles underflow where a is small; this far down the ratio is its limit (r + x)·pace.
        p = np.maximum(quantiles, 1e-200)[level]
        terms = np.log1p(p * pace[:, np.newaxis])
        terms *= -(self.r_ + x)[:, np.newaxis]
        np.expm1(terms, out=terms)
        terms /= p
        terms *= -SHARES / 2
        # Not a matrix product: its last bits depend on how many customers come at once.
        purchases: FloatArray = terms.sum(axis=1)
        return purchases


class BGNBD(_BetaGeometricNBD):
    """BG/NBD: dropout is possible after each repeat purchase, so every one-time buyer counts as alive.

    Fader, Hardie & Lee (2005), Marketing Science 24(2), 275-284.

    Parameters
    ----------
    penalty
        Weight of the squared log parameters against the mean log-likelihood.
    """

    first_chance = 0


class MBGNBD(_BetaGeometricNBD):
    """MBG/NBD: dropout is possible after every purchase, the first one included.

    Batislam, Denizel & Filiztekin (2007), International Journal of Research in Marketing 24(3), 201-209; Hoppe &
    Wagner (2007), Marketing: Journal of Research and Management 3(2), 75-90.

    Parameters
    ----------
    penalty
        Weight of the squared log parameters against the mean log-likelihood.
    """

    first_chance = 1


@lru_cache(maxsize=4_096)
def _quantiles(a: float, b: float) -> FloatArray:
    """Return the quantiles of Beta(a, b) at `POINTS`: dear, and asked for again with every batch of customers."""
    quantiles: FloatArray = betaincinv(a, b, (POINTS + 1) / 2)
    return quantiles


def _weeks(horizon: float) -> float:
    """Return the horizon, refusing one that is negative or not finite."""
    (weeks,) = columns(horizon=[horizon])
    return float(weeks[0])
