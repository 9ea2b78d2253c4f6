"""What happens at or after an as-of date changes no feature, and an outcome holds its window and nothing else."""

from datetime import date, datetime, timedelta

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_logs import FIRST_DAY, RUNS, as_frame, as_of_dates, crowded_log, ledger_of, random_logs

from features.outcome import customer_groups, outcomes, require_outcome, spenders
from features.snapshot import KEYS, frames, sampled, snapshot
from regulars.errors import HistoryError

AS_OF = date(2021, 3, 1)


def rows_of(table):
    """Return a table's rows in one order, exactly as they are."""
    return table.order_by(*KEYS).to_pyarrow().to_pylist()


def bought(*days, customer="007", amount=10.0):
    """Return a log in which a customer bought at these times."""
    rows = [{"customer_id": customer, "timestamp": datetime.fromisoformat(day), "amount": amount} for day in days]
    return as_frame(rows)


@pytest.fixture(scope="module", params=[date(2020, 3, 1), date(2022, 7, 9)], ids=str)
def parted(request):
    """A log, and the same log without what happened at or after an as-of date."""
    rows, as_of = crowded_log(seed=request.param.toordinal()), request.param
    return as_of, ledger_of(rows), ledger_of(rows[rows["timestamp"] < pd.Timestamp(as_of)])


@pytest.mark.parametrize("window", [30, 365])
def test_rows_at_or_after_the_as_of_date_change_no_feature(parted, window):
    as_of, whole, known = parted
    dates = [as_of - timedelta(days=45), as_of]
    assert rows_of(snapshot(whole, dates, window)) == rows_of(snapshot(known, dates, window))


def test_rows_at_or_after_the_as_of_date_change_no_sample(parted):
    as_of, whole, known = parted
    assert rows_of(sampled(whole, [as_of], 30)) == rows_of(sampled(known, [as_of], 30)) != []


def test_the_ledger_before_a_date_is_the_ledger_of_the_rows_before_it(parted):
    as_of, whole, known = parted
    before = whole.before(as_of)
    assert (before.span.first_day, before.span.last_day) == (FIRST_DAY, as_of - timedelta(days=1))
    dates = [as_of, as_of + timedelta(days=30)]
    assert rows_of(snapshot(before, dates)) == rows_of(snapshot(known, dates))


@settings(RUNS, max_examples=3)
@given(rows=random_logs(columns=st.just([])), as_of=as_of_dates(), seed=st.integers(0, 2**32 - 1))
def test_whatever_customers_do_next_changes_nothing_that_was_known(rows, as_of, seed):
    customers = [*rows["customer_id"].unique(), "newcomer"]
    known, future = rows[rows["timestamp"] < pd.Timestamp(as_of)], crowded_log(seed, columns=(), customers=20)
    later = (future["timestamp"] - pd.Timestamp(FIRST_DAY)) / 4 + pd.Timestamp(as_of)
    future = future.assign(customer_id=[customers[n % len(customers)] for n in range(len(future))], timestamp=later)
    continued = pd.concat([future, known])
    assert rows_of(snapshot(ledger_of(continued), as_of)) == rows_of(snapshot(ledger_of(known), as_of)) != []


def test_several_dates_in_one_query_equal_one_query_a_date(parted):
    as_of, whole, _ = parted
    dates = [as_of, as_of + timedelta(days=1), as_of + timedelta(days=400)]
    each = [row for day in dates for row in rows_of(snapshot(whole, day))]
    assert rows_of(snapshot(whole, dates[::-1])) == each


def test_asking_for_a_date_twice_changes_no_feature():
    ledger = ledger_of(bought("2021-01-01", "2021-02-01"))
    assert rows_of(snapshot(ledger, [AS_OF, AS_OF])) == rows_of(snapshot(ledger, AS_OF))


def test_a_fork_of_the_ledger_before_a_date_does_not_know_more():
    ledger = ledger_of(bought("2021-01-01", "2021-02-01", "2021-03-01")).before(date(2021, 2, 1))
    assert ledger.fork().days.count().to_pyarrow().as_py() == 1
    assert rows_of(snapshot(ledger.fork(), AS_OF)) == rows_of(snapshot(ledger, AS_OF))


