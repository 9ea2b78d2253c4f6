"""Lessons: the rows that models are fitted on, each with the level and the length of its own outcome window."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from features.catalogue import catalogue
from features.window import Lesson, Schedule
from models.bundle import HISTORY, modelled
from models.gaps import GAPS
from models.outlook import Outlook
from training.fitting import Fitting
from training.lessons import Lessons
from training.table import OUTCOMES

FEW_TREES = Fitting(spend_trees=20, churn_trees=20)


# The outlook


def test_a_plain_outlook_is_one_snapshot_at_level_1_of_whole_windows():
    outlook = Outlook.plain(3, rate=0.2)
    assert outlook.whole.all()
    assert outlook.weight is None
    for name in ("ahead", "spend", "orders", "spend_growth", "orders_growth", "active"):
        assert getattr(outlook, name).tolist() == [1.0] * 3, name
    assert outlook.rate.tolist() == [0.2] * 3
    assert len(np.unique(outlook.snapshot)) == 1


def test_a_part_of_an_outlook_is_that_of_its_rows():
    kept = np.array([True, False, False, True])
    outlook = replace(Outlook.plain(4), ahead=np.array([1.0, 0.5, 2.0, 1.0]), spend=np.array([1.0, 2.0, 3.0, 4.0]))
    assert outlook.whole.tolist() == kept.tolist()
    assert outlook.part(kept).spend.tolist() == [1.0, 4.0]
    assert outlook.part(kept).weight is None
    weighted = replace(outlook, weight=np.array([1.0, 0.5, 0.5, 0.25])).part(kept)
    assert weighted.weight.tolist() == [1.0, 0.25]
    assert all(len(values) == 2 for values in vars(weighted).values())


# Lessons of a training table


def window_of(lessons, past):
    """Return the window that each row's outcome belongs to."""
    starts = lessons.features.index.get_level_values("as_of")
    return [past[days][start.date()] for days, start in zip(lessons.outcome["ahead_days"], starts, strict=True)]


def test_models_read_the_snapshot_btyd_the_gap_curve_and_the_length_of_the_window(small_lessons, small_past):
    lessons, found = small_lessons, small_past
    known = found.table.drop(columns=list(OUTCOMES))
    expected = modelled(found.encoding.encode(known), found.btyd, found.gaps, 60)
    assert list(lessons.features.columns) == list(expected.columns)
    assert set(GAPS) < set(lessons.features.columns)
    pd.testing.assert_frame_equal(
        lessons.features.drop(columns="ahead_log"), expected.drop(columns="ahead_log"), check_exact=True
    )
    assert not set(OUTCOMES) & set(lessons.features.columns)


def test_rows_of_half_the_length_count_half_and_say_so(small_lessons):
    outlook, days = small_lessons.outlook, small_lessons.outcome["ahead_days"].to_numpy()
    assert set(days) == {60, 30}
    assert np.array_equal(outlook.ahead, days / 60)
    assert np.array_equal(outlook.whole, days == 60)
    assert np.array_equal(outlook.weight, np.where(days == 60, 1.0, 0.5))
    assert np.array_equal(small_lessons.features["ahead_log"], np.log(days / 60))


def test_every_row_has_the_level_and_the_rate_of_its_own_window(small_lessons, small_past):
    outlook, found = small_lessons.outlook, window_of(small_lessons, small_past.past)
    assert outlook.spend.tolist() == [window.level("spend") for window in found]
    assert outlook.orders.tolist() == [window.level("orders") for window in found]
    assert outlook.rate.tolist() == [window.happened["active"] / window.customers for window in found]


def test_a_snapshot_is_an_as_of_date_and_a_length(small_lessons):
    keys = [small_lessons.outcome["ahead_days"].to_numpy(), small_lessons.features.index.get_level_values("as_of")]
    labels = pd.Series(small_lessons.outlook.snapshot).groupby(keys)
    assert labels.min().equals(labels.max())
    assert labels.min().is_unique


def test_what_btyd_expects_of_a_window_is_that_of_its_own_length(small_lessons, small_past):
    features, outlook = small_lessons.features, small_lessons.outlook
    whole = outlook.whole
    assert (outlook.spend_growth[whole] == 1.0).all()
    assert (outlook.orders_growth[whole] == 1.0).all()
    assert np.array_equal(outlook.active[whole], features["btyd_active"][whole])
    near = small_past.btyd.predict(features.loc[~whole, list(HISTORY)], 30)
    assert np.array_equal(outlook.active[~whole], near["active"])
    assert outlook.spend_growth[~whole] * features["btyd_spend"].to_numpy()[~whole] == pytest.approx(
        near["spend"].to_numpy()
    )
    assert outlook.orders_growth[~whole] * features["btyd_orders"].to_numpy()[~whole] == pytest.approx(
        near["orders"].to_numpy()
    )
    assert (outlook.spend_growth[~whole] < 1.0).all()


