"""The command line, as a user runs it: what it prints, what it writes, and how it leaves."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import regulars
from regulars import cli
from regulars.exits import ANSWER_NO, DONE, WRONG_INPUT
from training.baselines import BASELINES

LITTLE = regulars.Fitting(rows=2_000, spend_trees=40, churn_trees=40)
ROADS = ("check", "features", "backtest", "train", "promote", "score")


@pytest.fixture(autouse=True)
def somewhere(tmp_path, monkeypatch, new_registry):
    """Every test runs in a folder of its own, with a registry of its own."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith(("REGULARS_", "MLFLOW_TRACKING"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", new_registry(tmp_path))
    return tmp_path


@pytest.fixture(scope="module")
def trained(tmp_path_factory, cdnow_sample, new_registry):
    """A folder in which a log of 400 customers was trained and scored."""
    folder = tmp_path_factory.mktemp("trained")
    some = cdnow_sample["customer_id"].drop_duplicates().sample(400, random_state=3)
    cdnow_sample[cdnow_sample["customer_id"].isin(some)].to_parquet(folder / "log.parquet")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("MLFLOW_TRACKING_URI", new_registry(folder))
        regulars.train(Path("log.parquet"), "1998-03-01", fitting=LITTLE)
        assert run("score", "log.parquet", "--as-of", "1998-04-01", "--store", "store", "--quiet") == DONE
    return folder


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as left:
        cli.main(list(arguments))
    return int(left.value.code or 0)


def write_log(path: Path, **columns) -> Path:
    frame = pd.DataFrame({"customer_id": ["a", "b"], "timestamp": ["2024-01-01", "2024-06-01"], "amount": [1.0, 2.0]})
    frame.assign(**columns).to_csv(path, index=False)
    return path


def refusal(capsys, *arguments: str) -> str:
    """Run a command that must be refused: exit 2, one message, no traceback, nothing on standard output."""
    code = run(*arguments, "--quiet")
    said = capsys.readouterr()
    assert code == WRONG_INPUT, said.err
    assert said.out == ""
    assert said.err.startswith("regulars: ")
    assert "Traceback" not in said.err
    assert said.err.count("regulars: ") == 1
    return said.err


