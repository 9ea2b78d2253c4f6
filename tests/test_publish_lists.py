"""Lists in a database have left the store: whom they may contact, and what is written down of that."""

import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from databases import AS_OF, content, rows, run, scored
from listed_store import CUSTOMERS, listed_store, log_of
from valued_store import ledger_of

from regulars.errors import PublishError, StoreError
from serving.exports import Delivery, export_list
from serving.listing.contact import Contact
from serving.listing.control import is_held_back
from serving.listing.definition import Cap, Definition
from serving.listing.saved_lists import delete_list, save_list
from serving.measure import measure
from serving.postgresql.published_lists import Departures
from serving.publish import publish
from serving.store import Store

pytestmark = pytest.mark.slow

CONSENTING = {f"c{number:04d}" for number in range(CUSTOMERS) if number % 5}


@pytest.fixture(scope="module")
def database(new_database):
    return new_database("lists")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return listed_store(tmp_path_factory.mktemp("made") / "store").folder


@pytest.fixture
def store(made, tmp_path):
    """A store of one's own, of which nothing was exported or published yet."""
    shutil.copytree(made, tmp_path / "store", ignore=shutil.ignore_patterns("service.db*"))
    return Store(tmp_path / "store")


@pytest.fixture(autouse=True)
def unpublished(database):
    yield
    run(database, "drop schema if exists regulars cascade")


def members(database, name: str) -> list[str]:
    query = "select customer_id from regulars.list_members where list_name = %s order by rank"
    return [customer for (customer,) in rows(database, query, name)]


def ask(store: Store, query: str) -> list[tuple]:
    with closing(sqlite3.connect(store.folder / "service.db")) as connection:
        return connection.execute(query).fetchall()


class TestMembers:
    def test_who_does_not_consent_or_is_held_back_is_not_among_them(self, database, store):
        save_list(store, "everybody", Definition(hold_back=0.2))
        publish(store, database)
        wanted = {customer for customer in CONSENTING if not is_held_back(customer, "everybody", 0.2)}
        assert set(members(database, "everybody")) == wanted
        counted = rows(database, "select members, held_back, no_consent, capped from regulars.lists")
        assert counted == [(len(wanted), len(CONSENTING) - len(wanted), CUSTOMERS - len(CONSENTING), 0)]

    def test_they_are_those_of_an_export_in_its_order(self, database, store, tmp_path):
        terms = Definition(play="save", contact=Contact(cost=1.0, response_rate=0.05, budget=20))
        save_list(store, "saving", terms)
        publish(store, database)
        export_list(store, terms, Delivery("saving", format="csv"), tmp_path / "save.csv")
        exported = [line.split(",")[0] for line in (tmp_path / "save.csv").read_text(encoding="utf-8").splitlines()[1:]]
        assert exported
        assert members(database, "saving") == [customer.strip('"') for customer in exported]

    def test_plays_and_terms_give_reasons_and_profits(self, database, store):
        save_list(store, "saving", Definition(play="save", contact=Contact(cost=1.0, response_rate=0.05)))
        save_list(store, "plain", Definition(top=5))
        publish(store, database)
        query = "select expected_profit, reason from regulars.list_members where list_name = %s order by rank"
        profits = [profit for profit, _ in rows(database, query, "saving")]
        assert profits == sorted(profits, reverse=True)
        assert all(profit > 0 and reason for profit, reason in rows(database, query, "saving"))
        assert set(rows(database, query, "plain")) == {(None, None)}

    def test_nothing_of_a_person_but_the_id_is_published(self, database, store):
        save_list(store, "everybody", Definition())
        publish(store, database)
        everything = str(
            [rows(database, f"select * from regulars.{name}") for name in ("scores", "lists", "list_members")]
        )
        assert "example.com" not in everything


