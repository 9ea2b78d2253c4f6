"""Hindsight: one look at the days answers what three looks would."""

from datetime import date

import pytest

from models.level import Level
from regulars.errors import HistoryError
from serving.scoring.hindsight import Hindsight
from serving.scoring.past_level import level_question
from serving.scoring.past_windows import Question, past_windows
from serving.scoring.past_years import long_run_question
from serving.scoring.revenue import misses_question

NIGHT = date(1998, 4, 20)


@pytest.fixture(scope="module")
def known(sample_ledger):
    return sample_ledger.before(NIGHT)


def test_together_questions_are_answered_as_each_alone(small_bundle, known):
    alone = [
        question(small_bundle, known.span, NIGHT).alone(known, small_bundle.btyd)
        for question in (level_question, long_run_question, misses_question)
    ]
    assert Hindsight.of(small_bundle, known, NIGHT) == Hindsight(*alone)
    assert isinstance(alone[0], Level)


def test_a_question_sees_no_window_that_it_did_not_ask_for(small_bundle, known):
    mine, other = (NIGHT, 30), (date(1998, 1, 1), 30)
    found = past_windows(known, small_bundle.btyd, [mine, other])
    assert Question(frozenset([mine]), set).answer(found) == {mine}


def test_a_date_before_the_first_complete_window_is_refused(small_bundle, known):
    with pytest.raises(HistoryError, match="complete window"):
        level_question(small_bundle, known.span, date(1997, 2, 20))