def test_spend_is_that_of_the_window_and_not_below_nothing(small_lessons):
    assert np.array_equal(small_lessons.spend, small_lessons.outcome["net_spend"])
    part = small_lessons.part(np.arange(len(small_lessons.outcome)) < 2)
    assert replace(part, outcome=part.outcome.assign(net_spend=[-5.0, 7.0])).spend.tolist() == [0.0, 7.0]


def test_a_part_of_lessons_is_some_of_their_rows(small_lessons):
    rows = np.arange(len(small_lessons.features)) % 3 == 0
    part = small_lessons.part(rows)
    assert part.features.equals(small_lessons.features[rows])
    assert part.outcome.equals(small_lessons.outcome[rows])
    assert np.array_equal(part.outlook.snapshot, small_lessons.outlook.snapshot[rows])
    assert (small_lessons.whole.outcome["ahead_days"] == 60).all()
    assert len(small_lessons.whole.features) == small_lessons.outlook.whole.sum()


def test_without_windows_of_other_lengths_there_are_whole_ones_alone(small_past):
    found = small_past
    plan: Schedule = replace(found.plan, others=(Lesson(30, ()),))
    whole = found.table[found.table["ahead_days"] == 60]
    lessons = Lessons.of(whole, found.encoding, found.btyd, found.gaps, {60: found.past[60]}, plan)
    assert lessons.outlook.weight is None
    assert (lessons.features["ahead_log"] == 0.0).all()


def test_no_lesson_ends_after_the_as_of_date(small_lessons, small_past):
    starts = small_lessons.features.index.get_level_values("as_of")
    ends = starts + pd.to_timedelta(small_lessons.outcome["ahead_days"].to_numpy(), unit="D")
    assert ends.max() == pd.Timestamp(small_past.plan.as_of)
    assert starts.max() == pd.Timestamp(small_past.plan.as_of - timedelta(days=30))


# What is fitted on them


def test_models_are_fitted_as_asked(small_lessons):
    fitting = Fitting(seed=3, threads=1, spend_trees=4, churn_trees=3, without=("member:ridge",))
    spend, churn = small_lessons.fit_spend(60, fitting, ("weekday",)), small_lessons.fit_churn(fitting, ("weekday",))
    assert spend.horizon_days == 60
    assert (spend.trees, churn.trees) == (4, 3)
    assert {spend.seed, churn.seed} == {3}
    assert spend.members == ("linear", "spend", "count")
    assert churn.members == ("rate", "btyd")
    assert spend.unused == churn.unused == ("weekday",)


def test_in_another_currency_the_same_is_learnt(small_lessons, sample_ledger):
    names = [*catalogue(sample_ledger).query("unit == 'money'").index, "btyd_order_value", "btyd_spend"]
    found = {}
    for by in (1.0, 128.0):
        features = small_lessons.features.assign(**{name: small_lessons.features[name] * by for name in names})
        outcome = small_lessons.outcome.assign(net_spend=small_lessons.outcome["net_spend"] * by)
        lessons = replace(small_lessons, features=features, outcome=outcome)
        spend, churn = lessons.fit_spend(60, FEW_TREES), lessons.fit_churn(FEW_TREES)
        found[by] = (
            spend.predict(lessons.features) / by,
            spend.predict_orders(lessons.features),
            churn.active_logit(lessons.features),
        )
    assert "ridge" in spend.members_
    assert found[128.0][0] == pytest.approx(found[1.0][0], rel=1e-6)
    assert np.array_equal(found[128.0][1], found[1.0][1])
    assert np.array_equal(found[128.0][2], found[1.0][2])


def test_windows_of_another_length_teach_the_trees_and_move_no_level(small_lessons):
    # Twice the spend in all shorter windows, at twice the level, is the same lesson.
    whole = small_lessons.outlook.whole
    by = np.where(whole, 1.0, 2.0)
    doubled = replace(
        small_lessons,
        outcome=small_lessons.outcome.assign(
            net_spend=small_lessons.outcome["net_spend"] * by, outcome_days=small_lessons.outcome["outcome_days"] * by
        ),
        outlook=replace(
            small_lessons.outlook, spend=small_lessons.outlook.spend * by, orders=small_lessons.outlook.orders * by
        ),
    )
    asked = small_lessons.whole.features
    told, again, alone = (
        lessons.fit_spend(60, FEW_TREES).predict(asked) for lessons in (small_lessons, doubled, small_lessons.whole)
    )
    assert np.array_equal(again, told)
    assert not np.array_equal(alone, told)
    assert told.sum() == pytest.approx(alone.sum(), rel=0.05)
