"""Lists that leave: who is on them, who is held back, and what a stream gives."""

import shutil
import sqlite3
import threading
from contextlib import closing
from datetime import UTC, date, datetime, timedelta

import pandas as pd
import pytest
from deltalake import DeltaTable
from listed_store import ask, consenting, ids, listed_store, log_of, people_of, rows
from valued_store import AS_OF

from serving.exports import Delivery, export_list, stream_list
from serving.exports.record import PUBLISHED
from serving.exports.spool import spooled
from serving.listing.contact import Contact
from serving.listing.control import is_held_back
from serving.listing.definition import Cap, Definition
from serving.listing.saved_lists import list_rows
from serving.store import Store

EVERYBODY = Definition(hold_back=0.0)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return listed_store(tmp_path_factory.mktemp("made") / "store").folder


@pytest.fixture()
def store(made, tmp_path):
    """A store of one's own, of which nothing was exported yet."""
    shutil.copytree(made, tmp_path / "store", ignore=shutil.ignore_patterns("service.db*"))
    return Store(tmp_path / "store")


class TestConsent:
    def test_who_has_not_consented_is_not_on_the_list_and_is_counted(self, store, tmp_path):
        found = export_list(store, EVERYBODY, Delivery("all"), tmp_path / "all.csv")
        assert set(ids(tmp_path / "all.csv")) == consenting()
        assert (found.rows, found.left_out) == (160, {"no_consent": 40})

    @pytest.mark.parametrize(
        ("answers", "yes"),
        [
            (["YES", "no", "y", None, " True "], [0, 2, 4]),
            ([True, False, True, None, False], [0, 2]),
            ([1, 0, 1, None, 2], [0, 2]),
            (["1", "0", "t", "", "on request"], [0, 2]),
        ],
    )
    def test_consent_is_said_in_many_ways_and_no_answer_is_no(self, tmp_path, answers, yes):
        people = pd.DataFrame({"customer_id": [f"c{number:04d}" for number in range(8)]})
        people["Marketing_Consent"] = [answers[number] if number < 5 else None for number in range(8)]
        own = listed_store(tmp_path / "own", people=people, log=log_of(8))
        export_list(own, EVERYBODY, Delivery("all"), tmp_path / "all.csv")
        assert set(ids(tmp_path / "all.csv")) == {f"c{number:04d}" for number in yes}

    def test_where_nobody_was_asked_everybody_is_on_the_list(self, tmp_path):
        own = listed_store(tmp_path / "own", people=False, log=log_of(8))
        found = export_list(own, EVERYBODY, Delivery("all"), tmp_path / "all.csv")
        assert (found.rows, found.left_out) == (8, {})

    def test_a_customer_whom_the_customers_table_does_not_know_has_not_consented(self, tmp_path):
        own = listed_store(tmp_path / "own", people=people_of(4), log=log_of(8))
        assert export_list(own, EVERYBODY, Delivery("all"), tmp_path / "all.csv").rows == 3


class TestHoldingBack:
    def test_the_hash_decides_who_is_held_back_and_all_of_it_is_remembered(self, store, tmp_path):
        found = export_list(store, Definition(hold_back=0.2), Delivery("Sommer ☀"), tmp_path / "list.csv")
        held = {one for one in consenting() if is_held_back(one, "Sommer ☀", 0.2)}
        assert set(ids(tmp_path / "list.csv")) == consenting() - held
        assert found.held_back == len(held) > 0
        kept = dict(ask(store, "select customer_id, held_back from contacts where export = ?", found.number))
        assert kept == {one: int(one in held) for one in consenting()}

    def test_the_same_customers_are_held_back_at_every_export_and_in_every_format(self, store, tmp_path):
        for kind in ("csv", "json", "parquet", "google"):
            export_list(store, Definition(), Delivery("Win back", format=kind), tmp_path / f"list.{kind}")
        groups = ask(
            store, "select export, group_concat(customer_id, ' ') from contacts where held_back group by export"
        )
        # A platform can only tell customers with an address apart: the same rule for both groups.
        everywhere = {frozenset(text.split()) for _, text in groups[:3]}
        assert len(everywhere) == 1
        assert set(groups[3][1].split()) == {one for one in everywhere.pop() if int(one[1:]) % 7}

    def test_as_many_are_contacted_as_were_asked_for_and_the_held_back_are_from_among_them(self, store, tmp_path):
        found = export_list(store, Definition(top=30, hold_back=0.3), Delivery("best"), tmp_path / "list.csv")
        assert found.rows == 30
        everybody = [one for one in list_rows(store, EVERYBODY).to_pandas()["customer_id"] if one in consenting()]
        last = everybody.index(ids(tmp_path / "list.csv")[-1])
        on_list = {row[0] for row in ask(store, "select customer_id from contacts")}
        assert on_list == set(everybody[: last + 1])

    def test_the_budget_pays_for_the_contacted_only(self, store, tmp_path):
        definition = Definition(contact=Contact(0.5, 0.5, 10.0), hold_back=0.3)
        found = export_list(store, definition, Delivery("budget"), tmp_path / "list.csv")
        assert found.rows == 20
        assert found.held_back > 0


