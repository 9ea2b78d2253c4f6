"""Penalised maximum likelihood over the logarithms of positive parameters."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from scipy.optimize import minimize

from models.histories import FloatArray
from models.steady import one_thread

BOUND = 7.0
"""Largest absolute logarithm of a parameter: from 0.0009 to 1097."""

NEGLIGIBLE = 1e-12
"""Relative gain in the log-likelihood below which a fit ends."""
MOST_STEPS = 8
DIFFERENCE = 1e-4

SKETCHED = 20_000
"""About how many distinct rows the search begins with where there are many."""

LogLikelihood = Callable[[FloatArray], tuple[float, FloatArray]]
"""Log parameters to the log-likelihood of a mean customer, and its gradient in the log parameters."""
Loss = Callable[[FloatArray], tuple[float, FloatArray]]


def maximise(
    log_likelihood: LogLikelihood,
    starts: Sequence[Sequence[float]],
    penalty: float,
    sketch: LogLikelihood | None = None,
) -> FloatArray:
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
    sketch
        The same of a part of the customers: the search is done there, and ends with a few steps over all of them; None:
        all of it over all of them.

    Returns
    -------
    array, shape (parameters,)
        Log parameters within ±`BOUND`.
    """
    loss = _penalised(log_likelihood, penalty)
    begin = np.log(np.asarray(starts, dtype=np.float64))
    with one_thread():
        if sketch is None:
            return _search(loss, begin)
        rough = _penalised(sketch, penalty)
        near = _search(rough, begin)
        found = _descend(loss, near, _curvature(rough, near))
        return _search(loss, near[None]) if found is None else found


def every(rows: int) -> int | None:
    """Return the step through so many rows, in their order, that leaves enough for a sketch; None: they are few."""
    step = rows // SKETCHED
    return step if step > 1 else None


def _penalised(log_likelihood: LogLikelihood, penalty: float) -> Loss:
    def loss(theta: FloatArray) -> tuple[float, FloatArray]:
        value, gradient = log_likelihood(theta)
        return penalty * float(theta @ theta) - value, 2 * penalty * theta - gradient

    return loss


def _search(loss: Loss, starts: FloatArray) -> FloatArray:
    options = {"maxiter": 500, "maxfun": 1000, "ftol": NEGLIGIBLE, "gtol": 1e-7}
    bounds = [(-BOUND, BOUND)] * starts.shape[1]
    fits = [minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options) for start in starts]
    best: FloatArray = min(fits, key=lambda fit: float(fit.fun)).x
    return best


def _curvature(loss: Loss, theta: FloatArray) -> FloatArray:
    """Return the Hessian (parameters, parameters), from differences of the gradient."""
    steps = DIFFERENCE * np.eye(len(theta))
    rows = np.array([loss(theta + step)[1] - loss(theta - step)[1] for step in steps]) / (2 * DIFFERENCE)
    symmetric: FloatArray = (rows + rows.T) / 2
    return symmetric


def _descend(loss: Loss, theta: FloatArray, curvature: FloatArray) -> FloatArray | None:
    """Take Newton's steps with a curvature that is nearly the loss's own; None where they do not lead down."""
    if np.abs(theta).max() >= BOUND or np.linalg.eigvalsh(curvature)[0] <= 0:
        return None
    least = np.inf
    for _ in range(MOST_STEPS):
        value, gradient = loss(theta)
        if value > least + NEGLIGIBLE * abs(value):
            return None
        step = np.linalg.solve(curvature, gradient)
        if gradient @ step <= 2 * NEGLIGIBLE * abs(value):
            return theta
        theta, least = np.clip(theta - step, -BOUND, BOUND), value
    return None
