"""The pin: an allocation over customers is scaled once, over all of them, to the total that the level forecast sets."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.calibration import shift_to_mean
from models.level import Level

FloatArray = NDArray[np.float64]

UNITS = 10_000
"""Sums are kept in whole ten-thousandths, so that neither batches nor their order change a total."""
WIDEST_LOGIT = 20.0
BINS_A_LOGIT = 1_000
SUMS = ("spend", "orders", "btyd_spend", "btyd_orders", "btyd_active")


@dataclass(frozen=True)
class Pins:
    """What turns an allocation into predictions.

    Attributes
    ----------
    spend, orders
        Factors on allocated spend and orders.
    shift
        What is added to the log-odds of being active.
    """

    spend: float
    orders: float
    shift: float


def pinned(expected: FloatArray, total: FloatArray, groups: NDArray[np.int64]) -> FloatArray:
    """Scale expectations, each group of rows to the sum of `total` over its rows.

    Parameters
    ----------
    expected, total
        Allocation (n,), and what adds up to the total (n,).
    groups
        Group of each row (n,), such as its snapshot.
    """
    sums = pd.DataFrame({"expected": expected, "total": total}).groupby(groups).transform("sum")
    scaled: FloatArray = expected * (sums["total"] / sums["expected"]).to_numpy()
    return scaled


class Totals:
    """Sums over allocations that come in batches, in bounded memory and independent of how they are batched."""

    def __init__(self) -> None:
        self.customers = 0
        self._sums = dict.fromkeys(SUMS, 0)
        self._logits = np.zeros(int(2 * WIDEST_LOGIT * BINS_A_LOGIT) + 1, dtype=np.int64)

    def add(self, allocation: Any) -> None:
        """Count one batch of `Bundle.allocate`: a table of pandas or of Arrow."""
        self.customers += len(allocation)
        for name in self._sums:
            self._sums[name] += int(np.rint(allocation[name].to_numpy() * UNITS).astype(np.int64).sum())
        logits = np.clip(allocation["active_logit"].to_numpy(), -WIDEST_LOGIT, WIDEST_LOGIT)
        bins = np.rint((logits + WIDEST_LOGIT) * BINS_A_LOGIT).astype(np.int64)
        self._logits += np.bincount(bins, minlength=len(self._logits))

    def counts(self) -> dict[str, Any]:
        """Return what was counted as plain data: `customers`, `SUMS` and `logits`, customers by log-odds."""
        return {"customers": self.customers, **self._sums, "logits": self._logits}

    def merge(self, counts: Mapping[str, Any]) -> None:
        """Count what was counted elsewhere."""
        self.customers += counts["customers"]
        for name in self._sums:
            self._sums[name] += counts[name]
        self._logits += np.asarray(counts["logits"], dtype=np.int64)

    def pins(self, level: Level) -> Pins:
        """Return the pins that make the totals BTYD's times the level."""
        if not self.customers:
            return Pins(1.0, 1.0, 0.0)
        centres = np.arange(len(self._logits)) / BINS_A_LOGIT - WIDEST_LOGIT
        seen = self._logits > 0
        active = level.active * self._sums["btyd_active"] / UNITS / self.customers
        return Pins(
            spend=level.spend * self._ratio("spend"),
            orders=level.orders * self._ratio("orders"),
            shift=shift_to_mean(centres[seen], active, self._logits[seen].astype(np.float64)),
        )

    def _ratio(self, name: str) -> float:
        return self._sums[f"btyd_{name}"] / max(self._sums[name], 1)
