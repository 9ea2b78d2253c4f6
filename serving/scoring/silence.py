"""Silence: how long ago the last order was. Much of what moves a prediction says that: it is said once, and well.

Contributions add up: what several features moved that say the same is moved by the one thing that they say.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.families import momentum, season
from features.window import SEASON_DAYS
from serving.scoring.sentences import FEWEST_DAYS

LAST_ORDER, BESIDE_RHYTHM, USUAL_GAP = "recency_days", "recency_in_gaps", "gap_mean"
"""Features whose sentences say how long ago the last order was, alone and beside the usual gap; and that gap."""
LATELY = frozenset(feature.name for feature in momentum.FEATURES)
LAST_YEAR = frozenset(feature.name for feature in season.FEATURES)
COUNTED = {**momentum.FAMILY.counted, **season.FAMILY.counted}


def told_by_last_order(
    moved: pd.DataFrame, said: Mapping[str, Sequence[str]], encoded: pd.DataFrame
) -> dict[str, NDArray[np.float64]]:
    """Give the last order what nothing bought lately moved, and the rhythm what the last order did, where they agree.

    A last order of 140 days ago says that nothing was spent in the last 90. Where it lowered the prediction of somebody
    who usually orders every 32 days, or an order younger than the usual gap raised it, both are said together; where
    silence and rhythm point apart, the last order is said alone.

    Parameters
    ----------
    moved
        What each feature adds to the log prediction, n rows, one column a feature.
    said
        Features whose numbers the sentence of each feature says.
    encoded
        Encoded snapshot, n rows.

    Returns
    -------
    dict of arrays (n,)
        Of every feature in the order of `moved`, what is left to it or was given to it.
    """
    found = {name: moved[name].to_numpy().copy() for name in moved}
    for name in found:
        if name in LATELY | LAST_YEAR:
            silent = _nothing(encoded, said[name])
            found[LAST_ORDER] += np.where(silent, found[name], 0.0)
            found[name][silent] = 0.0
    together = found[LAST_ORDER] + found[BESIDE_RHYTHM]
    ratio = encoded[BESIDE_RHYTHM].to_numpy()
    agree = np.where(together < 0, ratio > 1, ratio <= 1)
    agree &= encoded["purchase_days"].to_numpy() >= FEWEST_DAYS[USUAL_GAP]
    found[BESIDE_RHYTHM] = np.where(agree, together, found[BESIDE_RHYTHM])
    found[LAST_ORDER][agree] = 0.0
    return found


def _nothing(encoded: pd.DataFrame, fields: Sequence[str]) -> NDArray[np.bool_]:
    """Return of whom some features of momentum or of season say that nothing was bought since a day long ago."""
    # Net spend of nothing is not enough: what came back in full was bought.
    names = {COUNTED.get(field, field) for field in fields} | {*fields}
    none: NDArray[np.bool_] = np.logical_and.reduce([encoded[name].to_numpy() == 0 for name in names])
    if LAST_YEAR.issuperset(fields):
        none &= encoded[LAST_ORDER].to_numpy() > SEASON_DAYS
    return none
