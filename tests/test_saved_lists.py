"""Saved lists: any name that people use, none that does harm, and definitions that come back as they went in."""

import json
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regulars.errors import ExpressionError, RegularsError, StoreError
from serving.listing.contact import Contact
from serving.listing.definition import Cap, Definition
from serving.listing.playbook import PLAYS
from serving.listing.saved_lists import delete_list, list_name, save_list, saved_list, saved_lists
from serving.segments import SEGMENTS
from serving.store import Store

definitions = st.builds(
    Definition,
    play=st.none() | st.sampled_from([play.slug for play in PLAYS]),
    segment=st.lists(st.sampled_from([known.name for known in SEGMENTS]), max_size=3, unique=True).map(tuple),
    where=st.none() | st.text(min_size=1, max_size=40),
    top=st.none() | st.integers(1, 10**6),
    by=st.none() | st.text(min_size=1, max_size=20),
    contact=st.none() | st.builds(Contact, st.floats(0, 1e3), st.floats(0.001, 1), st.none() | st.floats(1e3, 1e6)),
    cap=st.none() | st.builds(Cap, st.integers(1, 99), st.integers(1, 999)),
    hold_back=st.floats(0, 0.99),
)


@settings(max_examples=200)
@given(definitions)
def test_what_is_written_as_json_is_read_as_it_was(definition):
    assert Definition.from_json(definition.to_json()) == definition


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[]", "is a JSON object"),
        ("no json", "no definition of a list"),
        ('{"segments": []}', "A list has no segments; it has by, cap"),
        ('{"top": "7"}', "top of a list cannot be '7'"),
        ('{"top": true}', "top of a list cannot be True"),
        ('{"top": 0}', "at least one customer"),
        ('{"where": {"a": 1}}', "where of a list cannot be"),
        ('{"segment": [1]}', "segment of a list cannot be"),
        ('{"contact": {"cost": "1"}}', "contact of a list cannot be"),
        ('{"contact": {"cost": 1}}', "cannot be read"),
        ('{"contact": {"cost": 1, "response_rate": 0.1, "colour": 2}}', "cannot be read"),
        ('{"cap": {"contacts": 0, "days": 1}}', "one list or more"),
        ('{"cap": {"contacts": 1.5, "days": 1}}', "whole"),
        ('{"hold_back": 1}', "from 0 to below 1"),
        ('{"hold_back": NaN}', "from 0 to below 1"),
    ],
)
def test_data_that_is_no_definition_is_refused(text, problem):
    with pytest.raises(RegularsError, match=problem):
        Definition.from_json(text)


@pytest.mark.parametrize("found", [{"play": "sav"}, {"segment": "At Rsk"}])
def test_names_of_plays_and_segments_are_checked_when_they_are_written_down(found):
    with pytest.raises(ExpressionError, match="Did you mean"):
        Definition.of(found)


def test_names_of_plays_and_segments_are_kept_in_one_form():
    assert Definition.of({"play": "Win back", "segment": "at risk"}) == Definition("win-back", ("At Risk",))


class TestNames:
    @pytest.mark.parametrize(
        "name", ["Win back", "Sommer ☀ 2024", "顧客リスト", "Zoë's list", "a", "n" * 80, "a.b;c|d'"]
    )
    def test_any_writing_is_welcome(self, name):
        assert list_name(f"  {name} ") == unicodedata.normalize("NFC", name)

    @pytest.mark.parametrize(
        "name",
        ["", "   ", "n" * 81, "a/b", "../up", "a\\b", ".", "..", "a\nb", "a\x00b", "a\u202eb", "a\u200bb", "a\u2028b"],
    )
    def test_paths_and_the_invisible_are_not(self, name):
        with pytest.raises(RegularsError, match="list's name"):
            list_name(name)

    def test_letters_that_look_the_same_are_the_same(self):
        assert list_name("Cafe\u0301") == list_name("Caf\u00e9")

    @given(st.text(max_size=90))
    def test_every_text_is_a_name_or_is_refused(self, text):
        try:
            name = list_name(text)
        except RegularsError:
            return
        assert list_name(name) == name
        assert 1 <= len(name) <= 80
        assert name.isprintable() or any(unicodedata.category(letter) in ("Zs", "Co", "Cn") for letter in name)


class TestStore:
    @pytest.fixture()
    def store(self, tmp_path):
        return Store(tmp_path / "store")

    def test_lists_are_kept_by_name_replaced_and_deleted(self, store):
        assert saved_lists(store) == []
        save_list(store, "b", Definition(top=1), "ann")
        save_list(store, "a", Definition(top=2))
        save_list(store, " b ", Definition(top=3), "ben")
        assert [(one.name, one.definition.top, one.created_by) for one in saved_lists(store)] == [
            ("a", 2, ""),
            ("b", 3, "ben"),
        ]
        delete_list(store, "a")
        assert saved_list(store, "b").definition == Definition(top=3)
        with pytest.raises(StoreError, match="no saved list 'a'; there are: 'b'"):
            saved_list(store, "a")
        with pytest.raises(StoreError, match="no saved list"):
            delete_list(store, "a")

    @pytest.mark.parametrize("name", ["'; drop table lists; --", '" or 1=1', "%", "_"])
    def test_a_name_is_never_a_statement_or_a_pattern(self, store, name):
        save_list(store, "kept", Definition())
        save_list(store, name, Definition(top=5))
        assert saved_list(store, name).definition.top == 5
        delete_list(store, name)
        assert [one.name for one in saved_lists(store)] == ["kept"]

    @pytest.mark.parametrize(
        "name",
        ["all", "ALL", "custom", "count", "Save", "delete", "win-back", "Win back", "Leave Alone", "a.csv", "A.CSV"],
    )
    def test_names_of_plays_and_addresses_are_taken_and_said(self, store, name):
        with pytest.raises(RegularsError, match=r"taken are all, count, .*win-back, and names that end in \.csv"):
            save_list(store, name, Definition())
        assert saved_lists(store) == []

    def test_no_name_becomes_a_file(self, store):
        save_list(store, "Sommer ☀", Definition())
        database = {"service.db", "service.db-wal", "service.db-shm", ".service.lock"}
        assert {entry.name for entry in store.folder.iterdir()} <= database

    def test_definitions_are_stored_as_readable_json(self, store):
        save_list(store, "a", Definition("save", contact=Contact(1, 0.1)))
        assert json.loads(saved_lists(store)[0].definition.to_json()) == {
            "play": "save",
            "contact": {"cost": 1, "response_rate": 0.1, "budget": None},
            "hold_back": 0.1,
        }
