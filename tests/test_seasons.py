"""Seasons of customers: who gives every spring is not expected in autumn, once the log has seen enough years."""

from datetime import date
from types import SimpleNamespace

import pytest

from benchmarks.accuracy.made_up.giving import Charity
from features.ledger import build_ledger
from features.log import Log
from regulars.results import training_facts
from training.card.recipe import lessons
from training.evaluate import MODEL, evaluate
from training.fitting import Fitting

LITTLE = Fitting(rows=8_000, spend_trees=80, churn_trees=80)
AUTUMN = date(2024, 10, 2)


@pytest.fixture(scope="module")
def giving():
    """Return the ledger of a charity to which most give in December, others on a day of their own."""
    return build_ledger(Log(Charity(donors=2_000).log(11)))


@pytest.fixture(scope="module")
def judged(giving):
    return evaluate(giving, AUTUMN, 90, LITTLE)


def test_windows_of_the_same_season_teach_and_the_others_count_less(judged):
    plan = judged.fitted.plan
    assert [round((AUTUMN - day).days / 364) for day in plan.seasons] == [1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4]
    assert {"season_days", "gap_mean"} & set(judged.fitted.bundle.spend.unused) == set()


def test_a_training_and_its_card_say_so(judged):
    version = SimpleNamespace(name="regulars-90d", version="1", alias="champion", run_id="0")
    training = SimpleNamespace(fitted=judged.fitted, evaluation=judged, version=version)
    assert training_facts(training)["learnt from"].endswith(", and at 12 of the same season in earlier years")
    (block,) = lessons(judged.fitted)
    (said,) = (sentence for sentence in block.items if "same season" in sentence)
    assert said.startswith("The same season of earlier years teaches as well: 12 dates, 2020-")


def test_they_tell_better_who_gives_in_this_season(giving, judged, monkeypatch):
    monkeypatch.setattr("features.window.FEWEST_SEASONS", 99)
    monkeypatch.setattr("features.window.MOST_SEASONS", 99)
    without = evaluate(giving, AUTUMN, 90, LITTLE)
    assert without.fitted.plan.seasons == ()
    better, worse = (found.metrics.loc[MODEL] for found in (judged, without))
    assert better["auc"] > worse["auc"] + 0.01
    assert better["log_loss"] < worse["log_loss"] * 0.97
    assert better["gini"] > worse["gini"]