def test_nothing_is_known_before_the_first_day_of_the_log():
    ledger = ledger_of(bought("2021-01-01", "2021-02-01"))
    assert rows_of(snapshot(ledger, date(2021, 1, 1))) == []
    with pytest.raises(HistoryError, match="nothing is known at 2021-01-01: the first transaction is dated 2021-01-01"):
        ledger.before(date(2021, 1, 1))


def test_a_customer_is_in_the_snapshot_from_the_day_after_the_first_purchase():
    refunded = pd.concat([bought("2021-01-10", amount=-5.0), bought("2021-01-20"), bought("2021-01-01", customer="8")])
    ledger = ledger_of(refunded)
    days = [date(2021, 1, 11), date(2021, 1, 20), date(2021, 1, 21)]
    present = [
        (row["as_of"], row["purchase_days"]) for row in rows_of(snapshot(ledger, days)) if row["customer_id"] == "007"
    ]
    assert present == [(date(2021, 1, 21), 1.0)]


def test_the_day_before_the_as_of_date_is_known_up_to_its_last_second():
    ledger = ledger_of(bought("2021-02-01 12:00:00", "2021-02-28 23:59:59", "2021-03-01 00:00:00"))
    known = rows_of(snapshot(ledger, AS_OF))[0]
    assert (known["purchase_days"], known["recency_days"], known["spend"]) == (2.0, 1.0, 20.0)


def test_the_outcome_window_begins_at_midnight_of_the_as_of_date_and_ends_before_midnight_of_its_end():
    purchases = {
        "2021-02-28 23:59:59": 0.0,
        "2021-03-01 00:00:00": 1.0,
        "2021-03-30 23:59:59": 1.0,
        "2021-03-31 00:00:00": 0.0,
    }
    ledger = ledger_of(pd.concat([bought("2021-01-01", when, customer=when) for when in purchases]))
    assert rows_of(outcomes(ledger, AS_OF, 30)) == [
        {
            "as_of": AS_OF,
            "customer_id": when,
            "net_spend": 10.0 * n,
            "purchase_days": n,
            "next_order_days": float(when[8:10]) - 1 if n else None,
            "churned": not n,
        }
        for when, n in purchases.items()
    ]


def test_the_next_order_is_counted_in_days_from_the_as_of_date_and_a_refund_is_none():
    rows = pd.concat(
        [
            bought("2021-01-01", "2021-03-06 08:00:00", "2021-03-09", customer="early"),
            bought("2021-01-01", "2021-03-01", customer="at once"),
            bought("2021-01-01", "2021-06-01", customer="late"),
            bought("2021-03-02", customer="early", amount=-5.0),
        ]
    )
    found = rows_of(outcomes(ledger_of(rows), AS_OF, 30))
    assert {row["customer_id"]: row["next_order_days"] for row in found} == {"early": 5.0, "at once": 0.0, "late": None}


def test_refunds_lower_the_outcome_to_nothing_and_not_below():
    nets = {"4": 6.0, "8.25": 1.75, "10": 0.0, "99": 0.0}
    again = [bought("2021-01-01", "2021-03-05", customer=refund) for refund in nets]
    refunds = [bought("2021-03-07", "2021-04-30", customer=refund, amount=-float(refund)) for refund in nets]
    found = rows_of(outcomes(ledger_of(pd.concat([*again, *refunds])), AS_OF, 30))
    assert {row["customer_id"]: row["net_spend"] for row in found} == nets
    assert {(row["purchase_days"], row["churned"]) for row in found} == {(1.0, False)}


def test_a_refund_alone_is_no_purchase_and_leaves_a_customer_churned():
    rows = pd.concat([bought("2021-01-01", "2021-06-01"), bought("2021-03-07", amount=-5.0)])
    found = rows_of(outcomes(ledger_of(rows), AS_OF, 30))[0]
    assert (found["net_spend"], found["purchase_days"], found["churned"]) == (0.0, 0.0, True)


def test_outcomes_are_refused_where_the_log_does_not_cover_the_window():
    ledger = ledger_of(bought("2021-01-01", "2021-03-30"))
    assert len(rows_of(outcomes(ledger, AS_OF, 30))) == 1
    message = (
        r"outcome of 31 days from 2021-03-01 is not known: .* reach 2021-04-01, and it covers 2021-01-01 to 2021-03-30"
    )
    with pytest.raises(HistoryError, match=message):
        outcomes(ledger, AS_OF, 31)
    with pytest.raises(HistoryError, match="from 2021-03-02"):
        outcomes(ledger, [AS_OF, AS_OF + timedelta(days=1)], 30)
    with pytest.raises(HistoryError, match="from 2021-01-01"):
        require_outcome(ledger, date(2021, 1, 1), 30)