class TestCap:
    def test_nobody_is_on_more_lists_than_the_cap_says(self, store, tmp_path):
        capped = Definition(top=50, hold_back=0.2, cap=Cap(1, 30))
        export_list(store, capped, Delivery("first"), tmp_path / "first.csv")
        found = export_list(store, capped, Delivery("second"), tmp_path / "second.csv")
        lists = ask(store, "select customer_id, count(*) from contacts group by customer_id")
        assert {count for _, count in lists} == {1}
        # Held back or not: both groups stay comparable on later lists.
        assert found.left_out["capped"] == len(lists) - found.rows - found.held_back

    def test_the_same_list_can_be_pulled_again_on_the_same_day(self, store, tmp_path):
        capped = Definition(cap=Cap(1, 30))
        for _ in range(2):
            found = export_list(store, capped, Delivery("again"), tmp_path / "list.csv")
            assert "capped" not in found.left_out

    @pytest.mark.parametrize(("kind", "rows"), [(PUBLISHED, 160), ("csv", 0)])
    def test_what_was_published_of_a_list_on_other_days_does_not_count_against_itself(
        self, store, tmp_path, kind, rows
    ):
        capped = Definition(cap=Cap(1, 30), hold_back=0.0)
        export_list(store, capped, Delivery("nightly"), tmp_path / "list.csv")
        with closing(sqlite3.connect(store.folder / "service.db")) as connection, connection:
            yesterday = (datetime.now(UTC) - timedelta(days=1)).isoformat(timespec="seconds")
            connection.execute("update exports set at = ?, format = ?", (yesterday, kind))
        assert export_list(store, capped, Delivery("other"), tmp_path / "list.csv").rows == 0
        assert export_list(store, capped, Delivery("nightly"), tmp_path / "list.csv").rows == rows

    def test_old_contacts_are_forgotten_after_so_many_days(self, store, tmp_path):
        export_list(store, EVERYBODY, Delivery("old"), tmp_path / "list.csv")
        capped = Definition(cap=Cap(1, 30), hold_back=0.0)
        assert export_list(store, capped, Delivery("new"), tmp_path / "list.csv").rows == 0
        with closing(sqlite3.connect(store.folder / "service.db")) as connection, connection:
            long_ago = (datetime.now(UTC) - timedelta(days=31)).isoformat(timespec="seconds")
            connection.execute("update exports set at = ?", (long_ago,))
        assert export_list(store, capped, Delivery("new"), tmp_path / "list.csv").rows == 160

    def test_exports_at_the_same_time_do_not_both_take_a_customer_s_last_place(self, store, tmp_path):
        capped, failed = Definition(cap=Cap(1, 30), hold_back=0.0), []

        def send(name: str) -> None:
            try:
                export_list(Store(store.folder), capped, Delivery(name), tmp_path / f"{name}.csv")
            except Exception as error:
                failed.append(error)

        threads = [threading.Thread(target=send, args=(f"list {number}",)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not failed
        assert ask(store, "select max(n) from (select count(*) as n from contacts group by customer_id)") == [(1,)]


class TestStreams:
    def test_a_stream_gives_what_a_file_holds(self, store, tmp_path):
        export_list(store, Definition(), Delivery("all"), tmp_path / "all.csv")
        stream = stream_list(store, Definition(), Delivery("all"))
        assert b"".join(stream) == (tmp_path / "all.csv").read_bytes()
        assert stream.export.rows == len(rows(tmp_path / "all.csv"))
        assert ask(store, "select distinct rows from exports") == [(stream.export.rows,)]

    def test_the_record_is_there_before_the_first_byte_and_counts_after_the_last(self, store):
        stream = stream_list(store, Definition(), Delivery("all"))
        assert ask(store, "select rows from exports") == [(None,)]
        b"".join(stream)
        assert ask(store, "select rows from exports") == [(stream.export.rows,)]

    def test_a_stream_that_nobody_reads_to_its_end_leaves_no_files(self, store):
        stream = stream_list(store, Definition(), Delivery("all"))
        folder = stream.folder
        assert folder.exists()
        stream.close()
        assert not folder.exists()


def test_personal_data_that_no_platform_asks_for_does_not_even_lie_in_the_spool(tmp_path):
    people = people_of(8).assign(ssn="078-05-1120", size="M")
    own = listed_store(tmp_path / "own", people=people, log=log_of(8))
    for form, lacks in (("klaviyo", {"ssn"}), ("csv", {"ssn", "email"})):
        with spooled(own, EVERYBODY, Delivery("everybody", format=form)) as spool:
            assert {"email", "ssn", "size"} - set(spool.schema.names) == lacks


def test_an_old_store_without_customers_can_still_be_listed(store, tmp_path):
    for part in ("ledger", "customers", "scorings"):
        shutil.rmtree(store.folder / part)
    assert DeltaTable.is_deltatable(store.path)
    found = export_list(Store(store.folder), Definition(play="win-back"), Delivery("all"), tmp_path / "all.csv")
    assert found.rows == len(rows(tmp_path / "all.csv")) > 0
    assert date.fromisoformat(rows(tmp_path / "all.csv")[0]["as_of"]) == AS_OF
