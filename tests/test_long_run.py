"""The long run: levels of past years worked by hand, and what a ledger tells of them."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.ledger import build_ledger
from features.log import Log
from models.level import Window
from models.long_run import PRIOR_ORDERS, LongRun, long_run
from serving.scoring.past_years import long_run_question

DAY = date(2024, 1, 1)
sums = st.floats(0.0, 1e6)


def window(happened, expected):
    return Window(DAY, 1_000.0, {"orders": happened}, {"orders": expected}, {})


def shrunk(happened, expected):
    return (happened + PRIOR_ORDERS) / (expected + PRIOR_ORDERS)


def test_without_a_past_year_btyd_stays_as_it_is():
    assert long_run() == LongRun(1.0, 1.0, 1.0)
    assert {long_run().level(begin) for begin in (90, 364, 3_640)} == {1.0}


def test_the_rest_of_the_year_leaves_out_what_came_within_the_horizon():
    # A horizon of Christmas, twice what was expected, and a quiet rest of the year.
    found = long_run(horizon=window(4_000.0, 2_000.0), year=window(9_000.0, 9_000.0))
    assert found.rest == pytest.approx(shrunk(5_000.0, 7_000.0))
    assert found.year == 1.0
    assert found.fading == 1.0


def test_fading_is_the_second_year_beside_the_first_of_the_customers_of_two_years_ago():
    found = long_run(
        window(1_000.0, 1_000.0), window(4_000.0, 4_000.0), window(3_000.0, 2_000.0), window(4_800.0, 4_000.0)
    )
    assert found.fading == pytest.approx(shrunk(1_800.0, 2_000.0) / shrunk(3_000.0, 2_000.0))


def test_customers_who_came_more_in_their_second_year_are_not_expected_to_come_ever_more():
    assert long_run(None, window(4.0, 4.0), window(1_000.0, 1_000.0), window(9_000.0, 2_000.0)).fading == 1.0


def test_a_few_orders_tell_little():
    assert long_run(year=window(3.0, 1.0)).year == pytest.approx(33 / 31)
    assert long_run(year=window(30_000.0, 10_000.0)).year == pytest.approx(3.0, rel=0.01)


def test_each_further_year_is_lower_by_the_fading():
    found = LongRun(rest=0.5, year=0.8, fading=0.9)
    assert [found.level(begin) for begin in (90, 363)] == [0.5, 0.5]
    assert [found.level(begin) for begin in (364, 728, 1_092)] == pytest.approx([0.8 * 0.9, 0.8 * 0.81, 0.8 * 0.729])


@settings(deadline=None)
@given(sums, sums, sums, sums, st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_levels_are_possible_whatever_happened(happened, expected, before, foreseen, part, share):
    found = long_run(
        window(happened * part, expected * share),
        window(happened, expected),
        window(before, foreseen),
        window(before * (1 + part), foreseen * (1 + share)),
    )
    assert min(found.rest, found.year, found.fading) > 0
    assert found.fading <= 1


# From a ledger


def steady_log(first, days):
    """Return a log in which 400 customers come every 28 days, each from a day of their own, to the end."""
    rows = [
        (f"{customer:03d}", first + timedelta(days=day), 10.0)
        for customer in range(400)
        for day in range(customer % 28, days, 28)
    ]
    return pd.DataFrame(rows, columns=["customer_id", "timestamp", "amount"])


@pytest.fixture(scope="module")
def loyal(small_bundle):
    """A bundle of a 90-day horizon whose BTYD knows the customers of `steady_log`: hardly anybody leaves."""
    btyd = type(small_bundle.btyd).from_dict(
        {
            "dropout": "mbg",
            "dropout_": {"r_": 500.0, "alpha_": 2_000.0, "a_": 1e-3, "b_": 100.0, "log_likelihood_": 0.0},
            "order_value_": {"p_": 6.25, "q_": 3.74, "gamma_": 15.44, "log_likelihood_": 0.0},
        }
    )
    return replace(small_bundle, btyd=btyd)


def forecast(bundle, rows, as_of):
    known = build_ledger(Log(rows)).before(as_of)
    return long_run_question(bundle, known.span, as_of).alone(known, bundle.btyd)


def test_customers_who_come_as_btyd_expects_have_a_level_of_1(loyal):
    first, as_of = date(2021, 1, 1), date(2024, 1, 1)
    found = forecast(loyal, steady_log(first, (as_of - first).days), as_of)
    assert (found.rest, found.year, found.fading) == pytest.approx((1.0, 1.0, 1.0), abs=0.02)


def test_customers_who_come_half_as_often_since_a_year_have_half_the_level_and_it_fades(loyal):
    first, as_of = date(2021, 1, 1), date(2024, 1, 1)
    rows = steady_log(first, (as_of - first).days)
    late = pd.to_datetime(rows["timestamp"]) >= pd.Timestamp(as_of - timedelta(days=364))
    every_other = (rows.groupby("customer_id").cumcount() + rows["customer_id"].astype(int)) % 2 == 0
    seldom = rows[~late | every_other]
    found = forecast(loyal, seldom, as_of)
    assert (found.rest, found.year) == pytest.approx((0.5, 0.5), abs=0.02)
    assert found.fading == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize(
    ("years", "known"), [(1.0, "nothing"), (1.29, "nothing"), (1.31, "a year"), (2.29, "a year"), (2.31, "both")]
)
def test_a_year_counts_where_some_history_lies_before_it(loyal, years, known):
    as_of = date(2024, 1, 1)
    first = as_of - timedelta(days=round(364 * years))
    # Nobody comes any more in the last year, so that whatever is known shows.
    rows = steady_log(first, (as_of - first).days)
    rows = rows[pd.to_datetime(rows["timestamp"]) < pd.Timestamp(as_of - timedelta(days=200))]
    ended = pd.DataFrame({"customer_id": ["z"], "timestamp": [as_of - timedelta(days=1)], "amount": [1.0]})
    found = forecast(loyal, pd.concat([rows, ended]), as_of)
    assert (found.year < 0.9) == (known != "nothing")
    assert (found.fading < 0.9) == (known == "both")


def test_what_comes_at_or_after_the_as_of_date_changes_nothing(loyal):
    first, as_of = date(2021, 1, 1), date(2023, 6, 1)
    rows = steady_log(first, 1_200)
    stamps = pd.to_datetime(rows["timestamp"])
    known = forecast(loyal, rows[stamps < pd.Timestamp(as_of)], as_of)
    assert forecast(loyal, rows, as_of) == known


def test_where_the_log_ends_before_the_as_of_date_the_years_end_with_it(loyal):
    first, last = date(2021, 1, 1), date(2024, 1, 1)
    rows = steady_log(first, (last - first).days)
    at_once, later = (forecast(loyal, rows, day) for day in (last, last + timedelta(days=60)))
    assert later == at_once
    assert later.year == pytest.approx(1.0, abs=0.02)


@pytest.mark.parametrize("horizon", [7, 363, 364, 365, 728])
def test_any_horizon_has_a_long_run(loyal, horizon):
    first, as_of = date(2021, 1, 1), date(2024, 1, 1)
    found = forecast(replace(loyal, horizon_days=horizon), steady_log(first, (as_of - first).days), as_of)
    assert np.isfinite([found.rest, found.year, found.fading]).all()
    assert found.year == pytest.approx(1.0, abs=0.02)
