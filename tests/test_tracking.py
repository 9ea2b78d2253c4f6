"""Runs and versions in a real MLflow store: what is logged, how it is registered, and how it comes back."""

import csv
import json
import os
import subprocess
import sys
import threading
from datetime import date
from importlib.metadata import version
from pathlib import Path

import pandas as pd
import pytest
from filelock import FileLock

from features.snapshot import snapshot
from models import registry
from models.registry import connect, load_registered, registered_name
from regulars.errors import BundleError
from training.backtest import Backtest
from training.baselines import BASELINES
from training.evaluate import MODEL
from training.fit import LIBRARIES, Fitting
from training.tracking import log_backtest, log_training
from training.train import train

pytestmark = pytest.mark.slow

AS_OF, HORIZON = date(1998, 4, 1), 90
FITTING = Fitting(rows=1_000, seed=3, spend_trees=40, churn_trees=40)
PICTURES = ["calibration.png", "coverage.png", "deciles.png", "gain_curve.png", "importances.png"]
CONNECT = "from models.registry import connect; connect(); connect()"


@pytest.fixture(scope="module")
def beginnings(tmp_path_factory):
    """Two processes that meet at a store that is not there yet: its folder, and what became of them."""
    folder = tmp_path_factory.mktemp("tracking")
    surroundings = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")}
    surroundings["PYTHONPATH"] = str(Path(registry.__file__).parents[1])
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    both = [subprocess.Popen([sys.executable, "-c", CONNECT], cwd=folder, env=surroundings, **pipes) for _ in range(2)]
    said = [process.communicate(timeout=240) for process in both]
    return folder, [process.returncode for process in both], said


@pytest.fixture(scope="module")
def store(beginnings):
    """The store that they made, as this process's MLflow store and working folder."""
    import mlflow

    folder = beginnings[0]
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder}/mlflow.db")
        mlflow.set_tracking_uri(f"sqlite:///{folder}/mlflow.db")
        yield folder


@pytest.fixture(scope="module")
def client(store):
    return connect()


@pytest.fixture(scope="module")
def training(store, sample_ledger):
    return train(sample_ledger, AS_OF, HORIZON, FITTING)


@pytest.fixture(scope="module")
def run(client, training):
    return client.get_run(training.version.run_id)


@pytest.fixture(scope="module")
def artifacts(client, training, tmp_path_factory):
    folder = tmp_path_factory.mktemp("artifacts")
    return Path(client.download_artifacts(training.version.run_id, "", str(folder)))


@pytest.fixture(scope="module")
def customers(sample_ledger):
    table = snapshot(sample_ledger, AS_OF, HORIZON).to_pandas().sort_values("customer_id")
    return table.set_index("customer_id").drop(columns="as_of").head(300)


def test_two_processes_may_make_a_new_store_at_once(beginnings):
    folder, codes, said = beginnings
    assert codes == [0, 0], said
    assert (folder / "mlflow.db").exists()


def test_standard_output_belongs_to_results(beginnings, training, capsys):
    assert [out for out, _ in beginnings[2]] == ["", ""]
    capsys.readouterr()
    connect()
    load_registered(HORIZON)
    assert capsys.readouterr().out == ""


def test_who_finds_a_store_that_another_is_still_making_waits(store):
    waiting = threading.Thread(target=connect)
    with FileLock(store / "mlflow.db.lock"):
        waiting.start()
        waiting.join(timeout=1)
        assert waiting.is_alive()
    waiting.join(timeout=30)
    assert not waiting.is_alive()


def test_the_first_version_is_champion(training, client):
    assert training.version.name == registered_name(HORIZON) == "regulars-90d"
    assert (training.version.version, training.version.alias) == ("1", "champion")
    assert client.get_model_version_by_alias("regulars-90d", "champion").run_id == training.version.run_id


