"""The level rule, every branch worked by hand, and what holds whatever the windows."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.window import SEASON_DAYS, Schedule
from models.btyd import BTYD
from models.level import PRIOR_BUYERS, QUANTITIES, LevelRule, Window, windows

AS_OF = date(2024, 7, 1)
QUARTERLY = LevelRule(window_days=90, step_days=21, extrapolates=False)
YEARLY = LevelRule(window_days=365, step_days=84, extrapolates=False)
LAST_YEAR, BEFORE_LAST = SEASON_DAYS, 90 + SEASON_DAYS
"""Ages of last year's window and of the one a year before the newest, which began 90 days ago."""


def window(age, happened, expected=100.0, before=100.0, customers=1000.0):
    """Return a window that began `age` days before the as-of date, the same numbers for every quantity."""
    sums = [dict.fromkeys(QUANTITIES, value) for value in (happened, expected, before)]
    return Window(AS_OF - timedelta(days=age), customers, *sums)


def at_level(level, age, **sums):
    """Return a window of that level: of 100 expected, 20 prior buyers beside them."""
    return window(age, 120.0 * level - 20.0, **sums)


def forecast(rule, *past, now=None, last_year=None, before=None, settled=False):
    """Forecast from past windows, newest first, and those of a year ago."""
    now = window(0, 0.0) if now is None else now
    dates = Schedule(
        AS_OF,
        rule.window_days,
        rule.window_days,
        rule.step_days,
        tuple(found.as_of for found in past),
        last_year and last_year.as_of,
        before and before.as_of,
        settled,
    )
    # What a horizon is taken for is the rule's to say: it is made with the schedule.
    return rule.forecast({found.as_of: found for found in (*past, now, last_year, before) if found}, dates)


def factors(level):
    return level.spend, level.orders, level.active


# The level of one window


def test_a_windows_level_is_what_happened_over_what_was_expected_beside_twenty_prior_buyers():
    assert PRIOR_BUYERS == 20
    assert window(90, happened=130.0).level("spend") == 150 / 120
    assert at_level(1.5, 90).level("active") == 1.5


def test_prior_buyers_do_what_is_expected_of_a_buyer():
    expected = {"spend": 1_000.0, "orders": 50.0, "active": 40.0}
    happened = {"spend": 2_000.0, "orders": 40.0, "active": 40.0}
    found = replace(window(90, 0.0), happened=happened, expected=expected)
    # Of a buyer 25 in money and 1.25 purchase days are expected: of twenty, 500 and 25.
    assert [found.level(name) for name in QUANTITIES] == [2_500 / 1_500, 65 / 75, 1.0]


def test_a_few_buyers_are_no_evidence_of_a_level_and_many_are():
    few, many = window(90, 2.0, expected=1.0), window(90, 20_000.0, expected=10_000.0)
    assert few.level("orders") == 22 / 21
    assert many.level("orders") == pytest.approx(2.0, abs=0.003)


def test_where_nobody_came_a_level_is_low_but_not_nothing():
    assert window(90, 0.0).level("spend") == 20 / 120


@pytest.mark.parametrize("happened", [0.0, 100.0])
def test_a_window_without_expectations_says_nothing(happened):
    assert window(90, happened, expected=0.0).level("orders") == 1.0


# What of a level tells of the next


@pytest.mark.parametrize(("buyers", "told"), [(100.0, 1.2), (300.0, 1.44**0.75), (1e9, 1.44)])
def test_spend_leans_on_orders_as_much_as_on_itself_where_a_hundred_buyers_are_expected(buyers, told):
    sums = {name: dict.fromkeys(QUANTITIES, buyers) for name in ("expected", "before")}
    # Orders as expected, and 44 % more money than that.
    happened = {"spend": 1.44 * (buyers + 20) - 20, "orders": buyers, "active": buyers}
    found = replace(window(90, 0.0), happened=happened, **sums)
    assert found.telling("spend") == pytest.approx(told)
    assert [found.telling(name) for name in ("orders", "active")] == [1.0, 1.0]


def test_where_no_buyers_are_expected_a_level_tells_nothing():
    assert window(90, 100.0, expected=0.0).telling("spend") == 1.0


# Recent levels


def test_recent_levels_fade_by_e_in_180_days_are_averaged_as_logarithms_and_shrunk():
    past = [at_level(2.0, 90), at_level(0.5, 270)]
    # Two windows 21 days apart hold 1 + 21/90 = 111/90 independent ones: n/(n + 1) = 111/201.
    fading = (1 - np.exp(-1)) / (1 + np.exp(-1))
    assert QUARTERLY.recent(past, "spend") == pytest.approx(2.0 ** (fading * 111 / 201))


