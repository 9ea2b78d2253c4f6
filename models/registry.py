"""The registry: one registered MLflow model a horizon; `champion` is what jobs score with, `challenger` wants to be."""

import logging
import os
import warnings
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock

from models.bundle import Bundle
from models.bundle_files import load_bundle
from regulars.errors import BundleError

CHAMPION, CHALLENGER = "champion", "challenger"
DEFAULT_TRACKING = "sqlite:///mlflow.db"
SQLITE = "sqlite:///"
ARTIFACT = "bundle"
QUIET_LOGGERS = ("mlflow", "alembic")


@dataclass(frozen=True)
class Registered:
    """A bundle out of the registry.

    Attributes
    ----------
    bundle
        The models.
    name, version, run_id
        Registered model, its version, and the MLflow run that made it.
    """

    bundle: Bundle
    name: str
    version: str
    run_id: str


def registered_name(horizon_days: int) -> str:
    """Return the name of the registered model of a horizon."""
    return f"regulars-{horizon_days}d"


def connect() -> Any:
    """Return an MLflow client of the store that MLflow's own variables name, by default ``sqlite:///mlflow.db``.

    A new SQLite store is made by one process at a time: its migrations break where two run at once.

    Raises
    ------
    BundleError
        The store does not answer.
    """
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    import mlflow

    for name in QUIET_LOGGERS:
        logging.getLogger(name).setLevel(logging.ERROR)
    if not os.environ.get("MLFLOW_TRACKING_URI"):
        mlflow.set_tracking_uri(DEFAULT_TRACKING)
    address = mlflow.get_tracking_uri()
    # The file is there long before its tables are: whoever comes meanwhile has to wait as well.
    lock = FileLock(f"{address.removeprefix(SQLITE)}.lock") if address.startswith(SQLITE) else nullcontext()
    try:
        with lock, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            client = mlflow.MlflowClient()
            client.search_experiments(max_results=1)
    except (mlflow.MlflowException, OSError) as error:
        shown = address.rpartition("@")[2]
        raise BundleError(
            f"MLflow at {shown} does not answer ({error}): set MLFLOW_TRACKING_URI to where it is"
        ) from error
    return client


def load_registered(horizon_days: int, version: str = CHAMPION) -> Registered:
    """Load a bundle by alias or version; an alias is resolved once.

    Parameters
    ----------
    horizon_days
        Horizon of the registered model.
    version
        ``champion``, ``challenger`` or a version number.

    Raises
    ------
    BundleError
        There is no such model, alias or version.
    """
    client = connect()
    import mlflow

    name = registered_name(horizon_days)
    try:
        found = (
            client.get_model_version(name, version)
            if version.isdigit()
            else (client.get_model_version_by_alias(name, version))
        )
    except mlflow.MlflowException as error:
        raise BundleError(_not_found(client, name, version)) from error
    folder = Path(mlflow.artifacts.download_artifacts(f"models:/{name}/{found.version}"))
    bundle = load_bundle(folder / "artifacts" / ARTIFACT)
    return Registered(bundle, name, str(found.version), str(found.run_id))


def _not_found(client: Any, name: str, version: str) -> str:
    import mlflow

    models = sorted((model.name, sorted(model.aliases.items())) for model in client.search_registered_models())
    there = [f"{model} with {', '.join(f'{alias} {of}' for alias, of in aliases)}" for model, aliases in models]
    known = f"registered there: {'; '.join(there)}" if there else "no model is registered there"
    address = mlflow.get_tracking_uri().rpartition("@")[2]
    return (
        f"no model {name} with version or alias {version!r} in {address} ({known}): "
        "train one with `regulars train`, or set MLFLOW_TRACKING_URI to where it is"
    )