def test_parameters_say_how_it_was_trained(run, training):
    found, plan = run.data.params, training.fitted.plan
    assert (found["as_of"], found["horizon_days"], found["window_days"]) == ("1998-04-01", "90", "90")
    assert (found["rows"], found["seed"], found["threads"]) == ("1000", "3", "1")
    assert (found["oldest_cutoff"], found["newest_cutoff"]) == (str(plan.cutoffs[-1]), str(plan.cutoffs[0]))
    assert found["level_rule"] == training.fitted.bundle.level.rule
    assert float(found["btyd_r"]) == pytest.approx(training.fitted.bundle.btyd.dropout_.r_)
    assert found["evaluated_as_of"] == "1998-01-01"
    assert found["spend_members"] == ", ".join(training.fitted.bundle.spend.members)
    assert found["churn_members"] == ", ".join(training.fitted.bundle.churn.members)


def test_metrics_are_those_of_the_newest_window_that_was_complete_by_then(run, training):
    own = training.evaluation.metrics.loc[MODEL]
    assert {name: run.data.metrics[name] for name in own.index} == pytest.approx(own.to_dict())
    assert run.data.metrics["training_rows"] == training.fitted.rows
    assert 0.5 < run.data.metrics["explainer_fidelity"] <= 1


def test_tags_say_what_it_was_learnt_from(run, sample_ledger):
    assert run.data.tags["kind"] == "training"
    assert run.data.tags["log_fingerprint"] == sample_ledger.fingerprint
    assert run.data.tags["evaluated"] == "1998-01-01"
    assert run.data.tags["extrapolates"] == "false"
    assert run.info.status == "FINISHED"


def test_pictures_are_pictures(artifacts):
    import matplotlib.image

    assert sorted(path.name for path in artifacts.glob("*.png")) == PICTURES
    for name in PICTURES:
        image = matplotlib.image.imread(artifacts / name)
        assert min(image.shape[:2]) > 300
        assert image[..., :3].std() > 0.05


def test_documents_hold_the_features_the_facts_and_the_quality_of_the_log(artifacts, training, sample_ledger):
    found = {path.name: json.loads(path.read_text()) for path in artifacts.glob("*.json")}
    assert sorted(found) == ["facts.json", "features.json", "quality.json"]
    assert list(found["features.json"]) == list(training.fitted.bundle.encoding.columns)
    assert all(set(entry) == {"family", "unit", "sentence", "reason"} for entry in found["features.json"].values())
    assert found["facts.json"]["versions"] == {name: version(name) for name in LIBRARIES}
    assert found["facts.json"]["log_last_day"] == "1998-03-31"
    assert found["quality.json"] == json.loads(json.dumps(sample_ledger.quality.to_dict()))


def test_tables_hold_the_baselines_and_the_importances(artifacts, training):
    with (artifacts / "metrics_beside_baselines.csv").open() as lines:
        assert [row["model"] for row in csv.DictReader(lines)] == [MODEL, *BASELINES]
    importances = pd.read_csv(artifacts / "importances.csv", index_col="feature")
    assert list(importances.index) == list(training.fitted.bundle.spend.feature_names_in_)
    assert importances.sum().to_numpy() == pytest.approx([1.0, 1.0])


def test_nothing_anywhere_in_the_store_is_pickled(store, training):
    files = [path for path in (store / "mlruns").rglob("*") if path.is_file()]
    assert len(files) > 15
    known = {".txt", ".json", ".yaml", ".png", ".csv", ".py", ".md", ".html", ""}
    assert {path.suffix for path in files} <= known
    for path in files:
        content = path.read_bytes()
        # Pickles begin with the protocol, zipped ones and numpy's with a signature of their own.
        assert not content.startswith((b"\x80", b"PK", b"\x93NUMPY", b"\x1f\x8b")), path
        assert path.suffix == ".png" or b"\0" not in content, path


