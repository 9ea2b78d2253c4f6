"""The palette: classes of the style sheet for what is more or less, told apart with any colour vision."""

from math import log

import numpy as np
import pandas as pd

SHADES = 8
"""Classes `shade-0` (least) to `shade-7` (most): a scale from light yellow over green to dark blue."""


def shade(value: float, low: float, high: float) -> str:
    """Return the class of a share or value between two ends."""
    if not np.isfinite(value):
        return "shade-none"
    place = (value - low) / (high - low) if high > low else 1.0
    return f"shade-{min(SHADES - 1, max(0, int(place * SHADES)))}"


def shades_of_money(values: pd.Series) -> list[str]:
    """Return the class of each value, by its logarithm: what customers are worth spans orders of magnitude."""
    positive = values[values > 0]
    if positive.empty:
        return ["shade-none"] * len(values)
    low, high = log(positive.min()), log(positive.max())
    return [shade(log(value), low, high) if value > 0 else "shade-none" for value in values]
