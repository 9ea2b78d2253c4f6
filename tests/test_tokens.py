"""Tokens and people: who may use the web, how that is kept, and how it ends."""

import sqlite3
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest

from regulars import cli
from regulars.errors import RegularsError
from regulars.exits import WRONG_INPUT
from serving.storage.service import SERVICE, service
from serving.web import people, tokens
from serving.web.people import People, hash_password, password_is
from serving.web.tokens import Tokens, lifetime_of

LONG = "a password that is long enough"


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as left:
        cli.main(list(arguments))
    return int(left.value.code or 0)


@pytest.fixture
def known(tmp_path):
    return Tokens(tmp_path)


class TestTokens:
    def test_a_token_is_held_by_whoever_has_its_text_and_nobody_else(self, known):
        text = known.create("crm", ["lists:read"])
        assert known.held(text).name == "crm"
        for other in (text[:-1], text + "a", text.upper(), "", "crm", known.named("crm").hash):
            assert known.held(other) is None

    def test_two_tokens_are_never_alike_and_hold_256_random_bits(self, known):
        texts = {known.create(f"t{i}", ["lists:read"]) for i in range(20)}
        assert len(texts) == 20
        assert all(len(text.removeprefix(tokens.PREFIX)) == 43 for text in texts)

    def test_its_text_is_kept_nowhere(self, known, tmp_path):
        text = known.create("crm", ["lists:read"])
        kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())
        assert text.encode() not in kept
        assert text.removeprefix(tokens.PREFIX).encode() not in kept

    def test_it_expires(self, known, tmp_path):
        text = known.create("crm", ["lists:read"], timedelta(hours=1))
        assert known.held(text)
        with sqlite3.connect(tmp_path / SERVICE) as database:
            database.execute("update tokens set expires = ?", [(datetime.now(UTC) - timedelta(seconds=1)).isoformat()])
        database.close()
        assert known.held(text) is None
        assert known.named("crm") is None

    def test_it_can_be_revoked_once_and_for_all(self, known):
        text = known.create("crm", ["lists:read"])
        known.revoke("crm")
        assert known.held(text) is None
        first = known.all()[0].revoked
        known.revoke("crm")
        assert known.all()[0].revoked == first

    def test_a_name_is_free_again_only_once_its_token_is_worthless(self, known):
        old = known.create("crm", ["lists:read"])
        with pytest.raises(RegularsError, match="revoke it first"):
            known.create("crm", ["lists:read"])
        known.revoke("crm")
        new = known.create("crm", ["model:read"])
        assert known.held(old) is None
        assert known.held(new).scopes == {"model:read"}

    @pytest.mark.parametrize("name", ["", " x", "a" * 65, "a/b", "a\nb", "<b>", "-x"])
    def test_odd_names_are_refused(self, known, name):
        with pytest.raises(RegularsError, match="no name"):
            known.create(name, ["lists:read"])

    def test_unknown_and_missing_scopes_are_refused(self, known):
        with pytest.raises(RegularsError, match="Did you mean 'lists:read'"):
            known.create("crm", ["list:read"])
        with pytest.raises(RegularsError, match="at least one scope"):
            known.create("crm", [])

    def test_revoking_what_is_not_there_says_so(self, known):
        with pytest.raises(RegularsError, match="no token 'crm'"):
            known.revoke("crm")

    @pytest.mark.parametrize(
        ("text", "days"), [("90d", 90), ("24h", 1), ("2w", 14), ("1y", 365)], ids=["days", "hours", "weeks", "years"]
    )
    def test_lengths_of_time(self, text, days):
        assert lifetime_of(text) == timedelta(days=days)

    @pytest.mark.parametrize("text", ["", "90", "d", "0d", "-1d", "1.5d", "90 days", "1000000d"])
    def test_what_is_no_length_of_time(self, text):
        with pytest.raises(RegularsError, match="no length of time"):
            lifetime_of(text)


