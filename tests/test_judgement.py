"""Judgement: a registered bundle as it is, where it cannot have seen the outcome, predicting exactly as scores do."""

from dataclasses import replace
from datetime import date, timedelta

import pandas as pd
import pytest

from features.snapshot import snapshot
from features.window import Span
from models.registry import Registered
from regulars.errors import HistoryError
from serving.score import score
from serving.store import Store
from training.baselines import BASELINES
from training.evaluate import MODEL, evaluate, predict_all
from training.fit import Fitting
from training.promotion.judgement import fitted_at, judge_registered, judged_dates, trained_as_of

# The bundle of the fixtures was trained as of 1998-04-01, and the log ends on 1998-06-30.
TRAINED, HORIZON = date(1998, 4, 1), 90
LITTLE = Fitting(rows=1_000, spend_trees=40, churn_trees=40)


@pytest.fixture(scope="module")
def registered(small_bundle):
    return Registered(small_bundle, "regulars-90d", "7", "run-of-the-test")


@pytest.fixture(scope="module")
def earlier(sample_ledger):
    """What an evaluation at an as-of date fits there, and how it does."""
    return evaluate(sample_ledger, date(1998, 3, 11), HORIZON, LITTLE)


class TestDates:
    SPAN = Span(date(2023, 1, 1), date(2024, 12, 31))
    NEWEST = date(2024, 10, 3)

    def test_they_are_the_newest_complete_windows_a_quarter_of_the_horizon_apart_oldest_first(self):
        found = judged_dates(self.SPAN, date(2024, 1, 1), 90)
        assert found == tuple(self.NEWEST - timedelta(days=22 * i) for i in (3, 2, 1, 0))
        assert self.NEWEST + timedelta(days=90) == self.SPAN.end

    def test_none_is_before_the_training(self):
        since = self.NEWEST - timedelta(days=22)
        assert judged_dates(self.SPAN, since, 90) == (since, self.NEWEST)
        assert judged_dates(self.SPAN, since + timedelta(days=1), 90) == (self.NEWEST,)

    def test_there_is_none_as_long_as_the_first_window_is_not_complete(self):
        assert judged_dates(self.SPAN, self.NEWEST, 90) == (self.NEWEST,)
        assert judged_dates(self.SPAN, self.NEWEST + timedelta(days=1), 90) == ()

    def test_a_horizon_of_days_has_windows_of_days(self):
        assert len(judged_dates(self.SPAN, date(2024, 12, 1), 2, 4)) == 4

    def test_no_cut_off_is_a_mistake(self):
        with pytest.raises(HistoryError, match="at least 1"):
            judged_dates(self.SPAN, date(2024, 1, 1), 90, 0)


@pytest.mark.slow
class TestPredictions:
    def test_they_are_those_of_a_scoring_run(self, sample_ledger, registered, tmp_path):
        night = date(1998, 4, 20)
        score(sample_ledger, night, registered, Store(tmp_path / "store"))
        scores = Store(tmp_path / "store").scores(night).to_pandas().set_index("customer_id").sort_index()
        fitted = fitted_at(sample_ledger, registered.bundle, night)
        predicted = predict_all(fitted.bundle, snapshot(sample_ledger, night, registered.bundle.window_days))
        predicted = predicted.droplevel("as_of").sort_index()
        columns = ["expected_spend", "median_spend", "expected_spend_low", "expected_spend_high", "churn_probability"]
        # A scoring adds up the past of single customers, a training that of groups: their last digits differ.
        pd.testing.assert_frame_equal(predicted[columns], scores[columns], rtol=1e-9, atol=1e-12)

    def test_the_level_is_that_of_the_as_of_date(self, sample_ledger, small_bundle):
        assert trained_as_of(small_bundle) == TRAINED
        levels = {day: fitted_at(sample_ledger, small_bundle, day).bundle.level for day in (TRAINED, date(1998, 5, 1))}
        assert levels[TRAINED] == small_bundle.level
        assert levels[date(1998, 5, 1)] != small_bundle.level

    def test_what_comes_after_the_as_of_date_plays_no_part(self, sample_ledger, small_bundle):
        day = date(1998, 4, 2)
        whole, ended = (fitted_at(ledger, small_bundle, day) for ledger in (sample_ledger, sample_ledger.before(day)))
        assert whole.bundle.level == ended.bundle.level


@pytest.mark.slow
class TestBacktest:
    def test_at_the_as_of_date_of_its_training_a_bundle_does_what_the_evaluation_found(self, sample_ledger, earlier):
        registered = Registered(earlier.fitted.bundle, "regulars-90d", "3", "run")
        found = judge_registered(sample_ledger, registered, 2)
        assert [evaluation.as_of for evaluation in found.evaluations] == [date(1998, 3, 11), date(1998, 4, 2)]
        pd.testing.assert_frame_equal(found.evaluations[0].metrics, earlier.metrics, check_exact=True)
        assert found.registered is registered

    def test_the_baselines_know_what_anybody_knows_at_the_date_and_not_what_the_bundle_knew(
        self, sample_ledger, earlier
    ):
        old = Registered(earlier.fitted.bundle, "regulars-90d", "3", "run")
        found = judge_registered(sample_ledger, old, 1).evaluations[0]
        fresh = evaluate(sample_ledger, found.as_of, HORIZON, LITTLE)
        names = list(BASELINES)
        pd.testing.assert_frame_equal(found.metrics.loc[names], fresh.metrics.loc[names], check_exact=True)
        assert found.metrics.loc[MODEL, "gini"] != fresh.metrics.loc[MODEL, "gini"]

    def test_it_says_which_version_it_judged(self, sample_ledger, registered):
        found = judge_registered(sample_ledger, registered).to_dict()
        assert (found["model"], found["model_version"]) == ("regulars-90d", "7")
        assert [window["as_of"] for window in found["windows"]] == ["1998-04-02"]

    def test_a_bundle_that_has_seen_every_outcome_is_not_judged_and_the_first_date_is_named(
        self, sample_ledger, registered
    ):
        young = replace(registered.bundle, facts={**registered.bundle.facts, "as_of": "1998-05-01"})
        with pytest.raises(HistoryError) as refusal:
            judge_registered(sample_ledger, replace(registered, bundle=young))
        assert all(text in str(refusal.value) for text in ("version 7", "1998-05-01", "1998-07-30", "1998-06-30"))
