"""Prospects: rounded dates are told from a shop of few customers, and no horizon below their step is offered."""

import numpy as np
import pandas as pd
import pytest

import regulars
from features.date_step import date_step
from features.window import Span
from regulars.prospects import HORIZONS, prospects, step_words

CUSTOMERS = 40
DAYS = pd.date_range("2018-01-01", "2023-12-31")


def ledger_of(customers: int = CUSTOMERS, orders: int = 12, dated=lambda days: days, seed: int = 0):
    """A ledger of orders on random days of six years; `dated` is how the log writes their dates."""
    draw = np.random.default_rng(seed)
    days = pd.Series(draw.choice(DAYS, customers * orders))
    ids = [f"c{number % customers}" for number in range(len(days))]
    return regulars.ledger(pd.DataFrame({"customer_id": ids, "timestamp": dated(days), "amount": 10.0}))


def to_year(days):
    return days.dt.to_period("Y").dt.start_time


def to_month_end(days):
    return days.dt.to_period("M").dt.end_time.dt.normalize()


def to_quarter(days):
    return days.dt.to_period("Q").dt.start_time


def to_two_days_a_year(days):
    return to_year(days) + pd.to_timedelta(np.where(days.dt.month <= 2, 40, 0), unit="D")


@pytest.mark.parametrize(
    ("dated", "known_by", "offered"),
    [
        (to_year, "the year only", [365]),
        (to_two_days_a_year, "the year only", [365]),
        (to_quarter, "the quarter or half-year only", [180, 365]),
        (to_month_end, "the month only", [90, 180, 365]),
    ],
)
def test_rounded_dates_are_said_and_no_horizon_shorter_than_their_step_is_offered(dated, known_by, offered):
    known = ledger_of(dated=dated)
    step = date_step(known)
    assert known_by in step_words(step)
    assert [row["horizon_days"] for row in prospects(known.span, step)] == offered


@pytest.mark.parametrize("orders", [2, 12])
@pytest.mark.parametrize("customers", [1, 3, 20])
def test_a_shop_of_few_customers_is_no_log_of_rounded_dates(customers, orders):
    assert all(date_step(ledger_of(customers, orders, seed=seed)) is None for seed in range(2))


def test_neither_is_a_shop_that_opens_one_day_a_week_nor_one_with_a_season():
    assert date_step(ledger_of(dated=lambda days: days.dt.to_period("W").dt.start_time)) is None
    assert date_step(ledger_of(dated=lambda days: to_year(days) + pd.to_timedelta(days.dt.day, unit="D"))) is None


def test_a_single_day_has_no_step():
    assert date_step(ledger_of(dated=lambda days: days.clip(upper=days.min()))) is None


def test_exact_dates_are_offered_every_horizon():
    span = Span(DAYS[0].date(), DAYS[-1].date())
    assert [row["horizon_days"] for row in prospects(span)] == list(HORIZONS)
