"""The window rule: which past windows teach an as-of date, as worked examples and as properties."""

import itertools
from datetime import date, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from features.window import Lesson, Span, history_days, outcome_end, rolling, schedule
from regulars.errors import HistoryError

ONLINE_RETAIL = Span(date(2009, 12, 1), date(2011, 12, 9))
CDNOW = Span(date(1997, 1, 1), date(1998, 6, 30))
FIRST_DAY = date(2020, 1, 1)


def log_of(days):
    """Return the span of a log of so many days."""
    return Span(FIRST_DAY, FIRST_DAY + timedelta(days=days - 1))


# The outcome window


def test_the_outcome_window_is_the_days_from_the_as_of_date_on():
    assert outcome_end(date(2011, 6, 10), 90) == date(2011, 9, 8)
    assert outcome_end(date(2024, 2, 28), 2) == date(2024, 3, 1)


def test_a_log_covers_a_window_that_ends_with_its_last_day():
    span = Span(date(2020, 1, 1), date(2020, 4, 30))
    assert span.end == date(2020, 5, 1)
    assert span.covers(date(2020, 4, 1), 30)
    assert not span.covers(date(2020, 4, 1), 31)
    assert not span.covers(date(2020, 4, 2), 30)


def test_a_log_covers_no_window_that_begins_with_its_first_day():
    span = log_of(100)
    assert not span.covers(FIRST_DAY, 30)
    assert span.covers(FIRST_DAY + timedelta(days=1), 30)


def test_history_is_counted_from_the_first_day():
    assert history_days(ONLINE_RETAIL, date(2011, 6, 10)) == 556
    assert history_days(log_of(10), FIRST_DAY + timedelta(days=1)) == 1


def test_there_is_no_history_before_the_second_day():
    with pytest.raises(HistoryError, match=r"nothing is known at 2020-01-01: .* choose an as-of date after 2020-01-01"):
        history_days(log_of(10), FIRST_DAY)
    with pytest.raises(HistoryError, match="nothing is known at 2019-12-31"):
        schedule(log_of(400), date(2019, 12, 31), 30)


# Training windows: worked examples


def test_online_retail_with_a_quarter_ahead_has_twelve_windows_three_weeks_apart():
    plan = schedule(ONLINE_RETAIL, date(2011, 6, 10), 90)
    assert (plan.window_days, plan.step_days, len(plan.cutoffs)) == (90, 21, 12)
    assert plan.cutoffs[:2] == (date(2011, 3, 12), date(2011, 2, 19))
    assert plan.cutoffs[-1] == date(2011, 3, 12) - timedelta(days=11 * 21)
    assert plan.last_year == date(2010, 6, 11)
    assert not plan.settled
    assert not plan.extrapolates


