"""Gaps: counted from what is known, turned into a survival curve, and what the curve says of a customer."""

import json
from datetime import date, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from random_logs import crowded_log, ledger_of
from scipy.stats import CensoredData, ecdf

from features.gaps import gap_counts
from features.ledger import build_ledger
from features.log import Log
from models.gaps import GAPS, PRIOR_GAPS, GapCurve

FIRST = date(2024, 1, 1)


def counted(rows, as_of_day):
    """Return the gap counts of rows of customer, day after the first and amount."""
    dated = [(customer, FIRST + timedelta(days=day), float(amount)) for customer, day, amount in rows]
    ledger = build_ledger(Log(pd.DataFrame(dated, columns=["customer_id", "timestamp", "amount"])))
    found = gap_counts(ledger, FIRST + timedelta(days=as_of_day)).to_pandas()
    return {int(days): (int(ended), int(open_)) for days, ended, open_ in found.itertuples(index=False)}


def counts(ended=(), silences=()):
    """Return the table that a curve is fitted on."""
    days = sorted({*ended, *silences})
    table = {
        "days": days,
        "ended": [list(ended).count(n) for n in days],
        "open": [list(silences).count(n) for n in days],
    }
    return pd.DataFrame(table, dtype="int64")


# Counts


def test_gaps_are_counted_by_length_beside_the_present_silences():
    rows = [("a", 0, 5), ("a", 10, 5), ("a", 40, 5), ("b", 5, 5), ("c", 2, 5), ("c", 12, 5)]
    # As of day 50: a paused 10 and 30 days and is silent for 10, b for 45; c paused 10 and is silent for 38.
    assert counted(rows, 50) == {10: (2, 1), 30: (1, 0), 38: (0, 1), 45: (0, 1)}


def test_days_without_a_purchase_and_second_rows_of_a_day_make_no_gap():
    rows = [("a", 0, 5), ("a", 0, 7), ("a", 10, 0), ("a", 15, -3), ("a", 20, 5), ("b", 3, -4)]
    assert counted(rows, 30) == {10: (0, 1), 20: (1, 0)}


def test_what_happens_from_the_as_of_date_on_ends_no_silence():
    known = [("a", 0, 5), ("a", 10, 5), ("b", 5, 5)]
    assert counted([*known, ("a", 30, 5), ("b", 31, 5), ("new", 30, 5)], 30) == counted(known, 30)
    assert counted([*known, ("a", 29, 5)], 30) != counted(known, 30)


def test_gaps_of_a_large_log_are_those_between_its_days():
    rows, as_of = crowded_log(3, columns=()), datetime(2022, 7, 9)
    found = gap_counts(ledger_of(rows), as_of.date()).to_pandas()
    days = rows.assign(day=rows["timestamp"].dt.normalize())
    bought = days[(days["amount"] > 0) & (days["day"] < as_of)].drop_duplicates(["customer_id", "day"])
    by_customer = bought.sort_values("day").groupby("customer_id")["day"]
    ended = by_customer.diff().dropna().dt.days.value_counts()
    silent = (as_of - by_customer.max()).dt.days.value_counts()
    expected = pd.DataFrame({"ended": ended, "open": silent}).fillna(0).astype(int).sort_index()
    assert found["days"].tolist() == expected.index.tolist()
    assert found[["ended", "open"]].to_numpy().tolist() == expected.to_numpy().tolist()


# The curve

lengths = st.lists(st.integers(1, 60), max_size=30)


@given(ended=lengths.filter(bool), silences=lengths)
def test_the_curve_is_kaplan_and_meiers(ended, silences):
    curve = GapCurve().fit(counts(ended, silences))
    days = np.arange(max([*ended, *silences]) + 1)
    oracle = ecdf(CensoredData(uncensored=ended, right=silences)).sf.evaluate(days)
    assert curve.survival(days) == pytest.approx(np.maximum(oracle, 1e-6), abs=1e-12)
    assert curve.mean_ == pytest.approx(np.mean(ended))


def test_a_curve_worked_by_hand():
    # Of five pauses one ends after 2 days; of the four that go on one is still open after 3; one of three ends after 5.
    curve = GapCurve().fit(counts([2, 5, 8], [3, 8]))
    asked = np.array([0, 1, 2, 4, 5, 7, 8])
    assert curve.survival(asked) == pytest.approx([1, 1, 0.8, 0.8, 0.8 * 2 / 3, 0.8 * 2 / 3, 0.8 / 3])
    assert curve.mean_ == 5.0


def test_beyond_the_longest_pause_the_curve_stays_where_it_was():
    curve = GapCurve().fit(counts([2, 5], [9]))
    assert np.array_equal(curve.survival(np.array([9.0, 10.0, 4_000.0])), [curve.survival(np.array([9.0]))[0]] * 3)


