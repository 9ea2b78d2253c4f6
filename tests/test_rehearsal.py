"""The rehearsal: newer windows predicted from older ones, and a simpler recipe only where it did clearly better."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sklearn.metrics import log_loss, mean_tweedie_deviance

import training.rehearsal
from features.window import Schedule, Span, schedule
from models.churn import PARAMETRIC
from models.outlook import Outlook
from models.spend import BTYD_ALONE
from regulars.errors import HistoryError
from training.fitting import Fitting
from training.lessons import Lessons
from training.rehearsal import CLEARLY, Rehearsal, newer_cutoffs, rehearse

FEW_TREES = Fitting(spend_trees=10, churn_trees=10, threads=1)
FULL, ODDS = FEW_TREES.spend_members, FEW_TREES.churn_members
NEWEST = date(2024, 6, 1)


def plan_of(window_days, step_days, cutoffs):
    dates = tuple(NEWEST - timedelta(days=step_days * i) for i in range(cutoffs))
    as_of = NEWEST + timedelta(days=window_days)
    return Schedule(as_of, window_days, window_days, step_days, dates, None, None, False)


# Which windows are newer


@pytest.mark.parametrize(
    ("window_days", "step_days", "cutoffs", "newer"),
    [
        (
            90,
            21,
            12,
            4,
        ),  # five steps hold a window: of 12, four are newer and three older ones end before them, and one
        (60, 14, 12, 4),
        (7, 7, 12, 6),
        (30, 7, 12, 4),
        (90, 21, 6, 1),  # the sixth is over when the first begins
        (90, 21, 5, 0),
        (90, 21, 1, 0),
    ],
)
def test_the_newest_windows_are_predicted_as_many_as_leave_older_ones_that_were_over(
    window_days, step_days, cutoffs, newer
):
    plan = plan_of(window_days, step_days, cutoffs)
    found = newer_cutoffs(plan)
    assert found == plan.cutoffs[:newer]
    over = [day for day in plan.cutoffs if found and day + timedelta(days=window_days) <= found[-1]]
    assert len(over) >= newer


@given(days=st.integers(42, 3_000), horizon=st.integers(1, 600))
def test_some_older_window_was_over_when_the_newer_ones_began(days, horizon):
    assume(days >= horizon / 2)
    span = Span(date(2015, 1, 1), date(2015, 1, 1) + timedelta(days=days - 1))
    try:
        plan = schedule(span, span.end, horizon)
    except HistoryError:
        return
    newer = newer_cutoffs(plan)
    assert newer == plan.cutoffs[: len(newer)]
    if newer:
        assert plan.cutoffs[-1] + timedelta(days=plan.window_days) <= newer[-1]


# What is fitted and what is predicted


@pytest.fixture(scope="module")
def rehearsal(small_lessons, small_past):
    return rehearse(small_lessons, small_past.plan, FEW_TREES)


def first_predicted(small_past):
    return pd.Timestamp(newer_cutoffs(small_past.plan)[-1])


def test_whole_windows_of_the_newer_dates_are_predicted(rehearsal, small_past):
    assert (rehearsal.newer.outcome["ahead_days"] == 60).all()
    dates = {stamp.date() for stamp in rehearsal.newer.features.index.get_level_values("as_of")}
    assert dates == set(newer_cutoffs(small_past.plan))


def test_it_was_fitted_on_windows_that_were_over_by_the_first_date_it_predicts(
    small_lessons, small_past, rehearsal, monkeypatch
):
    fitted = []
    for name in ("fit_spend", "fit_churn"):
        fit = getattr(Lessons, name)
        monkeypatch.setattr(Lessons, name, lambda self, *args, fit=fit: fitted.append(self) or fit(self, *args))
    rehearse(small_lessons, small_past.plan, FEW_TREES)
    assert len(fitted) == 2
    for lessons in fitted:
        days = pd.to_timedelta(lessons.outcome["ahead_days"].to_numpy(), unit="D")
        ends = lessons.features.index.get_level_values("as_of") + days
        assert len(ends) >= 500
        assert ends.max() <= first_predicted(small_past)


def test_nothing_that_was_not_over_by_then_changes_what_it_predicts(small_lessons, small_past, rehearsal):
    days = pd.to_timedelta(small_lessons.outcome["ahead_days"].to_numpy(), unit="D")
    later = np.asarray(small_lessons.features.index.get_level_values("as_of") + days > first_predicted(small_past))
    assert 0 < later.sum() < len(later)
    other = small_lessons.outcome.assign(
        net_spend=np.where(later, 1e4, small_lessons.outcome["net_spend"]),
        outcome_days=np.where(later, 9.0, small_lessons.outcome["outcome_days"]),
        churned=np.where(later, False, small_lessons.outcome["churned"]),
    )
    again = rehearse(replace(small_lessons, outcome=other), small_past.plan, FEW_TREES)
    for members in rehearsal.spend:
        assert np.array_equal(again.spend[members], rehearsal.spend[members]), members
    for members in rehearsal.active_logit:
        assert np.array_equal(again.active_logit[members], rehearsal.active_logit[members]), members


def test_it_compares_the_full_recipe_with_btyd_alone(rehearsal):
    assert list(rehearsal.spend) == [FULL, BTYD_ALONE]
    assert list(rehearsal.active_logit) == [ODDS, PARAMETRIC]
    btyd = rehearsal.newer.features["btyd_spend"].to_numpy()
    shares = rehearsal.spend[BTYD_ALONE] / btyd
    assert shares == pytest.approx(np.full(len(btyd), shares[0]))


def test_a_past_of_too_few_customers_is_not_rehearsed(small_lessons, small_past):
    few = np.arange(len(small_lessons.features)) % 4 == 0
    assert rehearse(small_lessons.part(few), small_past.plan, FEW_TREES) is None


def test_a_past_of_too_few_windows_is_not_rehearsed(small_lessons, small_past):
    short = replace(small_past.plan, cutoffs=small_past.plan.cutoffs[:4])
    assert rehearse(small_lessons, short, FEW_TREES) is None


# What it decides


def made_up(spend, active_logit, happened, churned, snapshot):
    """Return a rehearsal of made-up predictions."""
    n = len(happened)
    outcome = pd.DataFrame({"ahead_days": 60, "net_spend": happened, "outcome_days": 1.0, "churned": churned})
    outlook = replace(Outlook.plain(n), snapshot=np.asarray(snapshot))
    return Rehearsal(Lessons(pd.DataFrame(index=range(n)), outcome, outlook, ()), spend, active_logit)


@pytest.fixture(scope="module")
def simulated():
    """Return what happened in two snapshots to customers of known expectation and log-odds, and a worse guess."""
    rng = np.random.default_rng(0)
    expected, odds = rng.lognormal(2.0, 1.0, 2_000), rng.normal(0.0, 1.5, 2_000)
    happened = expected * rng.gamma(1.0, 1.0, 2_000)
    churned = rng.random(2_000) > 1 / (1 + np.exp(-odds))
    worse = expected * rng.lognormal(0.0, 0.8, 2_000), odds + rng.normal(0.0, 1.0, 2_000)
    return expected, odds, worse, happened, churned, np.arange(2_000) % 2


def test_losses_are_tweedie_deviance_and_log_loss(simulated):
    expected, odds, (worse, worse_odds), happened, churned, _ = simulated
    found = made_up(
        {FULL: expected, BTYD_ALONE: worse}, {ODDS: odds, PARAMETRIC: worse_odds}, happened, churned, [0] * 2_000
    )
    spend, churn = found.losses()
    # Half the deviance of power 1.5 is twice the loss, less what the outcome alone decides.
    pinned = [guess * happened.sum() / guess.sum() for guess in (expected, worse)]
    deviance = [mean_tweedie_deviance(happened, guess, power=1.5) for guess in pinned]
    assert spend[BTYD_ALONE] - spend[FULL] == pytest.approx((deviance[1] - deviance[0]) / 4)
    rate = 1 / (1 + np.exp(-odds))
    assert churn[ODDS] == pytest.approx(log_loss(~churned, rate), abs=2e-3)
    assert churn[ODDS] < churn[PARAMETRIC]


def test_the_level_of_a_snapshot_plays_no_part(simulated):
    expected, odds, _, happened, churned, snapshot = simulated
    by = np.where(snapshot > 0, 3.0, 0.2)
    plain, lifted = (
        made_up({FULL: expected * factor}, {ODDS: odds + np.log(factor)}, happened, churned, snapshot).losses()
        for factor in (np.ones(2_000), by)
    )
    assert lifted[0][FULL] == pytest.approx(plain[0][FULL])
    assert lifted[1][ODDS] == pytest.approx(plain[1][ODDS])


def test_a_recipe_that_did_better_is_trusted_and_otherwise_the_full_one(simulated):
    expected, odds, (worse, worse_odds), *rest = simulated
    simple = made_up({FULL: worse, BTYD_ALONE: expected}, {ODDS: worse_odds, PARAMETRIC: odds}, *rest)
    assert simple.best() == (BTYD_ALONE, PARAMETRIC)
    full = made_up({FULL: expected, BTYD_ALONE: worse}, {ODDS: odds, PARAMETRIC: worse_odds}, *rest)
    assert full.best() == (FULL, ODDS)


def test_spend_and_churn_are_decided_apart(simulated):
    expected, odds, (worse, worse_odds), *rest = simulated
    mixed = made_up({FULL: expected, BTYD_ALONE: worse}, {ODDS: worse_odds, PARAMETRIC: odds}, *rest)
    assert mixed.best() == (FULL, PARAMETRIC)


@pytest.mark.parametrize(("full", "chosen"), [(1.0, FULL), (1.019, FULL), (1.021, BTYD_ALONE), (2.0, BTYD_ALONE)])
def test_a_simpler_recipe_has_to_be_more_than_2_percent_better(monkeypatch, full, chosen):
    assert CLEARLY == 0.02
    losses = iter([full, 1.0])
    monkeypatch.setattr(training.rehearsal, "_tweedie", lambda *_: next(losses))
    ones = np.ones(4)
    found = made_up({FULL: ones, BTYD_ALONE: ones}, {ODDS: ones}, ones, [True, False] * 2, [0] * 4)
    assert found.best()[0] == chosen


@pytest.mark.parametrize("came_back", [True, False])
def test_where_nobody_or_everybody_came_back_some_recipe_is_trusted(came_back):
    happened, guess = np.full(50, 7.0 * came_back), np.linspace(1.0, 2.0, 50)
    churned = np.full(50, not came_back)
    found = made_up({FULL: guess, BTYD_ALONE: guess**2}, {ODDS: guess, PARAMETRIC: -guess}, happened, churned, [0] * 50)
    spend, churn = found.losses()
    assert np.isfinite([*spend.values(), *churn.values()]).all()
    assert found.best()[0] in (FULL, BTYD_ALONE)
    assert found.best()[1] == ODDS


# Through a fit


def test_btyds_own_customers_are_best_predicted_by_btyd(small_past, small_lessons):
    # Where spend is BTYD's expectation times luck, trees find nothing that lasts.
    rng = np.random.default_rng(1)
    features, ahead = small_lessons.features, small_lessons.outlook
    orders = rng.poisson(features["btyd_orders"] * ahead.orders_growth)
    happened = orders * features["btyd_order_value"] * rng.gamma(0.5, 2.0, len(features))
    lucky = small_lessons.outcome.assign(net_spend=happened, outcome_days=orders * 1.0, churned=orders == 0)
    level = replace(ahead, spend=np.ones(len(features)), orders=np.ones(len(features)))
    found = rehearse(replace(small_lessons, outcome=lucky, outlook=level), small_past.plan, FEW_TREES)
    spend, churn = found.losses()
    assert spend[BTYD_ALONE] < spend[FULL]
    assert churn[PARAMETRIC] < churn[ODDS]
