"""The clock of a log: time that passes as fast as its pauses end, so that returns come without a rhythm.

Where all donors give once a year, nothing happens for most of the year and everything in its last weeks. In operational
time u(d) pauses are spread as BTYD takes them to be, without a rhythm: with rates gamma-distributed over customers, the
share of pauses longer than u is Lomax's (s / (s + u))^m (Lomax 1954, Journal of the American Statistical Association
49, 847-852). So, with the cumulative hazard H(d) of the log's pauses,

    u(d) = s · (e^(H(d) / m) - 1),

where m and s are those that come closest to the pauses in days: where these have no rhythm, u(d) is about d.
"""

from typing import Self

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

SCALES = np.geomspace(1.0, 1e6, 241)
"""Days: every s that is tried, 6 % apart; at the last the curve is all but exponential."""
FARTHEST = 15.0
"""Largest H / m (up to 4 in known logs): time stands still from there on, before floats run out of digits for days."""
ROUNDING = 1e-9
"""Share by which a time may exceed that of a day, and still be that day's."""


class Clock:
    """Operational time by the number of days since a purchase.

    Parameters
    ----------
    times
        Never falling, 0 first: the time after 0, 1, 2, ... days, up to the longest pause known (days + 1,). Beyond it
        time passes as days do.
    """

    def __init__(self, times: FloatArray) -> None:
        self.times = times

    @classmethod
    def of(cls, survival: FloatArray) -> Self:
        """Return the clock of a log.

        Parameters
        ----------
        survival
            Share of pauses longer than 0, 1, 2, ... days (days + 1,), as `models.gaps.GapCurve.survival_`.

        Returns
        -------
        Clock
            Days themselves where no pause has ended.
        """
        before = survival[:-1]
        # Summed, not multiplied (Nelson & Aalen): still finite where the last pause known to go on has ended.
        hazard = np.where(before > 0, 1.0 - survival[1:] / np.where(before > 0, before, 1.0), 0.0)
        cumulative = np.concatenate([[0.0], np.cumsum(hazard)])
        if cumulative[-1] <= 0.0:
            return cls(np.arange(len(survival), dtype=np.float64))
        shape, scale = _lomax(np.exp(-cumulative))
        return cls(scale * np.expm1(np.minimum(cumulative / shape, FARTHEST)))

    def time(self, days: FloatArray) -> FloatArray:
        """Return the time after so many whole days (n,)."""
        last = len(self.times) - 1
        read: FloatArray = self.times[np.clip(days, 0, last).astype(np.int64)] + np.maximum(days - last, 0.0)
        return read

    def days(self, time: FloatArray) -> FloatArray:
        """Return the first whole day by whose end so much time has passed (n,)."""
        time = time * (1.0 - ROUNDING)
        known = np.searchsorted(self.times, time).astype(np.float64)
        return np.where(time <= self.times[-1], known, len(self.times) - 1 + np.ceil(time - self.times[-1]))


def _lomax(survival: FloatArray) -> tuple[float, float]:
    """Return shape and scale of the Lomax distribution that is the likeliest to have drawn a survival curve."""
    last, longer = len(survival) - 1, survival[-1]
    ended = -np.diff(survival)
    # A pause of d days ended in the middle of its last day; those beyond the curve are known to be longer. Not a matrix
    # product, whose last digits depend on the number of threads.
    waited = (np.log1p((np.arange(last) + 0.5) / SCALES[:, None]) * ended).sum(axis=1)
    whole = waited + longer * np.log1p(last / SCALES)
    # The likeliest shape of each scale has a closed form.
    shapes = (1.0 - longer) / whole
    likelihood = (1.0 - longer) * np.log(shapes / SCALES) - waited - shapes * whole
    best = int(np.argmax(likelihood))
    return float(shapes[best]), float(SCALES[best])