def test_the_champion_predicts_the_same_to_the_last_bit_as_it_comes_back_and_as_mlflow_serves_it(training, customers):
    import mlflow

    expected = training.fitted.bundle.predict(customers)
    served, found = mlflow.pyfunc.load_model("models:/regulars-90d@champion"), load_registered(HORIZON)
    assert (found.name, found.version, found.run_id) == ("regulars-90d", "1", training.version.run_id)
    pd.testing.assert_frame_equal(served.predict(customers), expected, check_exact=True)
    pd.testing.assert_frame_equal(found.bundle.predict(customers), expected, check_exact=True)


def test_the_model_has_a_signature_and_an_example_of_its_input(training):
    import mlflow

    served = mlflow.pyfunc.load_model("models:/regulars-90d@champion")
    bundle = training.fitted.bundle
    assert served.metadata.signature.inputs.input_names() == list(bundle.encoding.columns)
    assert served.metadata.signature.outputs.input_names()[:2] == ["expected_spend", "median_spend"]
    example = served.input_example
    assert len(example) == 5
    assert served.predict(example)["expected_spend"].notna().all()


@pytest.fixture(scope="module")
def second(store, training, customers):
    """A second version, of a training whose history allowed no evaluation."""
    return log_training(training.fitted, None, customers, FITTING, {})


def test_the_second_version_is_challenger_and_the_champion_stays(second, client, training):
    assert (second.version, second.alias) == ("2", "challenger")
    aliases = client.get_registered_model("regulars-90d").aliases
    assert {alias: str(of) for alias, of in aliases.items()} == {"champion": "1", "challenger": "2"}
    assert load_registered(HORIZON).run_id == training.version.run_id
    assert load_registered(HORIZON, "challenger").run_id == load_registered(HORIZON, "2").run_id == second.run_id


def test_a_training_without_evaluation_says_so(second, client):
    run = client.get_run(second.run_id)
    assert run.data.tags["evaluated"] == "no complete window"
    assert "auc" not in run.data.metrics
    assert "gain_curve.png" not in [entry.path for entry in client.list_artifacts(second.run_id)]


@pytest.mark.parametrize(
    ("horizon", "asked", "wanted"),
    [(30, "champion", "regulars-30d"), (HORIZON, "7", "regulars-90d"), (HORIZON, "queen", "regulars-90d")],
)
def test_what_is_not_registered_is_refused_with_what_is(second, store, horizon, asked, wanted):
    with pytest.raises(BundleError) as refusal:
        load_registered(horizon, asked)
    message = str(refusal.value)
    assert f"no model {wanted} with version or alias '{asked}'" in message
    assert f"{store}/mlflow.db" in message
    assert "registered there: regulars-90d with challenger 2, champion 1" in message
    assert "train one with `regulars train`" in message


def test_a_backtest_is_a_run_with_one_child_a_window(training, client):
    backtest = Backtest((training.evaluation,))
    run_id = log_backtest(backtest, HORIZON, "0123456789abcdef")
    run = client.get_run(run_id)
    assert run.data.tags["kind"] == "backtest"
    assert run.data.tags["log_fingerprint"] == "0123456789abcdef"
    assert run.data.params == {"horizon_days": "90", "cutoffs": "1"}
    assert run.data.metrics["mae"] == pytest.approx(training.evaluation.metrics.loc[MODEL, "mae"])
    children = client.search_runs([run.info.experiment_id], f"tags.mlflow.parentRunId = '{run_id}'")
    assert [child.info.run_name for child in children] == ["1998-01-01"]
    assert children[0].data.metrics["auc"] == pytest.approx(training.evaluation.metrics.loc[MODEL, "auc"])


def test_a_backtest_of_a_registered_version_says_which(training, client):
    run_id = log_backtest(Backtest((training.evaluation,), load_registered(HORIZON)), HORIZON, "0123456789abcdef")
    tags = client.get_run(run_id).data.tags
    assert (tags["kind"], tags["model"], tags["model_version"]) == ("backtest", "regulars-90d", "1")