def test_one_recent_window_counts_half_on_the_log_scale():
    assert QUARTERLY.recent([at_level(1.44, 90)], "orders") == pytest.approx(1.2)


# The branches


def test_a_horizon_beyond_the_windows_leaves_btyd_as_it_is():
    rule = LevelRule(window_days=30, step_days=7, extrapolates=True)
    level = forecast(rule, at_level(3.0, 30), last_year=at_level(2.0, LAST_YEAR), settled=True)
    assert factors(level) == (1.0, 1.0, 1.0)
    assert "longer than the windows" in level.rule


def test_without_past_windows_btyd_stays_as_it_is():
    assert factors(forecast(QUARTERLY, last_year=at_level(2.0, LAST_YEAR), settled=True)) == (1.0, 1.0, 1.0)


def test_dates_on_which_nobody_was_a_customer_yet_are_no_windows():
    dates = Schedule(AS_OF, 365, 365, 84, (AS_OF - timedelta(days=365),), None, None, False)
    assert factors(YEARLY.forecast({AS_OF: window(0, 0.0)}, dates)) == (1.0, 1.0, 1.0)
    unknown = replace(dates, last_year=AS_OF - timedelta(days=LAST_YEAR), settled=True)
    found = {day: at_level(2.0, 365) for day in unknown.cutoffs}
    assert factors(QUARTERLY.forecast(found, unknown)) == (1.0, 1.0, 1.0)


def test_without_a_last_year_recent_windows_alone_move_nothing():
    level = forecast(QUARTERLY, at_level(3.0, 90), at_level(2.8, 111))
    assert factors(level) == (1.0, 1.0, 1.0)
    assert "no last year" in level.rule


def test_more_yearly_windows_are_shrunk_by_how_many_years_they_span():
    # Three windows 84 days apart hold 1 + 168/365 = 533/365 independent years: n/(n + 1) = 533/898.
    level = forecast(YEARLY, at_level(1.5, 365), at_level(1.5, 449), at_level(1.5, 533))
    assert factors(level) == pytest.approx((1.5 ** (533 / 898),) * 3)
    assert "yearly" in level.rule


def test_yearly_windows_come_before_last_years_season():
    level = forecast(YEARLY, at_level(1.44, 365), last_year=at_level(4.0, LAST_YEAR), settled=True)
    assert level.spend == pytest.approx(1.2)


def test_windows_of_350_days_count_as_yearly_and_349_do_not():
    assert forecast(LevelRule(350, 84, False), at_level(1.44, 365)).spend == pytest.approx(1.2)
    assert forecast(LevelRule(349, 84, False), at_level(1.44, 365)).spend == 1.0


def test_last_years_season_stands_alone_where_two_years_lie_before_it():
    seasons = {"last_year": at_level(1.8, LAST_YEAR), "before": at_level(0.5, BEFORE_LAST)}
    level = forecast(QUARTERLY, at_level(3.0, 90), now=window(0, 0.0, before=500.0), **seasons, settled=True)
    assert factors(level) == pytest.approx((1.8, 1.8, 1.8))
    assert level.rule == "the same season last year"


@pytest.mark.parametrize(
    ("newest", "last_year", "before", "median"),
    [
        # The newest level, times last year's change; the recent level is the root of the newest.
        (1.0, 1.2, 0.8, 1.2),  # changed 1.0 x 1.2 / 0.8 = 1.5; recent 1.0
        (1.44, 0.8, 0.9, 1.2),  # changed 1.28; recent 1.2
        (0.81, 0.5, 0.6, 0.675),  # changed 0.675; recent 0.9
    ],
)
def test_with_a_year_behind_last_years_windows_it_lies_between_seasons_and_the_median(
    newest, last_year, before, median
):
    seasons = {"last_year": at_level(last_year, LAST_YEAR), "before": at_level(before, BEFORE_LAST)}
    level = forecast(QUARTERLY, at_level(newest, 90), **seasons)
    mean_of_seasons = (last_year * newest * last_year / before) ** 0.5
    assert factors(level) == pytest.approx(((mean_of_seasons * median) ** 0.5,) * 3)
    assert level.rule == "the same season last year, and how the level has changed since"


@pytest.mark.parametrize(
    ("newest", "spent_before", "middle"),
    [
        # Last year 124 (120 x 1.2 - 20) came after 80: growth is what was spent before now, times 1.55, over 100.
        (2.25, 60.0, 1.2),  # recent 1.5, last year 1.2, growth 0.93
        (1.21, 60.0, 1.1),  # recent 1.1, last year 1.2, growth 0.93
        (1.69, 80.0, 1.24),  # recent 1.3, last year 1.2, growth 1.24
    ],
)
def test_on_a_young_base_the_middle_of_recent_season_and_growth_is_taken(newest, spent_before, middle):
    season = at_level(1.2, LAST_YEAR, before=80.0)
    level = forecast(QUARTERLY, at_level(newest, 90), now=window(0, 0.0, before=spent_before), last_year=season)
    assert factors(level) == pytest.approx((middle,) * 3)
    assert level.rule == "the same season of a young last year"


