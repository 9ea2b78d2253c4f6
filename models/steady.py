"""Steady linear algebra: on one thread, for the same last bits whatever the machine has."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from threadpoolctl import threadpool_limits

ONE_AT_A_TIME = Lock()
"""The limit on threads holds for the whole process: two that overlap would undo each other."""


@contextmanager
def one_thread() -> Iterator[None]:
    """Keep BLAS on one thread inside the block, and let one block run at a time."""
    with ONE_AT_A_TIME, threadpool_limits(1, "blas"):
        yield