def test_outcomes_are_refused_beyond_what_the_ledger_before_a_date_holds():
    ledger = ledger_of(bought("2021-01-01", "2021-03-30")).before(AS_OF)
    assert len(rows_of(outcomes(ledger, date(2021, 2, 1), 28))) == 1
    with pytest.raises(HistoryError, match="covers 2021-01-01 to 2021-02-28"):
        outcomes(ledger, date(2021, 2, 1), 29)


def test_asking_for_a_date_twice_changes_no_outcome():
    ledger = ledger_of(bought("2021-01-01", "2021-03-05", "2021-03-30"))
    assert rows_of(outcomes(ledger, [AS_OF, AS_OF], 30)) == rows_of(outcomes(ledger, AS_OF, 30))
    groups = [customer_groups(ledger, dates, 30).to_pyarrow().to_pylist() for dates in ([AS_OF], [AS_OF, AS_OF])]
    assert groups[0] == groups[1]


def test_the_totals_that_a_level_forecast_reads_from_the_ledger_before_a_date_know_no_later_row():
    known = bought("2021-01-01", "2021-01-20", "2021-02-10")
    continued = pd.concat([known, bought("2021-03-01", "2021-03-09", amount=99.0)])
    before, after = (ledger_of(rows).before(AS_OF) for rows in (known, continued))
    dates = [date(2021, 1, 15), date(2021, 2, 1), AS_OF]
    found = [
        customer_groups(ledger, dates, 14).order_by("as_of").to_pyarrow().to_pylist() for ledger in (before, after)
    ]
    assert found[0] == found[1]
    assert spenders(before, AS_OF).to_pyarrow().to_pylist() == spenders(after, AS_OF).to_pyarrow().to_pylist()


@pytest.fixture(scope="module")
def crowd():
    """A thousand customers who bought once, one a day or more."""
    days = [datetime(2020, 1, 1) + timedelta(days=n % 300) for n in range(1_000)]
    return ledger_of(
        pd.DataFrame({"customer_id": [f"{n:04d}" for n in range(1_000)], "timestamp": days, "amount": 1.0})
    )


def test_a_sample_is_about_as_large_as_asked_and_of_eligible_customers(crowd):
    dates = [date(2020, 6, 1), date(2021, 1, 1)]
    eligible = {(row["as_of"], row["customer_id"]) for row in rows_of(snapshot(crowd, dates).select(*KEYS))}
    drawn = [(row["as_of"], row["customer_id"]) for row in rows_of(sampled(crowd, dates, 200))]
    assert set(drawn) < eligible
    assert len(set(drawn)) == len(drawn)
    for day in dates:
        assert 140 <= sum(as_of == day for as_of, _ in drawn) <= 260


def test_a_sample_larger_than_the_crowd_is_the_crowd(crowd):
    day = date(2020, 6, 1)
    assert rows_of(sampled(crowd, [day], 10_000)) == rows_of(snapshot(crowd, day).select(*KEYS))


def test_a_snapshot_of_a_sample_holds_the_features_of_the_whole(crowd):
    days = [date(2020, 6, 1), date(2021, 1, 1)]
    among = sampled(crowd, days, 100)
    chosen = {(row["as_of"], row["customer_id"]) for row in rows_of(among)}
    whole = [row for row in rows_of(snapshot(crowd, days)) if (row["as_of"], row["customer_id"]) in chosen]
    assert rows_of(snapshot(crowd, days, among=among)) == whole


def test_frames_stream_the_whole_snapshot_in_the_order_of_dates_and_customers(crowd):
    days = [date(2021, 1, 1), date(2020, 6, 1)]
    parts = list(frames(snapshot(crowd, days), rows=150))
    assert all(len(part) <= 150 for part in parts)
    found = [(when.date(), customer) for part in parts for when, customer in part.index]
    assert found == sorted(found)
    assert [sum(when == day for when, _ in found) for day in days] == [1_000, 556]
