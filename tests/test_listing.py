"""The commands `list` and `measure`, as a user runs them."""

import csv
import json
import os
import shutil
from datetime import timedelta
from pathlib import Path

import pandas as pd
import pytest
from listed_store import CUSTOMERS, consenting, listed_store, log_of
from valued_store import AS_OF

import regulars
from regulars import cli
from regulars.exits import ANSWER_NO, DONE, WRONG_INPUT
from serving.listing.saved_lists import saved_lists
from serving.store import Store


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return listed_store(tmp_path_factory.mktemp("made") / "store").folder


@pytest.fixture(autouse=True)
def somewhere(made, tmp_path, monkeypatch):
    """Every test runs in a folder of its own, with a store and a log in it."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("REGULARS_")]:
        monkeypatch.delenv(name)
    shutil.copytree(made, "store")
    more = [(f"c{number:04d}", AS_OF + timedelta(days=number % 40), 10.0 + number % 9) for number in range(0, 200, 2)]
    extra = pd.DataFrame(more, columns=["customer_id", "timestamp", "amount"])
    pd.concat([log_of(), extra], ignore_index=True).to_csv("log.csv", index=False)


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as left:
        cli.main(list(arguments))
    return int(left.value.code or 0)


def refusal(capsys, *arguments: str) -> str:
    assert run(*arguments, "--store", "store") == WRONG_INPUT
    said = capsys.readouterr()
    assert said.out == ""
    assert "Traceback" not in said.err
    return " ".join(said.err.split())


def rows(path="list.csv") -> list[dict[str, str]]:
    with Path(path).open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def exported() -> int:
    from serving.storage.service import service

    with service(Path("store")) as connection:
        return connection.execute("select count(*) from exports").fetchone()[0]


class TestList:
    def test_without_a_name_nothing_is_written_down_and_nobody_is_held_back(self, capsys):
        assert run("list", "--store", "store", "--where", "clv > 0", "--out", "list.csv") == DONE
        assert "160 customers in list.csv, without those who do not consent" in capsys.readouterr().err
        assert {row["customer_id"] for row in rows()} == consenting()
        assert not Path("store/service.db").exists()

    def test_a_filter_gives_the_columns_of_the_scores_best_first(self):
        assert run("list", "--store", "store", "--segment", "Lost", "--top", "9", "--out", "list.csv") == DONE
        assert list(rows()[0]) == list(Store(Path("store")).scores().columns)
        assert {row["customer_id"] for row in rows()} < consenting()
        values = [float(row["clv"]) for row in rows()]
        assert len(values) == 9
        assert values == sorted(values, reverse=True)

    def test_without_a_customers_table_nobody_is_left_out(self):
        listed_store(Path("other"), people=False)
        assert run("list", "--store", "other", "--segment", "Lost", "--out", "list.csv", "--quiet") == DONE
        assert len(rows()) == CUSTOMERS / 2

    def test_a_play_gives_reasons_and_leaves_out_who_has_not_consented(self, capsys):
        assert run("list", "--store", "store", "--play", "win-back", "--out", "list.csv") == DONE
        assert rows()
        assert all(row["reason"].startswith("Gone for") for row in rows())
        assert all(int(row["customer_id"][1:]) % 5 for row in rows())

    def test_with_a_name_some_are_held_back_and_all_is_written_down_and_said(self, capsys):
        options = ("--name", "Sommer ☀", "--hold-back", "0.2", "--out", "list.csv", "--json", "-")
        assert run("list", "--store", "store", "--where", "clv > 0", *options) == DONE
        said = capsys.readouterr()
        found = json.loads(said.out)
        assert (found["list"], found["rows"], found["left_out"]) == ("Sommer ☀", len(rows()), {"no_consent": 40})
        assert found["rows"] + found["held_back"] == CUSTOMERS - 40
        assert "held back" in said.err
        assert "left out: 40 without consent" in said.err
        assert exported() == 1

    def test_a_saved_list_is_asked_for_by_its_name_alone(self):
        assert run("list", "--store", "store", "--play", "save", "--top", "9", "--name", "S", "--save", "--quiet",
                   "--out", "list.csv") == DONE  # fmt: skip
        assert saved_lists(Store(Path("store")))[0].definition.play == "save"
        first = rows()
        assert run("list", "--store", "store", "--name", "S", "--out", "list.csv", "--quiet") == DONE
        assert rows() == first

    def test_a_budget_is_kept(self, capsys):
        terms = ("--contact-cost", "0.5", "--response-rate", "0.5", "--budget", "3")
        assert run("list", "--store", "store", "--play", "win-back", *terms, "--name", "W", "--out", "list.csv") == DONE
        assert len(rows()) == 6
        profits = [float(row["expected_profit"]) for row in rows()]
        assert profits == sorted(profits, reverse=True)

    def test_changes_since_the_last_export(self):
        options = ("--store", "store", "--where", "clv > 0", "--name", "crm", "--changes", "--out", "list.csv")
        assert run("list", *options) == DONE
        assert rows()
        assert run("list", *options) == DONE
        assert not rows()

    def test_a_cap_leaves_out_who_was_on_enough_lists(self, capsys):
        options = (
            "--store",
            "store",
            "--where",
            "clv > 0",
            "--max-contacts",
            "1",
            "--out",
            "list.csv",
            "--hold-back",
            "0",
        )
        assert run("list", *options, "--name", "one") == DONE
        assert run("list", *options, "--name", "two") == DONE
        assert "160 on enough lists already" in capsys.readouterr().err
        assert not rows()

    def test_platforms_say_whom_they_cannot_find(self, capsys):
        options = ("--where", "clv > 0", "--name", "ads", "--format", "google", "--out", "list.csv")
        assert run("list", "--store", "store", *options) == DONE
        assert "that the platform could not find" in capsys.readouterr().err
        assert list(rows()[0]) == ["Email", "Country", "Value"]

    def test_a_named_list_on_standard_output_is_an_export_too(self, capfdbinary):
        assert run("list", "--store", "store", "--where", "clv > 0", "--name", "all") == DONE
        said = capfdbinary.readouterr()
        assert said.out.startswith(b'"customer_id"')
        assert exported() == 1

    @pytest.mark.parametrize(
        ("options", "problem"),
        [
            (("--changes",), "--changes needs a --name"),
            (("--save",), "--save needs a --name"),
            (("--hold-back", "0.2"), "--hold-back needs a --name"),
            (("--max-contacts", "2"), "--max-contacts needs a --name"),
            (("--format", "meta"), "--format meta needs a --name"),
            (("--budget", "5"), "--budget needs --contact-cost"),
            (("--contact-cost", "5"), "needs both --contact-cost and --response-rate"),
            (("--name", "never saved"), "no saved list 'never saved'"),
            (("--name", "all", "--save", "--play", "save"), "cannot be saved as 'all'"),
            (("--name", "../../etc/passwd", "--where", "clv > 0"), "no slashes"),
            (("--play", "sav"), "no play 'sav'"),
            (("--play", "grow"), "Grow compares how many categories or products"),
            (("--where", "1=1; drop table exports", "--name", "x"), "not allowed"),
        ],
    )
    def test_what_means_nothing_is_refused_with_one_message(self, capsys, options, problem):
        assert problem in refusal(capsys, "list", *options)
        assert not Path("store/service.db").exists() or exported() == 0


class TestMeasure:
    def test_a_store_that_is_not_there_is_refused_before_the_log_is_read_and_is_not_made(self, capsys):
        assert run("measure", "W", "log.csv", "--store", "nowhere") == WRONG_INPUT
        said = capsys.readouterr().err
        assert "no store is here" in said
        assert "reading" not in said
        assert not Path("nowhere").exists()

    def send(self, *options: str) -> None:
        assert (
            run("list", "--store", "store", "--where", "clv > 0", "--name", "W", "--out", "list.csv", *options) == DONE
        )

    def test_it_shows_both_groups_and_says_what_it_can_tell(self, capsys):
        self.send("--hold-back", "0.5", "--quiet")
        assert run("measure", "W", "log.csv", "--store", "store") == DONE
        said = " ".join(capsys.readouterr().out.split())
        for text in ("W: what came of it", "contacted", "held back", "came back", "95 % interval", "counted"):
            assert text in said

    def test_as_json(self, capsys):
        self.send("--hold-back", "0.5", "--quiet")
        assert run("measure", "W", "log.csv", "--store", "store", "--json", "-") == DONE
        found = json.loads(capsys.readouterr().out)
        assert found["list"] == "W"
        assert found["contacted"]["customers"] + found["held_back"]["customers"] == CUSTOMERS - 40
        assert found["spend"]["low"] <= found["spend"]["difference"] <= found["spend"]["high"]

    def test_without_a_control_group_the_answer_is_no(self, capsys):
        self.send("--hold-back", "0", "--quiet")
        assert run("measure", "W", "log.csv", "--store", "store") == ANSWER_NO
        assert "nobody was held back" in " ".join(capsys.readouterr().out.split())

    def test_a_list_that_never_left_is_refused(self, capsys):
        assert "No export of a list 'W'" in refusal(capsys, "measure", "W", "log.csv")


class TestVerbs:
    def test_the_commands_are_verbs(self):
        definition = regulars.Definition(play="win-back", contact=regulars.Contact(0.5, 0.5), hold_back=0.5)
        look = regulars.list("store", definition=definition)
        sent = regulars.export("store", definition, regulars.Delivery("W", "ann"), "list.csv")
        assert {row["customer_id"] for row in rows()} < set(look.index)
        assert sent.rows == len(rows())
        found = regulars.measure("W", "log.csv", "store")
        assert found.contacted.customers == sent.rows
        assert found.held_back.customers == sent.held_back