def test_the_curve_never_reaches_nothing():
    assert GapCurve().fit(counts([2, 5])).survival(np.array([5.0, 100.0])) == pytest.approx([1e-6, 1e-6])


def test_where_nobody_came_back_no_pause_is_expected_to_end():
    curve = GapCurve().fit(counts([], [10, 80]))
    assert curve.survival(np.array([0.0, 10.0, 80.0, 500.0])).tolist() == [1.0] * 4
    features = curve.features(customers(recency_days=[10.0], tenure_days=[10.0], purchase_days=[1.0]), 30)
    assert features["gap_due"].tolist() == [0.0]
    assert np.isfinite(features.to_numpy()).all()


def test_without_any_customer_there_is_a_curve_too():
    assert GapCurve().fit(counts()).survival(np.array([0.0, 50.0])).tolist() == [1.0, 1.0]


# What it says of a customer


def customers(**columns):
    n = len(next(iter(columns.values())))
    unknown = dict.fromkeys(("recency_days", "tenure_days", "purchase_days", "gaps_beyond", "gaps_ahead"), [0.0] * n)
    return pd.DataFrame(unknown | columns, index=[f"c{i}" for i in range(n)])


def test_the_features_of_a_customer_worked_by_hand():
    assert PRIOR_GAPS == 2
    # One customer's gaps: four of 10 days in all 60, two longer than the silence of 4, one of these within the window.
    curve = GapCurve().fit(counts([2, 5, 8], [3, 8]))
    known = customers(recency_days=[4.0], tenure_days=[64.0], purchase_days=[5.0], gaps_beyond=[2.0], gaps_ahead=[1.0])
    found = curve.features(known, 3)
    # Of the pauses that last 4 days, 0.8 of all, a third ends in the 3 days after.
    assert found.loc["c0"].to_dict() == pytest.approx(
        {
            "gap_survival": 0.8,
            "gap_due": 1 / 3,
            "gap_beyond_share": (2 + 2 * 0.8) / 6,
            "gap_ahead_share": (1 + 2 / 3) / 4,
            "gap_shrunk": (60 + 2 * 5) / 6,
            "recency_in_shrunk": 4 / (70 / 6 + 1),
            "window_in_shrunk": 3 / (70 / 6 + 1),
        }
    )
    assert tuple(found.columns) == GAPS
    assert found.index.equals(known.index)


def test_a_customer_without_gaps_is_thought_average():
    curve = GapCurve().fit(counts([2, 5, 8], [3, 8]))
    found = curve.features(customers(recency_days=[4.0], tenure_days=[4.0], purchase_days=[1.0]), 3).loc["c0"]
    assert found["gap_shrunk"] == pytest.approx(curve.mean_)
    assert found["gap_beyond_share"] == pytest.approx(found["gap_survival"])
    assert found["gap_ahead_share"] == pytest.approx(found["gap_due"])


def many(n=200):
    rng = np.random.default_rng(0)
    recency, days, beyond = rng.integers(1, 90, n), rng.integers(1, 9, n), rng.integers(0, 4, n)
    return customers(
        recency_days=recency.astype(float),
        tenure_days=(recency + (days - 1) * rng.integers(1, 50, n)).astype(float),
        purchase_days=days.astype(float),
        gaps_beyond=np.minimum(beyond, days - 1).astype(float),
        gaps_ahead=np.minimum(beyond, days - 1) // 2 * 1.0,
    )


def test_shares_are_shares_and_nothing_is_missing():
    found = GapCurve().fit(counts(range(1, 60, 2), range(1, 90, 3))).features(many(), 30)
    shares = found[["gap_survival", "gap_due", "gap_beyond_share", "gap_ahead_share"]]
    assert ((shares >= 0) & (shares <= 1)).all(axis=None)
    assert (found["gap_shrunk"] > 0).all()
    assert np.isfinite(found.to_numpy()).all()


def test_a_customer_is_told_the_same_in_any_batch():
    curve, everybody = GapCurve().fit(counts(range(1, 60, 2), range(1, 90, 3))), many()
    whole = curve.features(everybody, 30)
    for size in (1, 7, 64):
        parts = [curve.features(everybody.iloc[i : i + size], 30) for i in range(0, len(everybody), size)]
        pd.testing.assert_frame_equal(pd.concat(parts), whole, check_exact=True)


def test_a_curve_survives_as_json_to_the_last_bit():
    curve = GapCurve().fit(counts(range(1, 60, 2), range(1, 90, 3)))
    again = GapCurve.from_dict(json.loads(json.dumps(curve.to_dict(), allow_nan=False)))
    pd.testing.assert_frame_equal(again.features(many(), 30), curve.features(many(), 30), check_exact=True)
