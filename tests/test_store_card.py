"""The model card in the store: copied from the run that made the model, said where it is missing, never in the way."""

from types import SimpleNamespace

import pytest

from models.registry import Registered
from serving.storage.cards import DOCUMENTS, keep_card
from serving.store import Store


@pytest.fixture(scope="module")
def run_id(tmp_path_factory, new_registry):
    """An MLflow run with a card and facts, but no card in Markdown."""
    folder, patch = tmp_path_factory.mktemp("mlflow"), pytest.MonkeyPatch()
    patch.setenv("MLFLOW_TRACKING_URI", new_registry(folder))
    patch.chdir(folder)
    from models.registry import connect

    connect()
    import mlflow

    mlflow.set_tracking_uri(f"sqlite:///{folder}/mlflow.db")
    mlflow.set_experiment("cards")
    with mlflow.start_run() as run:
        mlflow.log_text("<h1>Card</h1>", "model_card.html")
        mlflow.log_dict({"as_of": "2024-07-01"}, "facts.json")
    yield run.info.run_id
    patch.undo()


def registered(run_id, version="3"):
    return Registered(SimpleNamespace(horizon_days=90), "regulars-90d", version, run_id)


@pytest.mark.slow
def test_what_the_run_has_is_copied_and_what_it_lacks_is_said(run_id, tmp_path):
    store = Store(tmp_path)
    (said,) = keep_card(store, registered(run_id))
    folder = store.card("3", 90)
    assert sorted(path.name for path in folder.iterdir()) == ["facts.json", "model_card.html"]
    assert (folder / "model_card.html").read_text() == "<h1>Card</h1>"
    assert "model_card.md of regulars-90d version 3" in said
    assert run_id in said


@pytest.mark.slow
def test_a_run_that_is_not_there_is_no_obstacle(run_id, tmp_path):
    (said,) = keep_card(Store(tmp_path), registered("0" * 32))
    assert all(name in said for name in DOCUMENTS)
    assert not (tmp_path / "models").exists()


def test_documents_that_are_there_are_not_asked_for_again(tmp_path):
    store = Store(tmp_path)
    folder = store.card("3", 90)
    folder.mkdir(parents=True)
    for name in DOCUMENTS:
        (folder / name).write_text("kept")
    assert keep_card(store, registered("nothing answers to this")) == ()
    assert (folder / "facts.json").read_text() == "kept"
