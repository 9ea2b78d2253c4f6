"""Trials: what a search tries, kept in a journal on disk, so that one that was interrupted goes on where it was."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from models.registry import answering, connect
from regulars.errors import RegularsError

if TYPE_CHECKING:
    import optuna

SPEND_LOSS, CHURN_LOSS = "spend_loss", "churn_loss"


@dataclass(frozen=True)
class Trial:
    """Settings that were tried.

    Attributes
    ----------
    settings
        The settings by name.
    spend_loss, churn_loss
        Deviance of spend and log loss of churn, see `training.rehearsal`.
    loss
        Mean of both, each relative to the defaults': below 1 is better than the defaults.
    began, ended
        When.
    """

    settings: Mapping[str, Any]
    spend_loss: float
    churn_loss: float
    loss: float
    began: datetime
    ended: datetime


@contextmanager
def open_study(path: Path, name: str) -> Iterator["optuna.Study"]:
    """Open a study in a journal, made where it is not there, for this process alone.

    Parameters
    ----------
    path
        The journal: lines of JSON that Optuna appends to. A last line that a kill cut off is taken away.
    name
        Name of the study; a journal may hold several.

    Raises
    ------
    RegularsError
        The file is no journal of Optuna's, cannot be written, or is in use.
    """
    import optuna
    from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with _alone(path):
        try:
            backend = JournalFileBackend(str(path), JournalFileOpenLock(str(path)))
            storage = optuna.storages.JournalStorage(backend)
            _mend(path)
            study = optuna.create_study(storage=storage, study_name=name, load_if_exists=True)
        except Exception as error:
            # Optuna raises whatever its parser stumbles over: a foreign line can be anything.
            raise RegularsError(
                f"{path} is no journal of a search, or is damaged ({type(error).__name__}: {error}): move it away, and "
                "the search begins anew"
            ) from error
        yield study


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path.with_suffix(".busy"), timeout=0)
        lock.acquire()
    except Timeout as error:
        raise RegularsError(
            f"another search writes {path}: wait until it has ended, then run this one again"
        ) from error
    except OSError as error:
        raise RegularsError(f"{path}: the trials of a search cannot be kept there ({error.strerror})") from error
    try:
        yield
    finally:
        lock.release()


def _mend(path: Path) -> None:
    """Take away a last line that was not wholly written: what is appended to it would be lost as well."""
    written = path.read_bytes()
    whole = written[: written.rfind(b"\n") + 1]
    if written and not whole:
        raise ValueError("it holds no line")
    if whole != written:
        path.write_bytes(whole)


def complete(study: "optuna.Study") -> tuple[Trial, ...]:
    """Return the trials of a study that came to their end, oldest first."""
    import optuna

    found = study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.COMPLETE,))
    return tuple(
        Trial(
            dict(trial.params),
            trial.user_attrs[SPEND_LOSS],
            trial.user_attrs[CHURN_LOSS],
            float(trial.value or 0.0),
            trial.datetime_start or datetime.min,
            trial.datetime_complete or datetime.min,
        )
        for trial in found
    )


def log_trials(trials: tuple[Trial, ...], said: str, run_id: str) -> None:
    """Log every trial as a child run of a training's run, and what came of the search as its tag `tuned`."""
    client = connect()
    import mlflow
    from mlflow.entities import Metric, Param

    with answering():
        experiment = client.get_run(run_id).info.experiment_id
        for number, trial in enumerate(trials):
            began, ended = (round(moment.timestamp() * 1000) for moment in (trial.began, trial.ended))
            tags = {mlflow.utils.mlflow_tags.MLFLOW_PARENT_RUN_ID: run_id, "kind": "trial"}
            child = client.create_run(experiment, began, tags, f"trial {number}").info.run_id
            losses = {SPEND_LOSS: trial.spend_loss, CHURN_LOSS: trial.churn_loss, "loss": trial.loss}
            client.log_batch(
                child,
                [Metric(name, value, ended, 0) for name, value in losses.items()],
                [Param(name, json.dumps(value)) for name, value in trial.settings.items()],
            )
            client.set_terminated(child, end_time=ended)
        client.set_tag(run_id, "tuned", said)