@pytest.mark.parametrize(
    ("now", "season"),
    [
        (window(0, 0.0, before=60.0), at_level(1.2, LAST_YEAR, before=0.0)),
        (window(0, 0.0, before=0.0), at_level(1.2, LAST_YEAR, before=80.0)),
        (window(0, 0.0, expected=0.0, before=60.0), at_level(1.2, LAST_YEAR, before=80.0)),
    ],
)
def test_where_growth_cannot_be_told_last_years_season_stands_alone(now, season):
    assert forecast(QUARTERLY, at_level(3.0, 90), now=now, last_year=season).spend == pytest.approx(1.2)


def test_each_quantity_has_its_own_level():
    # The levels are 1.44, 1.21 and 0.64, of which one yearly window leaves the roots; of 100 buyers spend tells half.
    happened = {"spend": 152.8, "orders": 125.2, "active": 56.8}
    past = replace(window(365, 0.0), happened=happened)
    assert factors(forecast(YEARLY, past)) == pytest.approx(((1.2 * 1.1) ** 0.5, 1.1, 0.8))


# Whatever the windows

money = st.floats(0.5, 2000.0)
counts = st.builds(window, st.integers(500, 900), money, money, money)
pasts = st.lists(counts, min_size=1, max_size=12, unique_by=lambda found: found.as_of).map(
    lambda found: sorted(found, key=lambda w: w.as_of)[::-1]
)
nows = st.builds(window, st.just(0), money, money, money)
seasons = st.builds(window, st.just(LAST_YEAR), money, money, money)
befores = st.builds(window, st.just(BEFORE_LAST), money, money, money)
rules = st.sampled_from([QUARTERLY, YEARLY])


def scaled(found, by):
    """Return a window in another currency."""
    sums = {name: {**getattr(found, name)} for name in ("happened", "expected", "before")}
    for of in sums.values():
        of["spend"] *= by
    return replace(found, **sums)


@given(happened=st.floats(0, 1e9), expected=st.floats(1e-3, 1e6))
def test_a_level_lies_between_1_and_what_happened_over_what_was_expected(happened, expected):
    level = window(90, happened, expected).level("orders")
    low, high = sorted([1.0, happened / expected])
    assert level > 0
    assert low * (1 - 1e-12) <= level <= high * (1 + 1e-12)


@given(past=pasts, now=nows, last_year=seasons, before=st.none() | befores, rule=rules, lately=money)
def test_the_outcome_of_the_as_of_date_itself_plays_no_part(past, now, last_year, before, rule, lately):
    told = replace(now, happened=dict.fromkeys(QUANTITIES, lately))
    found = [forecast(rule, *past, now=when, last_year=last_year, before=before) for when in (now, told)]
    assert found[0] == found[1]


@given(past=pasts, now=nows, last_year=seasons, settled=st.booleans(), window_days=st.integers(7, 730))
def test_extrapolation_never_moves_the_level(past, now, last_year, settled, window_days):
    rule = LevelRule(window_days, 7, extrapolates=True)
    assert factors(forecast(rule, *past, now=now, last_year=last_year, settled=settled)) == (1.0, 1.0, 1.0)


@given(past=pasts, now=nows, settled=st.booleans(), window_days=st.integers(7, 349))
def test_no_recent_ratio_is_carried_on_without_a_last_year(past, now, settled, window_days):
    assert factors(forecast(LevelRule(window_days, 7, False), *past, now=now, settled=settled)) == (1.0, 1.0, 1.0)


@given(past=pasts, now=nows, last_year=seasons)
def test_recent_ratios_move_the_level_no_further_than_last_year_and_growth_allow(past, now, last_year):
    growth = now.before["spend"] * last_year.happened["spend"] / last_year.before["spend"] / now.expected["spend"]
    low, high = sorted([last_year.telling("spend"), growth])
    level = forecast(QUARTERLY, *past, now=now, last_year=last_year).spend
    assert low * (1 - 1e-12) <= level <= high * (1 + 1e-12)


@given(past=pasts, last_year=seasons, before=befores)
def test_no_forecast_lies_beyond_all_three_opinions(past, last_year, before):
    season = last_year.telling("spend")
    opinions = [QUARTERLY.recent(past, "spend"), season, past[0].telling("spend") * season / before.telling("spend")]
    level = forecast(QUARTERLY, *past, last_year=last_year, before=before).spend
    assert min(opinions) * (1 - 1e-12) <= level <= max(opinions) * (1 + 1e-12)


