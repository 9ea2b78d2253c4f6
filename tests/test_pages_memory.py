"""What pages remember: answers, not failures."""

import pytest

from serving.web.pages.memory import Memory


def fails() -> int:
    raise ZeroDivisionError


def test_an_answer_is_worked_out_once():
    memory = Memory()
    assert memory.recall("key", lambda: 1) == memory.recall("key", fails) == 1


def test_of_a_failure_nothing_is_left():
    memory = Memory()
    for key in range(3):
        with pytest.raises(ZeroDivisionError):
            memory.recall(key, fails)
    assert not memory._working
    assert memory.recall(0, lambda: 2) == 2