class TestRefusals:
    def test_no_such_file(self, capsys):
        message = refusal(capsys, "train", "orders.csv")
        assert "orders.csv" in message
        assert "no such file" in message

    def test_an_empty_log(self, capsys, somewhere):
        (somewhere / "log.csv").write_text("customer_id,timestamp,amount\n")
        message = refusal(capsys, "train", "log.csv")
        assert "log.csv" in message
        assert "empty" in message

    def test_a_missing_column_names_the_columns_there_are_and_the_flag_to_map_one(self, capsys, somewhere):
        write_log(somewhere / "log.csv").rename(somewhere / "other.csv")
        message = refusal(capsys, "train", "other.csv", "--customer-id", "CustomerID")
        assert all(text in message for text in ("other.csv", "CustomerID", "--customer-id", "timestamp", "amount"))

    def test_an_amount_that_is_text(self, capsys, somewhere):
        write_log(somewhere / "log.csv", amount=["12 EUR", "n/a"])
        message = refusal(capsys, "train", "log.csv")
        assert all(text in message for text in ("log.csv", "amount is not a number", "'12 EUR'", "2 of 2 rows"))

    def test_only_dates_at_or_after_the_as_of_date(self, capsys, somewhere):
        write_log(somewhere / "log.csv")
        message = refusal(capsys, "train", "log.csv", "--as-of", "2023-12-31")
        assert all(text in message for text in ("2023-12-31", "2024-01-01", "as-of date"))

    def test_an_as_of_date_on_the_day_of_the_first_purchase(self, capsys, somewhere):
        write_log(somewhere / "log.csv")
        assert "2024-01-01" in refusal(capsys, "features", "log.csv", "--as-of", "2024-01-01", "--out", "f.csv")
        assert not (somewhere / "f.csv").exists()

    def test_a_horizon_more_than_twice_the_history(self, capsys, somewhere):
        write_log(somewhere / "log.csv")
        message = refusal(capsys, "train", "log.csv", "--horizon", "400")
        assert "twice" in message
        assert "400" in message

    def test_one_customer(self, capsys, somewhere):
        write_log(somewhere / "log.csv", customer_id=["a", "a"])
        message = refusal(capsys, "train", "log.csv", "--horizon", "30")
        assert "1 customer" in message

    def test_nothing_but_refunds(self, capsys, somewhere):
        write_log(somewhere / "log.csv", amount=[-1.0, -2.0])
        message = refusal(capsys, "train", "log.csv")
        assert "no row has a positive amount" in message

    def test_a_bundle_trained_with_other_columns(self, capsys, trained, monkeypatch):
        monkeypatch.chdir(trained)
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{trained}/mlflow.db")
        log = pd.read_parquet("log.parquet").assign(product_id="cd")
        log.to_parquet("with_products.parquet")
        message = refusal(capsys, "score", "with_products.parquet", "--as-of", "1998-04-01", "--store", "other")
        assert "products_distinct" in message
        assert not Path("other/scores").exists()

    def test_scoring_before_the_training(self, capsys, trained, monkeypatch):
        monkeypatch.chdir(trained)
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{trained}/mlflow.db")
        message = refusal(capsys, "score", "log.parquet", "--as-of", "1998-02-01", "--store", "store")
        assert "1998-03-01" in message

    def test_scoring_without_a_model(self, capsys, somewhere):
        write_log(somewhere / "log.csv")
        message = refusal(capsys, "score", "log.csv", "--store", "store", "--horizon", "30")
        assert "regulars-30d" in message
        assert "regulars train" in message

    def test_a_list_without_a_store(self, capsys):
        assert "regulars score" in refusal(capsys, "list", "--store", "nowhere")

    @pytest.mark.parametrize("arguments", [["bogus"], ["train"], ["train", "x", "--as-of", "soon"], ["list"]])
    def test_wrong_usage(self, capsys, arguments):
        code = run(*arguments)
        said = capsys.readouterr()
        assert (code, said.out) == (WRONG_INPUT, "")
        assert said.err.startswith("regulars: ")

    def test_too_many_unusable_rows_are_the_answer_no_of_a_check_and_refused_elsewhere(self, capsys, somewhere):
        write_log(somewhere / "log.csv", amount=["1", "free"])
        assert run("check", "log.csv") == ANSWER_NO
        assert "1 amount is not a number" in capsys.readouterr().out
        assert "--max-bad-share" in refusal(capsys, "train", "log.csv")


class TestCheck:
    def test_it_reports_what_the_log_holds_as_json(self, capsys, cdnow_sample):
        cdnow_sample.to_parquet("log.parquet")
        assert run("check", "log.parquet", "--json", "-") == DONE
        found = json.loads(capsys.readouterr().out)
        assert (found["customers"], found["rows"], found["first_day"]) == (2357, 6919, "1997-01-01")
        assert [row["horizon_days"] for row in found["prospects"] if row["trainable"]] == [30, 90, 180, 365]

    def test_unusable_rows_go_into_quarantine_as_they_stand_in_the_log(self, capsys, somewhere):
        write_log(somewhere / "log.csv", amount=["1", "free"])
        run("check", "log.csv", "--quarantine", "bad.csv")
        bad = pd.read_csv("bad.csv", dtype=str)
        assert bad[["problem", "customer_id", "amount"]].to_numpy().tolist() == [
            ["amount is not a number", "b", "free"]
        ]

    def test_flags_can_stand_in_a_file_and_in_the_environment(self, capsys, somewhere, monkeypatch):
        write_log(somewhere / "log.csv").write_text("id,when,amount\na,2024-01-01,1\nb,2024-06-01,2\n")
        (somewhere / "regulars.toml").write_text('customer-id = "id"\n')
        monkeypatch.setenv("REGULARS_TIMESTAMP", "when")
        assert run("check", "log.csv", "--json", "-") == DONE
        assert json.loads(capsys.readouterr().out)["customers"] == 2


