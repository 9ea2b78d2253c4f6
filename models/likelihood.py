"""Penalised maximum likelihood over the logarithms of positive parameters."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from scipy.optimize import minimize

from models.histories import FloatArray

BOUND = 7.0
"""Largest absolute logarithm of a parameter: from 0.0009 to 1097."""

LogLikelihood = Callable[[FloatArray], tuple[float, FloatArray]]
"""Log parameters to the log-likelihood of a mean customer, and its gradient in the log parameters."""


def maximise(log_likelihood: LogLikelihood, starts: Sequence[Sequence[float]], penalty: float) -> FloatArray:
    """Find the parameters with the greatest penalised log-likelihood.

    Parameters
    ----------
    log_likelihood
        Mean over customers, with its gradient.
    starts : shape (starts, parameters)
        Parameters (not logarithms) to start from; the best end is taken.
    penalty
        Weight of the sum of squared log parameters. With it a log that says nothing about a parameter
        (one-time buyers only, a single customer) leaves that parameter at a moderate value.

    Returns
    -------
    array, shape (parameters,)
        Log parameters within ±`BOUND`.
    """

    def loss(theta: FloatArray) -> tuple[float, FloatArray]:
        value, gradient = log_likelihood(theta)
        return penalty * float(theta @ theta) - value, 2 * penalty * theta - gradient

    options = {"maxiter": 500, "maxfun": 1000, "ftol": 1e-12, "gtol": 1e-7}
    bounds = [(-BOUND, BOUND)] * len(starts[0])
    fits = [minimize(loss, np.log(s), jac=True, method="L-BFGS-B", bounds=bounds, options=options) for s in starts]
    best: FloatArray = min(fits, key=lambda fit: float(fit.fun)).x
    return best
