"""Kept purchases: what was worked out for a purchase history once is looked up for every other customer who has it.

Batches of customers, and past as-of dates, ask for the same histories again and again, and an expectation over the
dropout probability is the dearest number of all.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
Histories = NDArray[np.complex128]
"""Repeat purchase days as real parts, tenures as imaginary ones: so they sort by the one, then by the other."""

MOST = 1_000_000
"""Histories that are kept of one horizon: 24 MB."""


class KeptPurchases:
    """Expected purchases by model parameters and history."""

    def __init__(self) -> None:
        self._kept: dict[tuple[float, ...], tuple[Histories, FloatArray]] = {}

    def __call__(
        self, parameters: tuple[float, ...], asked: Histories, work_out: Callable[[Histories], FloatArray]
    ) -> FloatArray:
        """Return the purchases of histories (n,), which are distinct and in order.

        Parameters
        ----------
        parameters
            All that they depend on beside the history.
        asked
            The histories (n,).
        work_out
            Returns the purchases of some of them.
        """
        known, purchases = self._kept.get(parameters, (np.empty(0, np.complex128), np.empty(0)))
        places = np.searchsorted(known, asked)
        found = np.zeros(len(asked), dtype=bool)
        inside = places < len(known)
        found[inside] = known[places[inside]] == asked[inside]
        if not found.all():
            new, where = asked[~found], places[~found]
            known, purchases = np.insert(known, where, new), np.insert(purchases, where, work_out(new))
            if len(known) <= MOST:
                # One assignment of a pair that nobody changes: threads that ask at once disturb nobody.
                self._kept[parameters] = known, purchases
            places = np.searchsorted(known, asked)
        return purchases[places]