class TestRoad:
    def test_features_are_written_as_a_table_of_customers(self, trained, somewhere):
        assert run("features", str(trained / "log.parquet"), "--as-of", "1997-06-01", "--out", "f.parquet") == DONE
        found = pd.read_parquet("f.parquet")
        assert found["customer_id"].is_unique
        assert found["customer_id"].is_monotonic_increasing
        assert (found["recency_days"] >= 1).all()

    def test_a_list_is_ranked_filtered_and_cut(self, capsys, trained):
        where = "clv > 20 and churn_probability > 0.5"
        assert (
            run("list", "--store", str(trained / "store"), "--where", where, "--top", "7", "--out", "list.csv") == DONE
        )
        found = pd.read_csv("list.csv", dtype={"customer_id": str})
        assert len(found) == 7
        # Scored without a margin: value is discounted revenue, and called that.
        assert (found["discounted_revenue"] > 20).all()
        assert (found["churn_probability"] > 0.5).all()
        assert found["discounted_revenue"].is_monotonic_decreasing
        assert found["customer_id"].str.len().eq(5).all()
        assert found["reasons"].str.contains("·").all()

    def test_a_list_goes_to_standard_output_and_its_notes_do_not(self, capfdbinary, trained):
        assert run("list", "--store", str(trained / "store"), "--segment", "champions", "--top", "2") == DONE
        said = capfdbinary.readouterr()
        lines = said.out.decode().splitlines()
        assert len(lines) == 3
        assert lines[0].startswith('"customer_id"') or lines[0].startswith("customer_id")
        assert b"2 customers" in said.err

    def test_a_filter_that_asks_for_more_than_columns_is_refused(self, capsys, trained):
        message = refusal(capsys, "list", "--store", str(trained / "store"), "--where", "1=1; drop table scores")
        assert "Allowed" in message or "allowed" in message


@pytest.fixture(scope="module")
def challenged(trained, tmp_path_factory):
    """A folder with a registry of its own, and what was said of the version that was trained there as of 1998-04-01."""
    folder = tmp_path_factory.mktemp("challenged")
    shutil.copytree(trained, folder, dirs_exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder}/mlflow.db")
        assert run("train", "log.parquet", "--as-of", "1998-04-01", "--json", "made.json", "--quiet") == DONE
    return folder, json.loads((folder / "made.json").read_text())


@pytest.fixture
def challenger(challenged, monkeypatch):
    """That version, as challenger of version 1, which is champion."""
    from models.registry import connect

    folder, made = challenged
    monkeypatch.chdir(folder)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder}/mlflow.db")
    for alias, of in {"champion": "1", "challenger": made["version"]}.items():
        connect().set_registered_model_alias("regulars-90d", alias, of)
    return made["version"]


class TestChampion:
    def test_training_again_makes_a_challenger_that_can_be_asked_for_by_name(self, capsys, challenged, challenger):
        made = challenged[1]
        assert (made["model"], made["alias"]) == ("regulars-90d", "challenger")
        assert made["metrics"]["Regulars"]["auc"] > 0.7
        score = ("score", "log.parquet", "--as-of", "1998-05-01", "--store", "store", "--json", "-")
        assert run(*score, "--model", "challenger") == DONE
        assert json.loads(capsys.readouterr().out)["model_version"] == challenger

    def test_both_figures_are_shown_and_the_answer_is_the_exit_code(self, capsys, challenger):
        code = run("promote", "log.parquet")
        said = capsys.readouterr().out
        assert all(text in said for text in ("Gini", "log loss", f"version {challenger}", "champion 1", "95% interval"))
        assert code in (DONE, ANSWER_NO)
        assert ("promoted " in said, "refused " in said) == (code == DONE, code == ANSWER_NO)
        assert max(len(line) for line in said.splitlines()) <= 80

    def test_the_decision_is_there_for_programs_and_scores_come_from_the_new_champion(self, capsys, challenger):
        assert run("promote", "log.parquet", "--force", "--by", "Ada", "--json", "-") == DONE
        found = json.loads(capsys.readouterr().out)
        assert (found["promoted"], found["by"], found["challenger"]) == (True, "Ada", challenger)
        assert set(found["comparison"]["metrics"]) == {"mae", "rmse", "gini", "bias", "auc", "log_loss"}
        assert run("score", "log.parquet", "--as-of", "1998-05-01", "--store", "store", "--json", "-") == DONE
        assert json.loads(capsys.readouterr().out)["model_version"] == challenger

    def test_one_that_is_champion_already_or_not_there_is_refused(self, capsys, challenger):
        assert "version 1 of regulars-90d is the champion already" in refusal(
            capsys, "promote", "log.parquet", "--model", "champion"
        )
        assert "'77'" in refusal(capsys, "promote", "log.parquet", "--model", "77")
        assert "log_loss" in refusal(capsys, "promote", "log.parquet", "--metric", "r2")

    def test_without_a_complete_window_since_the_training_it_says_when_to_come_back(self, capsys, challenger):
        log = pd.read_parquet("log.parquet")
        log[pd.to_datetime(log["timestamp"]) < "1998-06-15"].to_parquet("short.parquet")
        assert run("promote", "short.parquet") == ANSWER_NO
        said = " ".join(capsys.readouterr().out.split())
        assert "can be judged from 1998-06-30 on" in said
        assert "--force" in said
        assert "1998-06-30" in refusal(capsys, "backtest", "short.parquet", "--model", "challenger")

    def test_a_registered_model_is_judged_as_it_is_on_windows_since_its_training(self, capsys, challenger):
        assert run("backtest", "log.parquet", "--model", "champion", "--json", "-") == DONE
        found = json.loads(capsys.readouterr().out)
        assert (found["model"], found["model_version"]) == ("regulars-90d", "1")
        assert [window["as_of"] for window in found["windows"]] == ["1998-03-11", "1998-04-02"]
        assert set(found["windows"][0]["metrics"]) == {"Regulars", *BASELINES}
        assert found["run_id"]


