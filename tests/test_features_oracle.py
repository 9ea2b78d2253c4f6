"""Every feature and outcome equals what plain Python makes of its definition: on random logs and on CDNOW."""

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import oracle
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from random_logs import FIRST_DAY, RUNS, as_of_dates, crowded_log, ledger_of, random_logs

import regulars
from features.catalogue import catalogue
from features.outcome import customer_groups, outcomes, spenders
from features.snapshot import snapshot

CDNOW = Path(regulars.__file__).parent / "data" / "cdnow.parquet"
WINDOWS = st.sampled_from([7, 30, 90, 270, 400])


@pytest.fixture(scope="module")
def part():
    """One in 60 of the customers of CDNOW."""
    rows = pd.read_parquet(CDNOW).rename(columns={"date": "timestamp"})
    rows = rows[rows["customer_id"].astype(int) % 60 == 0].drop(columns="sample")
    return rows.assign(timestamp=pd.to_datetime(rows["timestamp"]))


@pytest.fixture(scope="module")
def part_ledger(part):
    return ledger_of(part)


def assert_same_features(ledger, rows, dates, window):
    found = snapshot(ledger, dates, window).to_pyarrow().to_pandas()
    units = catalogue(ledger)["unit"]
    for as_of in dates:
        expected = oracle.features(rows, as_of, window)
        actual = found[found["as_of"] == as_of].set_index("customer_id").drop(columns="as_of")
        assert sorted(actual.index) == sorted(expected.index)
        if len(expected):
            assert sorted(actual.columns) == sorted(expected.columns)
        for name in expected.columns:
            assert_same_column(name, units[name], actual[name], expected[name].reindex(actual.index))


def assert_same_column(name, unit, actual, expected):
    counted = unit in ("count", "days") and "decay" not in name and not name.endswith("_sd")
    tolerance = {"rtol": 0.0, "atol": 0.0} if counted else {"rtol": 1e-6, "atol": 1e-6}
    np.testing.assert_allclose(actual.to_numpy("float64"), expected.to_numpy("float64"), **tolerance, err_msg=name)


def assert_same_outcomes(ledger, rows, as_of, horizon):
    actual = outcomes(ledger, as_of, horizon).to_pyarrow().to_pandas().set_index("customer_id").drop(columns="as_of")
    expected = oracle.outcomes(rows, as_of, horizon)
    pd.testing.assert_frame_equal(actual.sort_index(), expected.sort_index(), rtol=1e-6, check_names=False)


@pytest.mark.slow
@settings(RUNS, max_examples=6)
@given(rows=random_logs(), dates=st.lists(as_of_dates(), min_size=1, max_size=3, unique=True), window=WINDOWS)
def test_every_feature_of_a_random_log_equals_its_definition(rows, dates, window):
    assert_same_features(ledger_of(rows), rows, dates, window)


@settings(RUNS, max_examples=6)
@given(rows=random_logs(columns=st.just([])), horizon=WINDOWS, place=st.floats(0, 1))
def test_every_outcome_of_a_random_log_equals_its_definition(rows, horizon, place):
    last_cutoff = (rows["timestamp"].max().date() - FIRST_DAY).days + 1 - horizon
    assume(last_cutoff >= 1)
    as_of = FIRST_DAY + timedelta(days=1 + round(place * (last_cutoff - 1)))
    assert_same_outcomes(ledger_of(rows), rows, as_of, horizon)


@pytest.mark.parametrize("window", [30, 270])
def test_every_feature_of_a_crowded_log_equals_its_definition(window):
    rows = crowded_log(seed=window)
    assert_same_features(ledger_of(rows), rows, [date(2021, 7, 1), date(2024, 2, 29)], window)


def test_every_feature_of_customers_at_the_edge_of_a_span_equals_its_definition():
    as_of, window = date(2023, 6, 1), 90
    edges = [7, 14, *range(30, 361, 30), 364 - window, 364, 365]
    ages = sorted({edge + day for edge in edges for day in (-1, 0, 1)})
    days = [pd.Timestamp(as_of) - pd.Timedelta(days=age) for age in ages]
    bought = pd.DataFrame({"customer_id": [f"{age:03d}" for age in ages], "timestamp": days, "amount": 10.0})
    rows = pd.concat([bought, bought.assign(amount=-1.0)])
    assert_same_features(ledger_of(rows), rows, [as_of], window)


def test_every_feature_of_cdnow_equals_its_definition(part, part_ledger):
    assert_same_features(part_ledger, part, [date(1997, 10, 1), date(1998, 4, 1)], 90)


@pytest.mark.parametrize(("as_of", "horizon"), [(date(1997, 10, 1), 270), (date(1998, 4, 1), 90)])
def test_every_outcome_of_cdnow_equals_its_definition(part, part_ledger, as_of, horizon):
    assert_same_outcomes(part_ledger, part, as_of, horizon)


