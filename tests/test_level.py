"""The level rule, every branch worked by hand, and what holds whatever the windows."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.btyd import BTYD
from models.level import QUANTITIES, LevelRule, Window, recent, windows

AS_OF = date(2024, 7, 1)
QUARTERLY = LevelRule(window_days=90, step_days=21, extrapolates=False)
YEARLY = LevelRule(window_days=365, step_days=84, extrapolates=False)


def window(age, happened, expected=100.0, before=100.0, customers=1000.0):
    """Return a window that began `age` days before the as-of date, the same numbers for every quantity."""
    sums = [dict.fromkeys(QUANTITIES, value) for value in (happened, expected, before)]
    return Window(AS_OF - timedelta(days=age), customers, *sums)


def factors(level):
    return level.spend, level.orders, level.active


def test_a_windows_level_is_what_happened_over_what_was_expected():
    assert window(90, happened=130.0).level("spend") == 1.3
    assert window(90, happened=50.0, expected=200.0).level("active") == 0.25


@pytest.mark.parametrize(("happened", "expected"), [(0.0, 100.0), (100.0, 0.0), (0.0, 0.0)])
def test_a_window_without_purchases_or_expectations_says_nothing(happened, expected):
    assert window(90, happened, expected).level("orders") == 1.0


def test_each_quantity_has_its_own_level():
    past = [replace(window(365, 100.0), happened={"spend": 144.0, "orders": 121.0, "active": 64.0})]
    assert factors(YEARLY.forecast(past, window(0, 0.0), None, settled=False)) == pytest.approx((1.2, 1.1, 0.8))


def test_recent_levels_fade_by_e_in_180_days_and_are_averaged_as_logarithms():
    past = [window(90, 200.0), window(270, 50.0)]
    weights = np.array([1.0, np.exp(-1.0)])
    expected = np.exp((weights @ np.log([2.0, 0.5])) / weights.sum())
    assert recent(past, "spend") == pytest.approx(expected)
    assert recent(past[:1], "spend") == pytest.approx(2.0)


def test_a_horizon_beyond_the_windows_leaves_btyd_as_it_is():
    rule = LevelRule(window_days=30, step_days=7, extrapolates=True)
    level = rule.forecast([window(30, 300.0)], window(0, 0.0), window(364, 200.0), settled=True)
    assert factors(level) == (1.0, 1.0, 1.0)
    assert "longer than the windows" in level.rule


def test_without_past_windows_btyd_stays_as_it_is():
    assert factors(QUARTERLY.forecast([], window(0, 0.0), None, settled=False)) == (1.0, 1.0, 1.0)


def test_without_a_last_year_recent_windows_alone_move_nothing():
    level = QUARTERLY.forecast([window(90, 300.0), window(111, 280.0)], window(0, 0.0), None, settled=False)
    assert factors(level) == (1.0, 1.0, 1.0)
    assert "no last year" in level.rule


def test_one_yearly_window_counts_half_on_the_log_scale():
    assert YEARLY.forecast([window(365, 144.0)], window(0, 0.0), None, settled=False).spend == pytest.approx(1.2)


def test_more_yearly_windows_are_shrunk_by_how_many_years_they_span():
    # Three windows 84 days apart hold 1 + 168/365 = 533/365 independent years: n/(n + 1) = 533/898.
    past = [window(365, 150.0), window(449, 150.0), window(533, 150.0)]
    level = YEARLY.forecast(past, window(0, 0.0), None, settled=False)
    assert level.spend == pytest.approx(1.5 ** (533 / 898))
    assert "yearly" in level.rule


def test_yearly_windows_come_before_last_years_season():
    level = YEARLY.forecast([window(365, 144.0)], window(0, 0.0), window(364, 400.0), settled=True)
    assert level.spend == pytest.approx(1.2)


def test_windows_of_350_days_count_as_yearly_and_349_do_not():
    past, now = [window(365, 144.0)], window(0, 0.0)
    assert LevelRule(350, 84, False).forecast(past, now, None, settled=False).spend == pytest.approx(1.2)
    assert LevelRule(349, 84, False).forecast(past, now, None, settled=False).spend == 1.0


def test_last_years_season_stands_alone_where_two_years_lie_before_it():
    level = QUARTERLY.forecast([window(90, 300.0)], window(0, 0.0, before=500.0), window(364, 180.0), settled=True)
    assert factors(level) == pytest.approx((1.8, 1.8, 1.8))
    assert level.rule == "the same season last year"


@pytest.mark.parametrize(
    ("recently", "last_year", "spent_before", "middle"),
    [
        # Growth: what was spent before now, times last year's 120/80, over the 100 expected.
        (150.0, 120.0, 60.0, 1.2),  # recent 1.5, last year 1.2, growth 0.9
        (110.0, 120.0, 60.0, 1.1),  # recent 1.1, last year 1.2, growth 0.9
        (130.0, 120.0, 84.0, 1.26),  # recent 1.3, last year 1.2, growth 1.26
    ],
)
def test_on_an_unsettled_base_the_middle_of_recent_season_and_growth_is_taken(
    recently, last_year, spent_before, middle
):
    season = window(364, last_year, expected=100.0, before=80.0)
    level = QUARTERLY.forecast([window(90, recently)], window(0, 0.0, before=spent_before), season, settled=False)
    assert factors(level) == pytest.approx((middle,) * 3)
    assert level.rule == "the same season last year and the recent level"


@pytest.mark.parametrize(
    ("now", "season"),
    [
        (window(0, 0.0, before=60.0), window(364, 120.0, before=0.0)),
        (window(0, 0.0, before=0.0), window(364, 120.0, before=80.0)),
        (window(0, 0.0, expected=0.0, before=60.0), window(364, 120.0, before=80.0)),
    ],
)
def test_where_growth_cannot_be_told_last_years_season_stands_alone(now, season):
    assert QUARTERLY.forecast([window(90, 300.0)], now, season, settled=False).spend == pytest.approx(1.2)


def test_the_outcome_of_the_as_of_date_itself_plays_no_part():
    season, past = window(364, 120.0, before=80.0), [window(90, 130.0)]
    forecasts = {
        QUARTERLY.forecast(past, window(0, happened, before=84.0), season, settled=False)
        for happened in (0.0, 1.0, 1e9)
    }
    assert len(forecasts) == 1


money = st.floats(0.5, 2000.0)
counts = st.builds(window, st.integers(30, 700), money, money, money)
pasts = st.lists(counts, min_size=1, max_size=12).map(lambda found: sorted(found, key=lambda w: w.as_of)[::-1])


def scaled(window_, by):
    sums = {name: {**getattr(window_, name)} for name in ("happened", "expected", "before")}
    for of in sums.values():
        of["spend"] *= by
    return replace(window_, **sums)


@given(past=pasts, now=counts, season=counts, settled=st.booleans(), window_days=st.integers(7, 730))
def test_extrapolation_never_moves_the_level(past, now, season, settled, window_days):
    rule = LevelRule(window_days, 7, extrapolates=True)
    assert factors(rule.forecast(past, now, season, settled)) == (1.0, 1.0, 1.0)


@given(past=pasts, now=counts, settled=st.booleans(), window_days=st.integers(7, 349))
def test_no_recent_ratio_is_carried_on_without_a_last_year(past, now, settled, window_days):
    assert factors(LevelRule(window_days, 7, False).forecast(past, now, None, settled)) == (1.0, 1.0, 1.0)


@given(past=pasts, now=counts, season=counts)
def test_recent_ratios_move_the_level_no_further_than_last_year_and_growth_allow(past, now, season):
    growth = now.before["spend"] * season.happened["spend"] / season.before["spend"] / now.expected["spend"]
    low, high = sorted([season.level("spend"), growth])
    level = QUARTERLY.forecast(past, now, season, settled=False).spend
    assert low * (1 - 1e-12) <= level <= high * (1 + 1e-12)


@given(past=pasts, now=counts)
def test_yearly_windows_are_always_shrunk_towards_btyd(past, now):
    level, of_recent = YEARLY.forecast(past, now, None, settled=False).spend, recent(past, "spend")
    assert abs(np.log(level)) <= abs(np.log(of_recent)) + 1e-12
    assert np.log(level) * np.log(of_recent) >= 0


@given(
    past=pasts,
    now=counts,
    season=st.none() | counts,
    settled=st.booleans(),
    rule=st.sampled_from([QUARTERLY, YEARLY]),
    by=st.sampled_from([0.01, 3.0, 157.0]),
)
def test_the_currency_plays_no_part(past, now, season, settled, rule, by):
    level = rule.forecast(past, now, season, settled)
    again = rule.forecast([scaled(w, by) for w in past], scaled(now, by), season and scaled(season, by), settled)
    assert factors(again) == pytest.approx(factors(level), rel=1e-9)
    assert again.rule == level.rule


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
    assert found[date(2024, 5, 1)].level("spend") == 1.0


def test_windows_are_the_same_to_the_last_bit_in_whatever_order_an_engine_returns_the_groups(btyd):
    days = np.arange(1, 301)
    columns = [days % 7 + 1, days, days + days % 7 * 30, days % 5 + 1, *([days * 1.25] * 7)]
    groups = pd.DataFrame(dict(zip(GROUP, columns, strict=True))).assign(as_of=pd.Timestamp("2024-05-01"))
    found = windows(groups, btyd, 30)
    for seed in range(5):
        assert windows(groups.sample(frac=1, random_state=seed), btyd, 30) == found