class TestHelp:
    def test_it_comes_without_any_heavy_library(self):
        heavy = (
            "[m for m in ('pandas', 'numpy', 'lightgbm', 'mlflow', 'ibis', 'duckdb', 'pyarrow') if m in sys.modules]"
        )
        code = (
            "import sys\nfrom regulars.cli import main\ntry:\n    main(['--help'])\nexcept SystemExit as left:\n"
            f"    assert not left.code\nloaded = {heavy}\nassert not loaded, loaded"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
        assert done.returncode == DONE, done.stderr
        assert "backtest" in done.stdout

    def test_the_package_itself_loads_nothing_heavy(self):
        code = "import sys, regulars; assert not {'pandas', 'ibis', 'lightgbm', 'mlflow'} & set(sys.modules)"
        assert subprocess.run([sys.executable, "-c", code], check=False).returncode == DONE

    @pytest.mark.parametrize("command", [*ROADS, "list", "demo"])
    def test_every_command_says_what_each_of_its_flags_does(self, capsys, command):
        assert run(command, "--help") == DONE
        text = " ".join(capsys.readouterr().out.split())
        assert "Usage: regulars" in text
        bare = [flag for flag in flags_of(command) if f"{flag} " not in text]
        assert not bare


def flags_of(command: str) -> list[str]:
    arguments = cli.app[command].assemble_argument_collection(parse_docstring=True)
    undocumented = [argument.name for argument in arguments if not argument.parameter.help and not argument.children]
    assert not undocumented, f"{command}: {undocumented} have no help"
    return [argument.name for argument in arguments if argument.name.startswith("--") and not argument.children]


class TestReadingAgain:
    def test_what_went_into_quarantine_is_not_read_as_part_of_the_log(self, capsys, somewhere):
        write_log(somewhere / "log.csv", amount=["1", "free"])
        for _ in range(2):
            run("check", "*.csv", "--json", "-")
            assert json.loads(capsys.readouterr().out)["rows"] == 2

    def test_a_password_is_never_said(self, capsys):
        run("check", "postgresql://somebody:secret@127.0.0.1:1/shop?password=secret#orders")
        said = capsys.readouterr()
        assert "shop#orders" in said.err
        assert "secret" not in said.err + said.out

    @pytest.mark.parametrize("horizon", ["0", "-5", "100000000"])
    @pytest.mark.parametrize("command", [["train"], ["backtest"], ["features", "--out", "f.csv"]])
    def test_a_horizon_is_a_number_of_days_from_one_to_ten_years(self, capsys, somewhere, command, horizon):
        write_log(somewhere / "log.csv")
        assert "number of days from 1 to 3653" in refusal(capsys, *command, "log.csv", "--horizon", horizon)

    def test_a_registry_that_does_not_answer_is_named_before_the_work(self, capsys, trained, monkeypatch):
        monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlit://nowhere")
        assert "MLFLOW_TRACKING_URI" in refusal(capsys, "train", str(trained / "log.parquet"))

    @pytest.mark.parametrize("name", ["churned", "net_spend", "btyd_active", "spend"])
    def test_an_attribute_with_a_name_of_ours_is_refused(self, capsys, somewhere, name):
        write_log(somewhere / "log.csv")
        (somewhere / "customers.csv").write_text(f"customer_id,{name}\na,1\n")
        assert name in refusal(capsys, "check", "log.csv", "--customers", "customers.csv")
