"""The registry: one registered MLflow model a horizon; `champion` is what jobs score with, `challenger` wants to be."""

import logging
import os
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock

from models.bundle import Bundle
from models.bundle_files import load_bundle
from regulars.errors import BundleError

CHAMPION, CHALLENGER, PREVIOUS = "champion", "challenger", "previous"
DEFAULT_TRACKING = "sqlite:///mlflow.db"
SQLITE = "sqlite:///"
ARTIFACT = "bundle"
QUIET_LOGGERS = {"mlflow": logging.ERROR, "alembic": logging.ERROR, "mlflow.store.db.utils": logging.CRITICAL}
"""What may be logged; an error of the database is raised as well, and becomes one message."""
SILENCED = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}
"""What MLflow does unasked; standard output belongs to results, and a refusal is one message."""
LONGEST_NUMBER = 9
"""Digits; what is longer is no version."""
ABSENT = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")
"""How a registry says that there is no such model or version, or no such alias."""


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
    for name, value in SILENCED.items():
        os.environ.setdefault(name, value)
    import mlflow

    for name, least in QUIET_LOGGERS.items():
        logging.getLogger(name).setLevel(least)
    if not os.environ.get("MLFLOW_TRACKING_URI"):
        mlflow.set_tracking_uri(DEFAULT_TRACKING)
    # The file is there long before its tables are: whoever comes meanwhile has to wait as well.
    with answering(), _alone(mlflow.get_tracking_uri()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        client = mlflow.MlflowClient()
        client.search_experiments(max_results=1)
    return client


@contextmanager
def answering() -> Iterator[None]:
    """Turn what MLflow or its store raises into one message for a person.

    Raises
    ------
    BundleError
        MLflow does not answer, or refuses.
    """
    import mlflow

    try:
        yield
    except (mlflow.MlflowException, OSError) as error:
        said = str(error).partition("\n")[0]
        raise BundleError(
            f"MLflow at {_shown()} does not answer ({said}): set MLFLOW_TRACKING_URI to where it is"
        ) from error


def registry_lock() -> AbstractContextManager[Any]:
    """Return a lock on the registry, for who has to look and then change it before anybody else does.

    It holds where the registry is an SQLite file. A server has no such lock to give: there two that come at the same
    moment can still pass each other.
    """
    import mlflow

    return _alone(mlflow.get_registry_uri())


def _alone(address: str) -> AbstractContextManager[Any]:
    # One lock a file and process, which its thread may take twice: who holds it may call what takes it.
    if not address.startswith(SQLITE):
        return nullcontext()
    return FileLock(Path(f"{address.removeprefix(SQLITE)}.lock").absolute(), is_singleton=True)


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
        There is no such model, alias or version, or the registry does not answer.
    """
    client = connect()
    return load_version(find_version(client, registered_name(horizon_days), version))


def find_version(client: Any, name: str, version: str) -> Any:
    """Return MLflow's description of a version of a registered model, by alias or number.

    Raises
    ------
    BundleError
        There is no such model, alias or version, or the registry does not answer.
    """
    found = _look_up(client, name, version)
    if found is None:
        raise BundleError(_not_found(client, name, version))
    return found


def load_version(found: Any) -> Registered:
    """Load the bundle of a version that `find_version` returned.

    Raises
    ------
    BundleError
        Its files are not there, or this version of the software does not read them.
    """
    import mlflow

    # Into a folder of our own: without one, MLflow leaves its copy behind, and writes into a store on this machine.
    with tempfile.TemporaryDirectory(prefix="regulars-bundle-") as copy:
        with answering():
            folder = mlflow.artifacts.download_artifacts(f"models:/{found.name}/{found.version}", dst_path=copy)
        bundle = load_bundle(Path(folder) / "artifacts" / ARTIFACT)
    return Registered(bundle, found.name, str(found.version), str(found.run_id))


def aliased(client: Any, name: str, alias: str) -> str | None:
    """Return the number of the version that an alias stands for now, or None."""
    found = _look_up(client, name, alias)
    return None if found is None else str(found.version)


def crown(client: Any, name: str, version: str) -> None:
    """Make a version the champion, in one call: until it is done, the old one is.

    The old champion keeps the alias ``previous``; the new one is challenger no more.
    """
    old = aliased(client, name, CHAMPION)
    with answering():
        client.set_registered_model_alias(name, CHAMPION, version)
        if old not in (None, version):
            client.set_registered_model_alias(name, PREVIOUS, old)
    if aliased(client, name, CHALLENGER) == version:
        with answering():
            client.delete_registered_model_alias(name, CHALLENGER)


def _look_up(client: Any, name: str, version: str) -> Any:
    import mlflow

    with answering():
        try:
            if version.isdecimal() and len(version) <= LONGEST_NUMBER:
                return client.get_model_version(name, version)
            return client.get_model_version_by_alias(name, version)
        except mlflow.MlflowException as error:
            if error.error_code in ABSENT:
                return None
            raise


def _not_found(client: Any, name: str, version: str) -> str:
    with answering():
        models = sorted((model.name, sorted(model.aliases.items())) for model in client.search_registered_models())
    there = [
        f"{model} with {', '.join(f'{alias} {of}' for alias, of in aliases) or 'no alias'}" for model, aliases in models
    ]
    known = f"registered there: {'; '.join(there)}" if there else "no model is registered there"
    return (
        f"no model {name} with version or alias {version!r} in {_shown()} ({known}): "
        "train one with `regulars train`, or set MLFLOW_TRACKING_URI to where it is"
    )


def _shown() -> str:
    # A password stands before the @.
    import mlflow

    return str(mlflow.get_tracking_uri()).rpartition("@")[2]
