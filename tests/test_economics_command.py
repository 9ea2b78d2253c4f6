"""The command `economics` and its verb: what a manager reads, and what a program does."""

import json
import math
import os

import pytest
from test_cli import flags_of, refusal, run
from valued_store import SCORED, valued_store

import regulars
from models.lifetime import Economics
from regulars.exits import DONE
from regulars.flags import EconomicsFlags


@pytest.fixture(autouse=True)
def somewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("REGULARS_")]:
        monkeypatch.delenv(name)
    return tmp_path


def said(capsys, *arguments):
    assert run("economics", *arguments) == DONE
    return " ".join(capsys.readouterr().out.split())


def test_without_a_margin_nothing_is_called_clv(capsys):
    valued_store("store")
    text = said(capsys, "--store", "store")
    assert "discounted revenue and no CLV: no margin was given" in text
    assert "CLV" not in text.replace("no CLV", "")
    assert "cost not known: give --acquisition-cost" in text
    found = regulars.economics("store")
    assert "clv" not in found.groups.columns
    assert found.groups["discounted_revenue"].sum() == pytest.approx(348.0)


def test_with_margin_and_cost_it_says_what_is_enough(capsys):
    valued_store("store", economics=Economics(margin=0.5, acquisition_cost=20.0))
    text = said(capsys, "--store", "store", "--by", "channel")
    assert "discounted margin, at 50.0% of what is sold in all" in text
    assert "LTV:CAC" in text
    assert "yes" in text
    assert "never" in text


def test_a_channel_whose_cost_is_not_known_has_no_answer(capsys, somewhere):
    (somewhere / "costs.csv").write_text("channel,cost\nweb,10\n")
    valued_store("store", economics=Economics(margin=0.5, acquisition_cost="costs.csv"))
    text = said(capsys, "--store", "store", "--by", "channel")
    assert "│ web │ 250 │ 10 │ 25.0 │ yes │" in text
    assert "│ shop │ 45 │ - │ - │ ? │" in text


@pytest.mark.parametrize("by", ["segment", "channel", "cohort", "value_tier"])
def test_as_json_it_is_whole_and_without_numbers_that_are_none(capsys, by):
    valued_store("store", economics=Economics(margin=0.5))
    assert run("economics", "--store", "store", "--by", by, "--json", "-") == DONE
    found = json.loads(capsys.readouterr().out, parse_constant=lambda name: pytest.fail(f"{name} in JSON"))
    assert (found["as_of"], found["horizon_days"], found["basis"]) == ("2024-07-01", 90, "margin")
    assert sum(row["customers"] for row in found["groups"]) == 3
    assert sum(row["share_of_value"] for row in found["groups"]) == pytest.approx(1)
    assert len(found["concentration"]) == 4
    assert [row["basis"] for row in found["textbook"]] == ["revenue", "revenue", "margin"]
    assert found["total"]["low"] < found["total"]["high"]


def test_nothing_worth_anything_is_said_in_words_and_not_in_numbers_that_are_none(capsys):
    valued_store("store", scored=SCORED.assign(clv=0.0, expected_spend=0.0))
    text = said(capsys, "--store", "store")
    assert not any(word in text.split() for word in ("nan", "inf", "None", "nan%"))


def test_a_store_that_is_not_there_is_refused(capsys):
    assert "regulars score" in refusal(capsys, "economics", "--store", "nowhere")
    assert "shoe size" in refusal(capsys, "economics", "--store", "nowhere", "--by", "shoe size")
    with pytest.raises(regulars.RegularsError, match="shoe size"):
        regulars.economics("nowhere", by="shoe size")


def test_help_says_what_each_flag_does(capsys):
    assert run("economics", "--help") == DONE
    text = " ".join(capsys.readouterr().out.split())
    assert all(f"{flag} " in text for flag in flags_of("economics"))


class TestFlags:
    """`--margin` and `--acquisition-cost` take a number or a name, from the command line, a file or the environment."""

    @pytest.fixture
    def seen(self, monkeypatch):
        """Return the economics that `score` was called with; reading a log would only take time."""
        found = []

        def economics(self):
            found.append(self)
            raise regulars.RegularsError("far enough")

        monkeypatch.setattr(EconomicsFlags, "economics", economics)
        return found

    def test_on_the_command_line(self, capsys, seen):
        refusal(capsys, "score", "x.csv", "--store", "s", "--margin", "0.4", "--acquisition-cost", "spent_on")
        refusal(capsys, "score", "x.csv", "--store", "s", "--margin", "Quantity * (Price - Cost)")
        assert (seen[0].margin, seen[0].acquisition_cost) == (0.4, "spent_on")
        assert (seen[1].margin, seen[1].acquisition_cost) == ("Quantity * (Price - Cost)", None)

    def test_in_the_file_and_the_environment(self, capsys, seen, somewhere, monkeypatch):
        (somewhere / "regulars.toml").write_text('margin = 0.35\nacquisition-cost = "costs.csv"\n')
        refusal(capsys, "score", "x.csv", "--store", "s")
        monkeypatch.setenv("REGULARS_MARGIN", "margins.csv")
        monkeypatch.setenv("REGULARS_ACQUISITION_COST", "12.5")
        refusal(capsys, "score", "x.csv", "--store", "s")
        assert (seen[0].margin, seen[0].acquisition_cost) == (0.35, "costs.csv")
        assert (seen[1].margin, seen[1].acquisition_cost) == ("margins.csv", 12.5)

    def test_a_margin_that_is_no_share_is_refused_before_the_log_is_read(self, capsys):
        assert "30 % is 0.3" in refusal(capsys, "score", "x.csv", "--store", "s", "--margin", "30")
        assert "acquisition cost" in refusal(capsys, "score", "x.csv", "--store", "s", "--acquisition-cost", "-3")


def test_no_table_holds_a_number_that_is_none_where_cost_is_zero():
    valued_store("store", economics=Economics(acquisition_cost=0.0))
    rows = regulars.economics("store").to_dict()["groups"]
    numbers = [value for row in rows for value in row.values() if isinstance(value, float)]
    assert all(math.isfinite(value) for value in numbers)
