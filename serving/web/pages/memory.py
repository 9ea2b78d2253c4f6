"""Memory: answers that cost a query over all customers, kept until the store holds something newer."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import TypeVar

from fastapi import Request

Answer = TypeVar("Answer")
MOST = 512
"""Answers kept; beyond, those that were used longest ago are forgotten. Sums, pictures and short previews."""


class Memory:
    """Keeps answers by what they depend on; who asks for one that is being worked out waits for it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._answers: OrderedDict[Hashable, object] = OrderedDict()
        self._working: dict[Hashable, threading.Lock] = {}

    def recall(self, key: Hashable, work_out: Callable[[], Answer]) -> Answer:
        """Return the answer of a key, worked out where it is not known; an exception is not remembered."""
        with self._lock:
            if key in self._answers:
                self._answers.move_to_end(key)
                return self._answers[key]  # type: ignore[return-value]
            working = self._working.setdefault(key, threading.Lock())
        with working:
            with self._lock:
                if key in self._answers:
                    return self._answers[key]  # type: ignore[return-value]
            try:
                answer = work_out()
                with self._lock:
                    self._answers[key] = answer
                    while len(self._answers) > MOST:
                        self._answers.popitem(last=False)
            finally:
                with self._lock:
                    self._working.pop(key, None)
        return answer


_FIRST = threading.Lock()


def memory_of(request: Request) -> Memory:
    """Return the memory of the server that answers a request."""
    state = request.app.state
    with _FIRST:
        if not hasattr(state, "memory"):
            state.memory = Memory()
    memory: Memory = state.memory
    return memory
