"""Measuring a list: a made-up effect is found, none is not invented, and where nothing can be told that is said."""

import json
import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from listed_store import listed_store, log_of
from valued_store import AS_OF, ledger_of

from regulars.errors import RegularsError, StoreError
from serving.exports import Delivery, export_list
from serving.listing.control import is_held_back
from serving.listing.definition import Definition
from serving.measure import measure
from serving.store import Store

CUSTOMERS, SHARE = 2_000, 0.3
NAME = "Win back"


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A store of 2,000 customers, of whom a list was exported, three in ten held back."""
    folder = tmp_path_factory.mktemp("measured")
    made = listed_store(folder / "store", people=False, log=log_of(CUSTOMERS))
    export_list(made, Definition(hold_back=SHARE), Delivery(NAME), folder / "list.csv")
    export_list(made, Definition(hold_back=0.0), Delivery("nobody held back"), folder / "none.csv")
    return made


def later(lift: float, more: float, days=60, first=AS_OF) -> pd.DataFrame:
    """Return purchases after the as-of date: those who were contacted buy more often and more."""
    draw = np.random.default_rng(5)
    rows = []
    for number in range(CUSTOMERS):
        customer = f"c{number:04d}"
        contacted = not is_held_back(customer, NAME, SHARE)
        if draw.random() < 0.3 + (lift if contacted else 0.0):
            amount = draw.gamma(4, 20) + (more if contacted else 0.0)
            rows.append((customer, first + timedelta(days=int(draw.integers(0, days))), round(amount, 2)))
    rows.append(("c0000", first + timedelta(days=days), 0.01))
    return pd.DataFrame(rows, columns=["customer_id", "timestamp", "amount"])


def ledger(extra: pd.DataFrame | None):
    log = log_of(CUSTOMERS)
    return ledger_of(log if extra is None else pd.concat([log, extra], ignore_index=True))


def test_a_lift_is_found_and_lies_in_the_interval(store):
    found = measure(store, NAME, ledger(later(0.15, 10.0)))
    assert found.measurable
    assert found.returned.low < 0.15 < found.returned.high
    assert found.returned.clear
    assert found.adjusted_spend.low < 0.45 * 90 - 0.3 * 80 < found.adjusted_spend.high
    assert found.adjusted_spend.clear
    assert "spent more" in found.answer
    assert "more of those contacted came back" in found.answer
    assert found.incremental["low"] < found.incremental["revenue"] < found.incremental["high"]


def test_groups_are_those_that_the_hash_made_and_sums_those_of_the_log(store):
    extra = later(0.1, 0.0)
    found = measure(store, NAME, ledger(extra))
    held = {f"c{number:04d}" for number in range(CUSTOMERS) if is_held_back(f"c{number:04d}", NAME, SHARE)}
    assert (found.contacted.customers, found.held_back.customers) == (CUSTOMERS - len(held), len(held))
    spent = extra[extra["customer_id"].isin(held)]
    assert found.held_back.mean == pytest.approx(spent["amount"].sum() / len(held))
    assert found.held_back.returned == spent["customer_id"].nunique()
    before = log_of(CUSTOMERS).assign(day=lambda log: pd.to_datetime(log["timestamp"]))
    window = before[(before["day"] >= pd.Timestamp(AS_OF) - pd.Timedelta(days=found.days))]
    held_before = window[window["customer_id"].isin(held)]["amount"].sum() / len(held)
    assert found.held_back.mean_before == pytest.approx(held_before)


def test_where_there_is_no_effect_none_is_claimed_and_what_could_be_seen_is_said(store):
    found = measure(store, NAME, ledger(later(0.0, 0.0)))
    assert not found.adjusted_spend.clear
    assert not found.returned.clear
    assert "no difference can be told" in found.answer
    assert "Groups of this size show one of" in found.answer
    assert found.returned.detectable > 0.03


def test_only_the_days_that_were_asked_for_count(store):
    extra = later(0.1, 0.0)
    all_of_it, a_week = measure(store, NAME, ledger(extra)), measure(store, NAME, ledger(extra), days=7)
    assert (all_of_it.days, a_week.days) == (61, 7)
    first_week = extra[pd.to_datetime(extra["timestamp"]) < pd.Timestamp(AS_OF) + pd.Timedelta(days=7)]
    returned = a_week.contacted.returned + a_week.held_back.returned
    assert returned == first_week["customer_id"].nunique()
    with pytest.raises(RegularsError, match="one day or more"):
        measure(store, NAME, ledger(extra), days=0)


def test_refunds_count_against_spend_and_are_no_return(store):
    refunds = pd.DataFrame([("c0001", AS_OF + timedelta(days=3), -5.0), ("c0002", AS_OF + timedelta(days=9), 0.5)])
    refunds.columns = ["customer_id", "timestamp", "amount"]
    found = measure(store, NAME, ledger(refunds))
    groups = (found.contacted, found.held_back)
    assert sum(group.mean * group.customers for group in groups) == pytest.approx(-4.5)
    assert sum(group.returned for group in groups) == 1


def test_without_a_control_group_nothing_can_be_said(store):
    found = measure(store, "nobody held back", ledger(later(0.1, 0.0)))
    assert not found.measurable
    assert "nobody was held back" in found.answer


def test_before_the_log_reaches_so_far_nothing_can_be_said(store):
    found = measure(store, NAME, ledger(None), since=AS_OF + timedelta(days=30))
    assert not found.measurable
    assert found.days == 0
    assert "Nothing can be said yet" in found.answer


def test_a_list_that_never_left_is_refused_with_those_that_did(store):
    with pytest.raises(StoreError, match=r"No export of a list 'Win bcak'.*'Win back', 'nobody held back'"):
        measure(store, "Win bcak", ledger(None))


def test_few_customers_are_called_few(tmp_path):
    made = listed_store(tmp_path / "store", people=False, log=log_of(40))
    export_list(made, Definition(hold_back=0.2), Delivery("few"), tmp_path / "list.csv")
    extra = pd.DataFrame({"customer_id": ["c0001"], "timestamp": [AS_OF + timedelta(days=3)], "amount": [900.0]})
    found = measure(made, "few", ledger_of(pd.concat([log_of(40), extra], ignore_index=True)))
    assert "too few customers to tell" in found.answer
    assert "too few came back" in found.answer


def reaching(days: int):
    """The ledger of 200 customers whose log goes on for so many days after the as-of date."""
    extra = pd.DataFrame({"customer_id": ["c0001"], "timestamp": [AS_OF + timedelta(days=days - 1)], "amount": [9.0]})
    return ledger_of(pd.concat([log_of(200), extra], ignore_index=True))


def exported_on(made, number: int, day: date) -> None:
    """Say of an export that it took place on another day."""
    with closing(sqlite3.connect(made.folder / "service.db")) as connection, connection:
        connection.execute("update exports set at = ? where id = ?", (f"{day}T08:00:00+00:00", number))


@pytest.fixture(scope="module")
def never_exported(tmp_path_factory):
    return listed_store(tmp_path_factory.mktemp("made") / "store", people=False, log=log_of(200)).folder


@pytest.fixture
def two_hundred(never_exported, tmp_path):
    return Store(shutil.copytree(never_exported, tmp_path / "store"))


def test_every_customer_counts_once_however_often_they_were_on_the_list(two_hundred, tmp_path):
    for _ in range(2):
        export = export_list(two_hundred, Definition(hold_back=0.3), Delivery("twice"), tmp_path / "list.csv")
    found = measure(two_hundred, "twice", reaching(4))
    assert found.exports == 2
    assert (found.contacted.customers, found.held_back.customers) == (export.rows, export.held_back)
    assert "Not counted" not in found.answer


@pytest.mark.parametrize("shares", [(0.5, 0.1), (0.1, 0.5)])
def test_who_is_held_back_by_one_export_and_not_by_another_is_in_no_group(two_hundred, tmp_path, shares):
    for share in shares:
        export_list(two_hundred, Definition(hold_back=share), Delivery("varied"), tmp_path / "list.csv")
    found = measure(two_hundred, "varied", reaching(4))
    held = [{f"c{n:04d}" for n in range(200) if is_held_back(f"c{n:04d}", "varied", share)} for share in (0.1, 0.5)]
    assert (found.contacted.customers, found.held_back.customers) == (200 - len(held[1]), len(held[0]))
    assert f"Not counted: {len(held[1] - held[0])} in no one group" in found.answer


def test_who_is_on_the_later_export_decides_nothing_about_who_is_compared(two_hundred, tmp_path):
    export_list(two_hundred, Definition(hold_back=0.5), Delivery("varied"), tmp_path / "list.csv")
    export_list(two_hundred, Definition(hold_back=0.1, top=3), Delivery("varied"), tmp_path / "list.csv")
    found = measure(two_hundred, "varied", reaching(4))
    assert found.held_back.customers == sum(is_held_back(f"c{number:04d}", "varied", 0.1) for number in range(200))


@pytest.mark.parametrize("days", [20, 25])
def test_customers_whom_the_log_does_not_reach_are_not_said_to_have_stayed_away(two_hundred, tmp_path, days):
    best = export_list(two_hundred, Definition(hold_back=0.3, top=50), Delivery("grown"), tmp_path / "list.csv")
    both = export_list(two_hundred, Definition(hold_back=0.3), Delivery("grown"), tmp_path / "list.csv")
    exported_on(two_hundred, best.number, AS_OF + timedelta(days=2))
    exported_on(two_hundred, both.number, AS_OF + timedelta(days=days))
    found = measure(two_hundred, "grown", reaching(20))
    assert (found.contacted.customers, found.held_back.customers) == (best.rows, best.held_back)
    later = both.rows + both.held_back - best.rows - best.held_back
    assert f"Not counted: {later} first on the list after the end of the log" in found.answer


def test_pulls_that_gave_nobody_are_no_exports_of_a_measurement(two_hundred, tmp_path):
    for _ in range(2):
        export_list(two_hundred, Definition(), Delivery("changes", changes=True), tmp_path / "list.csv")
    assert measure(two_hundred, "changes", reaching(4)).exports == 1
    export_list(two_hundred, Definition(where="clv < 0"), Delivery("nobody"), tmp_path / "list.csv")
    with pytest.raises(StoreError, match=r"'nobody' with anybody on it.*exports of: 'changes'\."):
        measure(two_hundred, "nobody", reaching(4))


def test_fresh_scores_count_from_the_day_of_the_export_and_a_replay_from_its_as_of_date(two_hundred, tmp_path):
    export_list(two_hundred, Definition(hold_back=0.5), Delivery("list"), tmp_path / "list.csv")
    assert datetime.now(UTC).date() - AS_OF > timedelta(days=90)
    extra = pd.DataFrame({"customer_id": ["c0001"], "timestamp": [AS_OF + timedelta(days=30)], "amount": [9.0]})
    log = ledger_of(pd.concat([log_of(200), extra], ignore_index=True))
    assert measure(two_hundred, "list", log).since == AS_OF
    with closing(sqlite3.connect(two_hundred.folder / "service.db")) as connection, connection:
        connection.execute("update exports set at = ?", (f"{AS_OF + timedelta(days=10)}T08:00:00+00:00",))
    assert measure(two_hundred, "list", log).since == AS_OF + timedelta(days=10)
    assert measure(two_hundred, "list", log, since=date(2024, 7, 5)).since == date(2024, 7, 5)


def test_the_result_is_plain_data(store):
    found = json.loads(json.dumps(measure(store, NAME, ledger(later(0.1, 5.0))).to_dict()))
    assert set(found) == {
        "list", "since", "until", "days", "exports", "confidence", "contacted", "held_back", "spend", "adjusted_spend",
        "returned", "incremental", "answer",
    }  # fmt: skip
    assert found["contacted"]["return_rate"] == found["contacted"]["returned"] / found["contacted"]["customers"]
    assert set(found["returned"]) == {"difference", "low", "high", "detectable", "clear"}
