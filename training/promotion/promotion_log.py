"""The promotion log: who decided what, when and why, as MLflow runs and version tags that nothing edits afterwards."""

import getpass
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import pandas as pd

from models.registry import CHALLENGER, CHAMPION, answering
from training.promotion.comparison import Comparison
from training.tracking import EXPERIMENT

PROMOTED, FORCED, REFUSED = "promoted", "forced", "refused"
KIND = "promotion"
DOCUMENT = "promotion.json"


@dataclass(frozen=True)
class Decision:
    """What was decided of a challenger.

    Attributes
    ----------
    outcome, why
        Promoted, forced or refused, and the reason in words.
    by, at
        Who decided, and when (UTC).
    model, challenger, champion
        Registered model; version that wanted to be champion, and the one that was when the judging began.
    metric
        The metric that decides.
    log_fingerprint
        The log that both were judged on.
    """

    outcome: str
    why: str
    by: str
    at: datetime
    model: str
    challenger: str
    champion: str
    metric: str
    log_fingerprint: str

    def to_dict(self) -> dict[str, str]:
        """Return the decision as plain text by name."""
        return {name: str(value) for name, value in asdict(self).items()} | {"at": self.at.isoformat()}


@contextmanager
def recorded(client: Any, decision: Decision, comparison: Comparison | None) -> Iterator[str]:
    """Write a decision down, let the caller carry it out, and close the entry.

    The entry comes first: one that is not finished tells of a decision that may not have been carried out.

    Yields
    ------
    str
        Id of the MLflow run that is the entry. It holds figures, tags, and the whole as `promotion.json`.
    """
    entry = decision.to_dict()
    with answering():
        tags = {"kind": KIND, **entry}
        run_id = str(client.create_run(_experiment(client), tags=tags, run_name=_title(decision)).info.run_id)
        document = {**entry, "comparison": None if comparison is None else comparison.to_dict()}
        client.log_dict(run_id, document, DOCUMENT)
        if comparison is not None:
            _log_figures(client, run_id, comparison.table)
    try:
        yield run_id
    except BaseException:
        client.set_terminated(run_id, "FAILED")
        raise
    with answering():
        client.set_terminated(run_id)
        # A name of its own for each decision: a version that is judged again keeps what was said before.
        said = f"{decision.outcome} {entry['at']} by {decision.by}: {decision.why}"
        client.set_model_version_tag(decision.model, decision.challenger, f"{KIND}-{run_id}", said)


def person(by: str | None) -> str:
    """Return who decides: a given name, or else the user whose process it is."""
    if by and by.strip():
        return by.strip()
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # In a container the user may have a number and no name.
        return f"user {os.getuid()}"


def _title(decision: Decision) -> str:
    return f"{decision.outcome} {decision.model} version {decision.challenger}"


def _experiment(client: Any) -> str:
    found = client.get_experiment_by_name(EXPERIMENT)
    return str(found.experiment_id if found else client.create_experiment(EXPERIMENT))


def _log_figures(client: Any, run_id: str, table: pd.DataFrame) -> None:
    for name, row in table.iterrows():
        for model in (CHALLENGER, CHAMPION):
            if pd.notna(row[model]):
                client.log_metric(run_id, f"{name}_{model}", float(row[model]))
