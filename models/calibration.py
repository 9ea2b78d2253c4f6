"""Shifting log-odds so that a probability's mean is what it must be."""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import expit

FloatArray = NDArray[np.float64]

LARGEST_LOGIT = 30.0
SMALLEST_RATE = 1e-6


def logit(probability: FloatArray | float) -> FloatArray:
    """Return log-odds, with probabilities kept a millionth away from 0 and 1."""
    inside = np.clip(probability, SMALLEST_RATE, 1.0 - SMALLEST_RATE)
    odds: FloatArray = np.log(inside / (1.0 - inside))
    return odds


def shift_to_mean(logits: FloatArray, mean: float, weights: FloatArray | None = None) -> float:
    """Return the constant that, added to all log-odds, makes the mean probability what is asked.

    Parameters
    ----------
    logits
        Log-odds (n,).
    mean
        Mean probability, kept a millionth away from 0 and 1.
    weights
        How often each counts (n,); None: once.
    """
    target = float(np.clip(mean, SMALLEST_RATE, 1.0 - SMALLEST_RATE))

    def excess(shift: float) -> float:
        return float(np.average(expit(logits + shift), weights=weights)) - target

    reach = LARGEST_LOGIT + float(np.max(np.abs(logits), initial=0.0))
    return float(brentq(excess, -reach, reach, xtol=1e-12))


def calibrated(logits: FloatArray, happened: NDArray[np.bool_], groups: NDArray[np.int64]) -> FloatArray:
    """Return probabilities (n,) whose mean in each group of rows is the share of them to whom it happened.

    Parameters
    ----------
    logits
        Log-odds (n,), each group's up to a constant.
    happened
        What they are the odds of (n,).
    groups
        Group of each row (n,), such as its snapshot.
    """
    shifted = logits.copy()
    for group in np.unique(groups):
        rows = groups == group
        shifted[rows] += shift_to_mean(logits[rows], float(happened[rows].mean()))
    probability: FloatArray = expit(shifted)
    return probability