class TestPeople:
    def test_a_name_and_its_password_belong_together(self, tmp_path):
        known = People(tmp_path)
        known.create("Anna", LONG, ["lists:read"])
        known.create("Bert", LONG + "!", ["lists:read"])
        assert known.held("Anna", LONG).name == "Anna"
        assert known.held("Anna", LONG + "!") is None
        assert known.held("anna", LONG) is None
        assert known.held("Carl", LONG) is None

    def test_a_password_is_kept_salted_and_slow_to_try(self, tmp_path):
        first, second = hash_password(LONG), hash_password(LONG)
        assert first != second
        assert LONG not in first
        assert first.startswith(f"scrypt${2**15}$8$3$")
        assert password_is(LONG, first)
        assert not password_is(LONG + " ", first)

    def test_who_is_not_there_costs_a_hash_too(self, tmp_path, monkeypatch):
        tried = []
        real = people._scrypt
        monkeypatch.setattr(people, "_scrypt", lambda *given: tried.append(1) or real(*given))
        assert People(tmp_path).held("nobody", LONG) is None
        assert tried == [1]

    def test_a_new_password_ends_the_old_one(self, tmp_path):
        known = People(tmp_path)
        known.create("Anna", LONG, ["lists:read"])
        known.create("Anna", LONG + "2", ["lists:read"])
        assert known.held("Anna", LONG) is None
        assert [person.name for person in known.all()] == ["Anna"]

    @pytest.mark.parametrize("password", ["", "too short", "x" * 1_025])
    def test_passwords_that_are_too_short_or_too_long_are_refused(self, tmp_path, password):
        with pytest.raises(RegularsError, match="A password has"):
            People(tmp_path).create("Anna", password, ["lists:read"])


class TestCommands:
    def test_a_new_token_is_the_only_line_on_standard_output(self, tmp_path, capsys):
        assert run("token", "create", "crm", "--scope", "lists:read", "--expires", "90d", "--store", str(tmp_path)) == 0
        out = capsys.readouterr().out
        assert out.count("\n") == 1
        token = Tokens(tmp_path).held(out.strip())
        assert token.scopes == {"lists:read"}
        assert token.expires - token.created == timedelta(days=90)

    def test_listing_tells_states_and_no_text(self, tmp_path, capsys):
        text = Tokens(tmp_path).create("crm", ["lists:read"])
        assert run("token", "revoke", "crm", "--store", str(tmp_path)) == 0
        assert run("token", "list", "--store", str(tmp_path)) == 0
        said = capsys.readouterr().out
        assert "crm" in said
        assert "revoked" in said
        assert text[:20] not in said

    def test_a_person_with_a_password_from_the_environment(self, tmp_path, capsys, monkeypatch):
        monkeypatch.setenv("REGULARS_PASSWORD", LONG)
        assert run("person", "create", "Anna", "--store", str(tmp_path)) == 0
        assert People(tmp_path).held("Anna", LONG)
        assert run("person", "list", "--store", str(tmp_path)) == 0
        assert run("person", "remove", "Anna", "--store", str(tmp_path)) == 0
        assert People(tmp_path).all() == []
        assert LONG not in capsys.readouterr().out

    def test_without_a_terminal_the_password_has_to_be_in_the_environment(self, tmp_path, capsys, monkeypatch):
        monkeypatch.delenv("REGULARS_PASSWORD", raising=False)
        monkeypatch.setattr(sys.stdin, "isatty", lambda: False, raising=False)
        assert run("person", "create", "Anna", "--store", str(tmp_path)) == WRONG_INPUT
        assert "REGULARS_PASSWORD" in capsys.readouterr().err

    @pytest.mark.parametrize(
        "command",
        [
            ["token", "create", "crm", "--scope", "lists:read"],
            ["token", "list"],
            ["token", "revoke", "crm"],
            ["person", "list"],
            ["serve"],
        ],
        ids=" ".join,
    )
    def test_a_missing_store_is_one_message(self, tmp_path, capsys, command):
        assert run(*command, "--store", str(tmp_path / "missing")) == WRONG_INPUT
        said = capsys.readouterr()
        assert said.out == ""
        assert "no store is here" in said.err
        assert not (tmp_path / "missing").exists()


def test_whoever_come_to_a_new_store_at_once_all_get_in(tmp_path):
    together = Barrier(4, timeout=20)

    def end(number: int) -> None:
        for store in range(60):
            together.wait()
            with service(tmp_path / str(store)) as database:
                database.execute("insert into ended_sessions values (?, ?)", (str(number), "2030-01-01"))

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(end, range(4))) == [None] * 4
