"""Limits: how often a caller may ask, and how large a request may be."""

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from fastapi import HTTPException

MOST_CALLERS = 10_000
"""Whose buckets are kept at once; beyond, those that were used longest ago are forgotten."""


class RateLimits:
    """A token bucket for each caller: full at first, one request takes one out, time fills it up again.

    Buckets are those of one process: a server of several workers allows each caller that many times more.

    Parameters
    ----------
    per_second
        How many flow in.
    burst
        How many a bucket holds.
    clock
        Seconds, of a clock that only goes forward.
    """

    def __init__(self, per_second: float, burst: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_second, self._burst, self._clock = per_second, burst, clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def wait(self, who: str) -> float:
        """Take one out of a caller's bucket and return 0; where it is empty, return the seconds until it is not."""
        with self._lock:
            now = self._clock()
            level, seen = self._buckets.get(who, (float(self._burst), now))
            level = min(self._burst, level + (now - seen) * self._per_second)
            allowed = level >= 1
            self._buckets[who] = (level - allowed, now)
            self._buckets.move_to_end(who)
            while len(self._buckets) > MOST_CALLERS:
                self._buckets.popitem(last=False)
            return 0.0 if allowed else (1 - level) / self._per_second

    def take(self, who: str) -> None:
        """Take one out of a caller's bucket.

        Raises
        ------
        HTTPException
            429 with Retry-After, where it is empty.
        """
        seconds = self.wait(who)
        if seconds:
            after = str(math.ceil(seconds))
            raise HTTPException(429, f"Too many requests; ask again in {after} s.", {"Retry-After": after})

    def give_back(self, who: str) -> None:
        """Put back the one that a caller took last."""
        with self._lock:
            if who in self._buckets:
                level, seen = self._buckets[who]
                self._buckets[who] = (min(self._burst, level + 1), seen)

    def forget(self, who: str) -> None:
        """Fill a caller's bucket up."""
        with self._lock:
            self._buckets.pop(who, None)