def test_online_retail_with_a_year_ahead_learns_from_a_third_of_its_history():
    plan = schedule(ONLINE_RETAIL, date(2010, 12, 1), 365)
    assert (plan.window_days, plan.step_days) == (365 // 3, 28)
    assert plan.extrapolates
    assert plan.cutoffs[0] == date(2010, 12, 1) - timedelta(days=121)
    # History of at least 0.3 windows (36 days) before each: 244 - 28 i.
    assert len(plan.cutoffs) == 8
    assert plan.last_year is None


def test_cdnow_after_nine_months_learns_from_a_third_of_its_history():
    plan = schedule(CDNOW, date(1997, 10, 1), 270)
    assert (plan.window_days, plan.step_days, plan.extrapolates) == (91, 21, True)
    assert plan.cutoffs == tuple(date(1997, 7, 2) - timedelta(days=21 * i) for i in range(8))


def test_cdnow_after_a_year_learns_from_whole_quarters():
    plan = schedule(CDNOW, date(1998, 1, 1), 90)
    assert (plan.window_days, plan.step_days, plan.extrapolates) == (90, 21, False)
    # 275 days of history before the newest cut-off, 28 at least before the oldest.
    assert len(plan.cutoffs) == 12
    assert (plan.cutoffs[-1] - CDNOW.first_day).days == 44
    assert plan.last_year is None


@pytest.mark.parametrize(
    ("history", "horizon", "window"),
    [
        (122, 90, 90),  # 32 days before the window: 0.35 horizons are 31.5
        (121, 90, 40),  # 31 days are too few: a third of the history
        (58, 30, 30),  # 28 days before the window, four weeks at least
        (57, 30, 19),
        (493, 365, 365),  # 128 days: 0.35 years are 127.75
        (492, 365, 164),
    ],
)
def test_a_window_is_the_horizon_where_enough_history_is_left_before_it(history, horizon, window):
    plan = schedule(log_of(history), FIRST_DAY + timedelta(days=history), horizon)
    assert plan.window_days == window
    assert plan.extrapolates == (window < horizon)


@pytest.mark.parametrize(
    ("window", "step"), [(7, 7), (28, 7), (55, 7), (56, 14), (83, 14), (84, 21), (90, 21), (270, 63), (365, 91)]
)
def test_windows_are_a_quarter_apart_in_whole_weeks_and_a_week_at_least(window, step):
    assert schedule(log_of(1_500), FIRST_DAY + timedelta(days=1_500), window).step_days == step


def test_a_window_may_be_fixed():
    plan = schedule(ONLINE_RETAIL, date(2011, 6, 10), 90, window_days=60)
    assert (plan.window_days, plan.step_days, plan.cutoffs[0]) == (60, 14, date(2011, 4, 11))
    assert plan.extrapolates


def test_history_before_the_oldest_window_is_four_weeks_at_least():
    # 28 days, and no day less, lie before the newest cut-off.
    assert schedule(log_of(58), FIRST_DAY + timedelta(days=58), 30).cutoffs == (FIRST_DAY + timedelta(days=28),)


def test_where_the_log_ends_before_the_as_of_date_the_newest_window_ends_with_the_log():
    plan = schedule(ONLINE_RETAIL, date(2012, 1, 20), 90)
    assert plan.cutoffs[0] == date(2011, 12, 10) - timedelta(days=90)


def test_a_log_that_ended_too_long_ago_is_refused():
    with pytest.raises(HistoryError, match=r"no complete window of 90 days .* \(the log ends on 2020-03-30\)"):
        schedule(log_of(90), FIRST_DAY + timedelta(days=600), 90)


def test_last_year_is_the_same_weekday_and_needs_its_whole_window_and_history():
    as_of = date(2011, 12, 1)
    assert schedule(ONLINE_RETAIL, as_of, 90).last_year == date(2010, 12, 2)
    assert as_of.weekday() == date(2010, 12, 2).weekday()
    # 28 days before last year's date, and not one less.
    assert schedule(log_of(392), FIRST_DAY + timedelta(days=392), 30).last_year == FIRST_DAY + timedelta(days=28)
    assert schedule(log_of(391), FIRST_DAY + timedelta(days=391), 30).last_year is None
    # Its window must end before the as-of date.
    assert schedule(log_of(2_000), FIRST_DAY + timedelta(days=2_000), 364).last_year is not None
    assert schedule(log_of(2_000), FIRST_DAY + timedelta(days=2_000), 365).last_year is None


def test_last_year_is_settled_with_two_years_behind_it():
    for days, settled in [(364 + 729, False), (364 + 730, True)]:
        assert schedule(log_of(days), FIRST_DAY + timedelta(days=days), 90).settled is settled


def test_the_year_before_is_that_of_the_newest_window_and_needs_enough_history():
    # The newest window begins 30 days before the as-of date: 28 days must lie before the day 394 days ago.
    plan = schedule(log_of(422), FIRST_DAY + timedelta(days=422), 30)
    assert plan.year_before == FIRST_DAY + timedelta(days=28) == plan.cutoffs[0] - timedelta(days=364)
    plan = schedule(log_of(421), FIRST_DAY + timedelta(days=421), 30)
    assert plan.last_year is not None
    assert plan.year_before is None


def test_without_a_last_year_there_is_no_year_before():
    assert schedule(log_of(2_000), FIRST_DAY + timedelta(days=2_000), 365).year_before is None


def test_a_level_forecast_reads_cutoffs_a_year_ago_and_the_as_of_date_once_each():
    plan = schedule(ONLINE_RETAIL, date(2011, 6, 10), 90)
    years_ago = {date(2010, 6, 11), date(2010, 3, 13)}
    assert plan.dates == tuple(sorted({*plan.cutoffs, *years_ago, date(2011, 6, 10)}))


def test_windows_of_half_the_length_teach_as_well():
    plan = schedule(ONLINE_RETAIL, date(2011, 6, 10), 90)
    # A quarter of 45 days in whole weeks is one week.
    newest = date(2011, 6, 10) - timedelta(days=45)
    assert plan.others == (Lesson(45, tuple(newest - timedelta(days=7 * i) for i in range(4))),)


def test_longer_windows_teach_as_well_where_the_horizon_is_longer():
    plan = schedule(ONLINE_RETAIL, date(2010, 12, 1), 365)
    assert [lesson.window_days for lesson in plan.others] == [60, 182, 242]
    # Three weeks, six and eight apart; 36 days lie before each, as before the main windows.
    assert [len(lesson.cutoffs) for lesson in plan.others] == [4, 4, 2]
    assert plan.others[2].cutoffs[0] == date(2010, 12, 1) - timedelta(days=242)


def test_the_same_season_teaches_where_the_log_has_seen_it_three_times_before():
    after = 3 * 364 + 28
    assert schedule(log_of(after - 1), FIRST_DAY + timedelta(days=after - 1), 90).seasons == ()
    plan = schedule(log_of(after), as_of := FIRST_DAY + timedelta(days=after), 90)
    ages = [(as_of - day).days for day in plan.seasons]
    # A step before and after a year ago and two, and of the first year what leaves four weeks of history.
    assert ages == [343, 364, 385, 707, 728, 749, 1071, 1092]
    assert min(ages) > (as_of - plan.cutoffs[-1]).days
    assert plan.main == Lesson(90, plan.cutoffs + plan.seasons)


def test_at_most_four_earlier_years_teach():
    plan = schedule(log_of(4_000), as_of := FIRST_DAY + timedelta(days=4_000), 28)
    assert sorted({round((as_of - day).days / 364) for day in plan.seasons}) == [1, 2, 3, 4]


def test_a_window_of_more_than_half_a_year_has_no_season():
    as_of = FIRST_DAY + timedelta(days=4_000)
    assert schedule(log_of(4_000), as_of, 182).seasons != ()
    assert schedule(log_of(4_000), as_of, 183).seasons == ()


def test_windows_of_less_than_a_week_teach_nothing():
    assert schedule(log_of(400), FIRST_DAY + timedelta(days=400), 12).others == ()
    assert schedule(log_of(400), FIRST_DAY + timedelta(days=400), 14).others[0].window_days == 7


@pytest.mark.parametrize(("days", "horizon"), [(41, 10), (20, 30), (1, 1)])
def test_a_log_that_is_too_short_to_learn_from_is_refused(days, horizon):
    with pytest.raises(HistoryError, match="at least 42 are needed"):
        schedule(log_of(days), FIRST_DAY + timedelta(days=days), horizon)


def test_a_horizon_of_more_than_twice_the_history_is_refused_with_the_longest_that_is_not():
    with pytest.raises(HistoryError, match=r"more than twice the 100 days .* ask for at most 200 days"):
        schedule(log_of(100), FIRST_DAY + timedelta(days=100), 201)
    assert schedule(log_of(100), FIRST_DAY + timedelta(days=100), 200).window_days == 33


# Training windows: properties


@given(days=st.integers(42, 4_000), horizon=st.integers(1, 800), later=st.integers(-1_000, 60))
def test_no_training_window_passes_the_as_of_date_or_the_end_of_the_log(days, horizon, later):
    span = log_of(days)
    as_of = span.end + timedelta(days=later)
    assume((as_of - FIRST_DAY).days >= max(42, horizon / 2))
    try:
        plan = schedule(span, as_of, horizon)
    except HistoryError:
        assert later > 0, "only a log that ends before the as-of date may lack every window"
        return
    assert 1 <= len(plan.cutoffs) <= 12
    steps = {newer - older for newer, older in itertools.pairwise(plan.cutoffs)}
    assert steps <= {timedelta(days=plan.step_days)}
    assert plan.step_days % 7 == 0
    assert plan.window_days <= horizon or not plan.extrapolates
    main = Lesson(plan.window_days, tuple({*plan.dates} - {as_of}))
    for lesson in (main, *plan.others):
        for cutoff in lesson.cutoffs:
            assert outcome_end(cutoff, lesson.window_days) <= min(as_of, span.end)
            assert (cutoff - FIRST_DAY).days >= max(28, int(0.3 * plan.window_days))
    assert all(len(lesson.cutoffs) <= 4 and lesson.window_days != plan.window_days for lesson in plan.others)
    assert outcome_end(plan.cutoffs[0], plan.window_days) == min(as_of, span.end)


@given(days=st.integers(50, 2_000), horizon=st.integers(1, 400), known=st.integers(42, 2_000))
def test_days_at_or_after_the_as_of_date_change_no_training_window(days, horizon, known):
    assume(max(42, horizon / 2) <= known < days)
    as_of = FIRST_DAY + timedelta(days=known)
    assert schedule(log_of(days), as_of, horizon) == schedule(log_of(known), as_of, horizon)


# Rolling windows of a backtest


def test_rolling_windows_are_the_newest_complete_ones_end_to_end():
    assert rolling(ONLINE_RETAIL, 90, 4) == (
        date(2010, 12, 15),
        date(2011, 3, 15),
        date(2011, 6, 13),
        date(2011, 9, 11),
    )
    assert rolling(CDNOW, 91, 1) == (date(1998, 4, 1),)


def test_rolling_windows_without_six_weeks_before_them_are_left_out():
    assert rolling(log_of(102), 30, 4) == tuple(FIRST_DAY + timedelta(days=day) for day in (42, 72))
    assert rolling(log_of(101), 30, 4) == (FIRST_DAY + timedelta(days=71),)


def test_a_log_without_one_rolling_window_is_refused():
    with pytest.raises(HistoryError, match="no complete outcome window of 90 days leaves 42 days of history"):
        rolling(log_of(131), 90, 4)
    assert rolling(log_of(132), 90, 4) == (FIRST_DAY + timedelta(days=42),)


@given(days=st.integers(43, 3_000), horizon=st.integers(1, 400), cutoffs=st.integers(1, 20))
def test_rolling_windows_are_covered_do_not_overlap_and_end_with_the_log(days, horizon, cutoffs):
    assume(days - horizon >= 42)
    span = log_of(days)
    found = rolling(span, horizon, cutoffs)
    assert 1 <= len(found) <= cutoffs
    assert all(span.covers(day, horizon) for day in found)
    assert all(outcome_end(day, horizon) == later for day, later in itertools.pairwise(found))
    assert outcome_end(found[-1], horizon) == span.end
