"""Model cards: copies of what a training wrote about its model, in the store, so that a page needs no MLflow."""

import logging
import shutil
import tempfile
from pathlib import Path

from models.registry import Registered, connect
from regulars.errors import BundleError
from serving.store import Store

DOCUMENTS = ("model_card.html", "model_card.md", "facts.json")


def keep_card(store: Store, registered: Registered) -> tuple[str, ...]:
    """Copy the documents of a registered model into a store; those that are there already stay as they are.

    A version of a model never changes, and scores can be read without its card: what cannot be had is said.

    Returns
    -------
    tuple of str
        What is missing, in a sentence for a person; empty where nothing is.
    """
    folder = store.card(registered.version, registered.bundle.horizon_days)
    missing = [
        name for name in DOCUMENTS if not (folder / name).is_file() and not _copy(registered.run_id, name, folder)
    ]
    if not missing:
        return ()
    return (
        f"{', '.join(missing)} of {registered.name} version {registered.version} cannot be had from MLflow run "
        f"{registered.run_id}: the page shows the model without",
    )


def _copy(run_id: str, name: str, folder: Path) -> bool:
    import mlflow

    try:
        connect()
        with tempfile.TemporaryDirectory(prefix="regulars-card-") as copy:
            found = mlflow.artifacts.download_artifacts(run_id=run_id, artifact_path=name, dst_path=copy)
            folder.mkdir(parents=True, exist_ok=True)
            part = folder / f".{name}.part"
            shutil.copyfile(found, part)
            part.replace(folder / name)
    except (mlflow.MlflowException, BundleError, OSError) as error:
        logging.getLogger(__name__).info("%s of run %s: %s", name, run_id, error)
        return False
    return True
