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