class TestScoredLists:
    def test_members_are_ranked_and_join_the_scores(self, database, tmp_path):
        store = scored(tmp_path, 500)
        save_list(store, "best at risk", Definition(segment=("At Risk",), top=20, hold_back=0))
        publish(store, database)
        found = rows(
            database,
            "select m.rank, s.segment, s.clv from regulars.list_members m join regulars.scores s "
            "using (customer_id, horizon_days, as_of) where list_name = 'best at risk' order by m.rank",
        )
        everybody = rows(database, "select clv from regulars.scores where segment = 'At Risk' order by 1 desc limit 20")
        assert [row[0] for row in found] == list(range(1, 21))
        assert [row[2:] for row in found] == everybody

    def test_the_definition_says_how_the_list_was_made(self, database, tmp_path):
        store = scored(tmp_path, 100)
        save_list(store, "d'or", Definition(where="clv > 50", hold_back=0))
        publish(store, database)
        name, horizon, as_of, definition, members = content(database)["lists"][0][:5]
        assert (name, horizon, as_of, definition["where"]) == ("d'or", 90, AS_OF, "clv > 50")
        assert [(members,)] == rows(database, "select count(*) from regulars.scores where clv > 50")

    def test_one_that_was_deleted_goes(self, database, tmp_path):
        store = scored(tmp_path, 100)
        save_list(store, "gone", Definition())
        publish(store, database)
        delete_list(store, "gone")
        publish(store, database)
        assert (content(database)["lists"], content(database)["list_members"]) == ([], [])

    def test_one_that_cannot_be_evaluated_is_named_and_nothing_is_published(self, database, tmp_path):
        store = scored(tmp_path, 100)
        publish(store, database)
        before = content(database)
        scored(tmp_path, 101)
        save_list(store, "of old", Definition(where="shoe_size > 40"))
        with pytest.raises(StoreError, match=r"'of old'.*shoe_size.*Nothing was published"):
            publish(store, database)
        assert content(database) == before


class TestRecord:
    def test_what_came_of_a_published_list_can_be_measured(self, database, store):
        save_list(store, "everybody", Definition(hold_back=0.2))
        publish(store, database)
        found = measure(store, "everybody", ledger_of(log_of()))
        assert found.exports == 1
        recorded = ask(store, "select customer_id from contacts where held_back = 0 order by 1")
        assert [customer for (customer,) in recorded] == sorted(members(database, "everybody"))
        assert ask(store, "select who, list, format, rows from exports") == [
            ("publish", "everybody", "table", len(recorded))
        ]

    def test_what_was_not_published_is_not_written_down(self, database, store):
        save_list(store, "everybody", Definition())
        publish(store, database)
        before = ask(store, "select * from exports"), ask(store, "select * from contacts")
        save_list(store, "second", Definition(segment=("Lost",)))
        run(database, "alter table regulars.published add check (rows < 0) not valid")
        with pytest.raises(PublishError, match="violates check constraint"):
            publish(store, database)
        assert (ask(store, "select * from exports"), ask(store, "select * from contacts")) == before

    def test_a_cap_counts_the_lists_before_and_publishing_again_on_the_same_day_changes_nothing(self, database, store):
        once = Cap(contacts=1, days=7)
        save_list(store, "a", Definition(segment=("Lost",), cap=once, hold_back=0))
        save_list(store, "b", Definition(cap=once, hold_back=0))
        publish(store, database)
        first = {name: members(database, name) for name in "ab"}
        assert set(first["a"]).isdisjoint(first["b"])
        assert set(first["a"]) | set(first["b"]) == CONSENTING
        publish(store, database)
        assert {name: members(database, name) for name in "ab"} == first

    def test_they_are_marked_as_whole_before_anybody_sees_them(self, database, store, monkeypatch):
        save_list(store, "everybody", Definition())
        seen = []

        def marked(self: Departures) -> None:
            mark(self)
            there = rows(database, "select to_regclass('regulars.lists') is not null")
            seen.append((there, ask(store, "select rows is not null from exports")))

        mark = Departures.mark
        monkeypatch.setattr(Departures, "mark", marked)
        publish(store, database)
        assert seen == [([(False,)], [(1,)])]

    def test_a_commit_that_fails_leaves_nothing_written_down(self, database, store):
        publish(store, database)
        save_list(store, "everybody", Definition())
        run(
            database,
            "create function regulars.refuse() returns trigger language plpgsql as "
            "$$ begin raise 'refused' using errcode = 'check_violation'; end $$",
        )
        run(
            database,
            "create constraint trigger refuse after insert on regulars.published deferrable initially deferred "
            "for each row execute function regulars.refuse()",
        )
        with pytest.raises(PublishError, match="refused"):
            publish(store, database)
        assert ask(store, "select (select count(*) from exports), (select count(*) from contacts)") == [(0, 0)]

    def test_a_cap_does_not_empty_a_list_that_is_published_every_night(self, database, store):
        save_list(store, "everybody", Definition(cap=Cap(contacts=1, days=30), hold_back=0))
        publish(store, database)
        with closing(sqlite3.connect(store.folder / "service.db")) as connection, connection:
            connection.execute("update exports set at = ?", (str(datetime.now(UTC) - timedelta(days=1)),))
        publish(store, database)
        assert set(members(database, "everybody")) == CONSENTING