def test_customer_groups_add_up_to_the_features_and_outcomes_of_their_customers(part, part_ledger):
    as_of, window = date(1998, 1, 1), 90
    groups = customer_groups(part_ledger, [as_of], window).to_pyarrow().to_pandas()
    known, ahead = oracle.features(part, as_of, window), oracle.outcomes(part, as_of, window)

    keys = ["purchase_days", "recency_days", "tenure_days"]
    sizes = known.groupby(keys).size().astype("float64")
    pd.testing.assert_series_equal(groups.set_index(keys)["customers"].sort_index(), sizes, check_names=False)
    expected = {
        "spend": known["spend"].sum(),
        "net_spend": ahead["net_spend"].sum(),
        "purchases": ahead["purchase_days"].sum(),
        "active": (~ahead["churned"]).sum(),
        "spend_before": known["spend_window_1"].sum(),
        "purchases_before": known["days_window_1"].sum(),
        "active_before": (known["days_window_1"] > 0).sum(),
    }
    assert groups[list(expected)].sum().to_dict() == pytest.approx(expected, rel=1e-9)


def test_spenders_are_the_customers_with_more_than_one_purchase_day(part, part_ledger):
    known = oracle.features(part, date(1998, 1, 1), 90)
    repeaters = known[known["purchase_days"] > 1].sort_index()
    found = spenders(part_ledger, date(1998, 1, 1)).to_pyarrow().to_pandas()
    np.testing.assert_array_equal(found["purchase_days"], repeaters["purchase_days"])
    np.testing.assert_allclose(found["spend"], repeaters["spend"], rtol=1e-9)


def test_equal_purchases_have_no_spread():
    days = pd.date_range("2020-01-01", periods=9, freq="30D")
    rows = pd.DataFrame({"customer_id": "007", "timestamp": days, "amount": 12.3456})
    found = snapshot(ledger_of(rows), date(2021, 1, 1)).to_pyarrow().to_pylist()[0]
    spreads = ("monetary_sd", "monetary_log_sd", "monetary_variation", "gap_sd", "gap_variation")
    assert {name: found[name] for name in spreads} == dict.fromkeys(spreads, 0.0)


def test_a_purchase_day_holds_at_least_one_order_where_only_some_rows_name_theirs():
    days = pd.to_datetime(["2020-01-01", "2020-01-01", "2020-01-01", "2020-02-01", "2020-03-01"])
    orders = ["A", "B", None, None, "C"]
    rows = pd.DataFrame({"customer_id": "7", "timestamp": days, "amount": 1.0, "order_id": orders})
    assert snapshot(ledger_of(rows), date(2021, 1, 1)).to_pyarrow()["orders"].to_pylist() == [4.0]


def bought_at(*ages, as_of=date(2021, 1, 1), amount=10.0):
    """Return the snapshot of one customer who bought at these ages."""
    days = [pd.Timestamp(as_of) - pd.Timedelta(days=age) for age in ages]
    rows = pd.DataFrame({"customer_id": "7", "timestamp": days, "amount": amount})
    return snapshot(ledger_of(rows), as_of, window=30).to_pyarrow().to_pylist()[0]


def test_the_present_silence_is_placed_among_the_past_gaps():
    found = bought_at(10, 20, 31, 71, 112)
    # Gaps of 10, 11, 40 and 41 days: the first is no longer than the silence, the last ends beyond the horizon.
    assert (found["gaps_beyond"], found["gaps_ahead"]) == (3, 2)


@pytest.mark.parametrize(("ages", "slope"), [([1], 1), ([360], -1), ([1, 360], 0)], ids=["new", "old", "both"])
def test_a_slope_is_positive_where_the_newest_months_are_highest(ages, slope):
    found = bought_at(*ages)
    # One purchase in the newest of twelve months: 5.5 of its distance over 143 of all, in twelfths of a purchase.
    assert found["days_slope"] == pytest.approx(slope * 5.5 / 143 * 12)
    assert found["spend_slope"] == pytest.approx(slope * 5.5 / 143 * 12)


def test_what_has_no_past_to_speak_of_is_missing_and_not_nought():
    found = bought_at(361)
    missing = ("gap_last", "gap_log_mean", "gap_log_sd", "recency_log_score", "days_slope", "spend_slope")
    assert {name: found[name] for name in missing} == dict.fromkeys(missing)
    assert (found["active_months"], found["gaps_beyond"], found["gaps_ahead"]) == (0, 0, 0)


def test_spend_that_refunds_cancel_to_the_cent_has_no_slope():
    days = pd.to_datetime(["2020-10-01", "2020-11-01", "2020-12-01", "2020-12-20"])
    rows = pd.DataFrame({"customer_id": "7", "timestamp": days, "amount": [0.1, 0.2, 0.7, -1.0]})
    assert snapshot(ledger_of(rows), date(2021, 1, 1)).to_pyarrow()["spend_slope"].to_pylist() == [None]


def test_a_pair_of_equal_gaps_makes_no_clock():
    found = bought_at(20, 30, 40)
    assert found["gap_log_sd"] == 0
    assert found["recency_log_score"] == pytest.approx((np.log(21) - np.log(11)) / 0.3, abs=1e-5)