@given(past=pasts)
def test_yearly_windows_are_always_shrunk_towards_btyd(past):
    level, levels = forecast(YEARLY, *past).spend, [found.telling("spend") for found in past]
    assert min(1.0, *levels) <= level <= max(1.0, *levels)
    assert abs(np.log(level)) < max(abs(np.log(levels))) or set(levels) == {1.0}


@given(
    past=pasts,
    now=nows,
    last_year=st.none() | seasons,
    before=st.none() | befores,
    settled=st.booleans(),
    rule=rules,
    by=st.sampled_from([0.01, 3.0, 157.0]),
)
def test_the_currency_plays_no_part(past, now, last_year, before, settled, rule, by):
    level = forecast(rule, *past, now=now, last_year=last_year, before=before, settled=settled)
    years = {"last_year": last_year and scaled(last_year, by), "before": before and scaled(before, by)}
    again = forecast(rule, *(scaled(found, by) for found in past), now=scaled(now, by), **years, settled=settled)
    assert factors(again) == pytest.approx(factors(level), rel=1e-9)
    assert again.rule == level.rule


# Windows of groups

GROUP = ["purchase_days", "recency_days", "tenure_days", "customers", "spend", "net_spend", "purchases", "active"]
GROUP += ["spend_before", "purchases_before", "active_before"]


@pytest.fixture(scope="module")
def btyd():
    parameters = {"r_": 0.5, "alpha_": 6.0, "a_": 0.9, "b_": 1.6, "log_likelihood_": 0.0}
    spend = {"p_": 6.0, "q_": 4.0, "gamma_": 15.0, "log_likelihood_": 0.0}
    return BTYD.from_dict({"dropout": "mbg", "dropout_": parameters, "order_value_": spend})


def test_windows_are_the_sums_of_their_groups_beside_what_btyd_expects_of_them(btyd):
    first = [(1, 70, 70, 3, 90.0, 30.0, 2, 2, 90.0, 3, 3), (4, 7, 98, 2, 400.0, 150.0, 5, 2, 120.0, 3, 2)]
    second = [(2, 14, 140, 1, 55.0, 0.0, 0, 0, 20.0, 1, 1)]
    april_rows, may_rows = pd.DataFrame(first, columns=GROUP), pd.DataFrame(second, columns=GROUP)
    dated = [may_rows.assign(as_of=pd.Timestamp("2024-05-01")), april_rows.assign(as_of=pd.Timestamp("2024-04-01"))]
    groups = pd.concat(dated)
    found = windows(groups, btyd, 30)
    assert list(found) == [date(2024, 4, 1), date(2024, 5, 1)]
    april = found[date(2024, 4, 1)]
    assert (april.as_of, april.customers) == (date(2024, 4, 1), 5.0)
    assert april.happened == {"spend": 180.0, "orders": 7.0, "active": 4.0}
    assert april.before == {"spend": 210.0, "orders": 6.0, "active": 5.0}
    assert april.expected == btyd.totals(april_rows, 30)
    assert found[date(2024, 5, 1)].happened == {"spend": 0.0, "orders": 0.0, "active": 0.0}


def test_windows_are_the_same_to_the_last_bit_in_whatever_order_an_engine_returns_the_groups(btyd):
    days = np.arange(1, 301)
    columns = [days % 7 + 1, days, days + days % 7 * 30, days % 5 + 1, *([days * 1.25] * 7)]
    groups = pd.DataFrame(dict(zip(GROUP, columns, strict=True))).assign(as_of=pd.Timestamp("2024-05-01"))
    found = windows(groups, btyd, 30)
    for seed in range(5):
        assert windows(groups.sample(frac=1, random_state=seed), btyd, 30) == found


# Windows in which next to nobody bought


def many(level, age):
    """Return a window of that level of whom so many were expected that prior buyers are next to nothing."""
    return window(age, 1e6 * level, expected=1e6)


def test_a_year_in_which_next_to_nobody_bought_tells_nothing():
    usual, empty = [many(level, age) for level, age in ((1.2, 365), (1.1, 533), (1.3, 617))], many(0.0, 449)
    found, never = {one.as_of: one for one in (*usual, empty)}, date(1999, 1, 1)
    assert YEARLY.telling(found, [*found, never]) == (*(one.as_of for one in usual), never)
    assert forecast(YEARLY, usual[0], empty, *usual[1:]) == forecast(YEARLY, *usual)


def test_a_poor_year_is_told_of_and_so_is_a_season_without_anybody():
    for rule, lowest in ((YEARLY, 0.15), (QUARTERLY, 0.0)):
        found = {one.as_of: one for one in (many(level, age) for level, age in ((1.0, 90), (lowest, 111), (0.9, 132)))}
        assert rule.telling(found, list(found)) == tuple(found)
