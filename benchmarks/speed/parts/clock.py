"""The clock of a process that is measured: says what a piece of work took, without start-up and imports."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

MARK = "measured: "
"""Before every measurement on standard output, which the work itself may write to as well."""


class Stopwatch:
    """Adds up the seconds of the clock and of the processors that pass within it."""

    def __init__(self) -> None:
        self.seconds = self.cpu_seconds = 0.0

    @contextmanager
    def running(self) -> Iterator[None]:
        """Measure a piece of work."""
        begun, worked = time.perf_counter(), time.process_time()
        yield
        self.seconds += time.perf_counter() - begun
        self.cpu_seconds += time.process_time() - worked

    def tell(self, what: str | None = None, **facts: Any) -> None:
        """Print what was measured, and what else is to be known of it."""
        tell(what=what, seconds=self.seconds, cpu_seconds=self.cpu_seconds, facts=facts)


@contextmanager
def working(what: str | None = None) -> Iterator[dict[str, Any]]:
    """Measure a piece of work and print it with the facts that the work adds; `what` tells it from other pieces."""
    watch = Stopwatch()
    facts: dict[str, Any] = {}
    with watch.running():
        yield facts
    watch.tell(what, **facts)


def tell(**found: Any) -> None:
    """Print what the process that measures this one is to know."""
    print(MARK + json.dumps(found), flush=True)
