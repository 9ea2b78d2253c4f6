"""Runs and versions: what a training did, logged in MLflow, and its bundle registered without pickle."""

import tempfile
import warnings
from dataclasses import asdict, dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from models.bundle import Bundle
from models.bundle_files import save_bundle
from models.registry import ARTIFACT, CHALLENGER, CHAMPION, aliased, connect, registered_name, registry_lock
from training.backtest import Backtest
from training.card.card import Trained, model_card
from training.card.document import Document
from training.evaluate import MODEL, Evaluation
from training.fit import Fitted, Fitting
from training.pictures import importance_table, importances, pictures, png

if TYPE_CHECKING:
    from matplotlib.figure import Figure

EXPERIMENT = "regulars"
CARD = "model_card"
REQUIREMENTS = ("lightgbm", "mlflow", "numpy", "pandas", "scikit-learn", "scipy")
EXAMPLE_ROWS = 5


@dataclass(frozen=True)
class Version:
    """A registered version.

    Attributes
    ----------
    name, version, alias
        Registered model, its new version, and the alias it got.
    run_id
        The MLflow run.
    """

    name: str
    version: str
    alias: str
    run_id: str


def log_training(
    fitted: Fitted, evaluation: Evaluation | None, example: pd.DataFrame, fitting: Fitting, quality: dict[str, Any]
) -> Version:
    """Log a training as one MLflow run and register its bundle: first version champion, later ones challenger.

    Parameters
    ----------
    fitted
        The bundle and what it was learnt from.
    evaluation
        How the same recipe did on the newest complete window; None where the history does not allow one.
    example
        A few rows of the snapshot, as input example.
    fitting
        How it was fitted.
    quality
        Quality report of the log.
    """
    client = connect()
    import mlflow

    bundle = fitted.bundle
    mlflow.set_experiment(EXPERIMENT)
    with warnings.catch_warnings(), mlflow.start_run(run_name=f"train {bundle.facts['as_of']}") as run:
        warnings.simplefilter("ignore")
        mlflow.set_tags(_tags(bundle, evaluation))
        mlflow.log_params(_parameters(fitted, fitting))
        mlflow.log_metrics({"explainer_fidelity": bundle.explainer.fidelity_, "training_rows": fitted.rows})
        mlflow.log_metrics(rehearsed(fitted))
        mlflow.log_dict(quality, "quality.json")
        mlflow.log_dict({name: dict(entry) for name, entry in bundle.catalogue.items()}, "features.json")
        mlflow.log_dict(dict(bundle.facts), "facts.json")
        mlflow.log_text(importance_table(bundle).to_csv(), "importances.csv")
        drawn = {} if evaluation is None else _log_evaluation(evaluation)
        # Of what is registered, in place of what was judged.
        drawn |= _log_pictures({"importances": importances(bundle)})
        _log_card(model_card(Trained(fitted, evaluation, fitting, quality, run.info.run_id), drawn))
        logged = _log_bundle(bundle, example)
        return _register(client, registered_name(bundle.horizon_days), logged, run.info.run_id)


def log_backtest(backtest: Backtest, horizon_days: int, fingerprint: str) -> str:
    """Log a backtest as one MLflow run with a child run a window; return the run's id."""
    connect()
    import mlflow

    mlflow.set_experiment(EXPERIMENT)
    with warnings.catch_warnings(), mlflow.start_run(run_name=f"backtest {horizon_days}d") as run:
        warnings.simplefilter("ignore")
        mlflow.set_tags({"kind": "backtest", "log_fingerprint": fingerprint})
        if backtest.registered is not None:
            mlflow.set_tags({"model": backtest.registered.name, "model_version": backtest.registered.version})
        mlflow.log_params({"horizon_days": horizon_days, "cutoffs": len(backtest.evaluations)})
        mlflow.log_metrics(_finite(backtest.summary.loc[MODEL]))
        mlflow.log_dict(backtest.to_dict(), "backtest.json")
        for evaluation in backtest.evaluations:
            with mlflow.start_run(run_name=str(evaluation.as_of), nested=True):
                mlflow.set_tags({"kind": "window", "log_fingerprint": fingerprint})
                _log_evaluation(evaluation)
    run_id: str = run.info.run_id
    return run_id


def _log_evaluation(evaluation: Evaluation) -> dict[str, bytes]:
    """Log an evaluation, and return its pictures as PNG."""
    import mlflow

    mlflow.log_params({"evaluated_as_of": str(evaluation.as_of), "evaluated_customers": len(evaluation.customers)})
    mlflow.log_metrics(_finite(evaluation.metrics.loc[MODEL]))
    mlflow.log_text(evaluation.metrics.to_csv(), "metrics_beside_baselines.csv")
    return _log_pictures(pictures(evaluation))


def _log_pictures(drawn: dict[str, "Figure"]) -> dict[str, bytes]:
    import mlflow

    # Drawn once, for MLflow and for the card: a twentieth of a small training.
    found = {name: png(figure) for name, figure in drawn.items()}
    with tempfile.TemporaryDirectory() as folder:
        for name, page in found.items():
            (Path(folder) / f"{name}.png").write_bytes(page)
        mlflow.log_artifacts(folder)
    return found


def _log_card(card: Document) -> None:
    import mlflow

    mlflow.log_text(card.markdown(), f"{CARD}.md")
    mlflow.log_text(card.html(), f"{CARD}.html")


def _log_bundle(bundle: Bundle, example: pd.DataFrame) -> Any:
    import mlflow

    rows = example.head(EXAMPLE_ROWS)
    with tempfile.TemporaryDirectory() as folder:
        save_bundle(bundle, Path(folder) / ARTIFACT)
        return mlflow.pyfunc.log_model(
            name="bundle",
            python_model=_model_code(),
            artifacts={ARTIFACT: str(Path(folder) / ARTIFACT)},
            signature=mlflow.models.infer_signature(rows, bundle.predict(rows)),
            input_example=rows,
            pip_requirements=[f"{library}=={version(library)}" for library in REQUIREMENTS],
        )


def _model_code() -> str:
    """Return the path of the models-from-code file, found and not imported: importing it declares a model."""
    spec = find_spec("models.pyfunc")
    return str(spec.origin if spec else "")


def _register(client: Any, name: str, logged: Any, run_id: str) -> Version:
    # Through the client: the shorter road prints to standard output, which belongs to results. Under the lock: of two
    # first versions that come at once, one finds the other as champion.
    with registry_lock():
        if not client.search_registered_models(filter_string=f"name = '{name}'"):
            client.create_registered_model(name)
        made = client.create_model_version(name, logged.model_uri, run_id, model_id=logged.model_id)
        alias = CHALLENGER if aliased(client, name, CHAMPION) else CHAMPION
        client.set_registered_model_alias(name, alias, made.version)
    return Version(name, str(made.version), alias, run_id)


def _tags(bundle: Bundle, evaluation: Evaluation | None) -> dict[str, str]:
    return {
        "kind": "training",
        "log_fingerprint": bundle.facts["log_fingerprint"],
        "evaluated": "no complete window" if evaluation is None else str(evaluation.as_of),
        "extrapolates": str(bundle.level_rule.extrapolates).lower(),
    }


def _parameters(fitted: Fitted, fitting: Fitting) -> dict[str, Any]:
    bundle, plan = fitted.bundle, fitted.plan
    return {
        "as_of": str(plan.as_of),
        "horizon_days": plan.horizon_days,
        "window_days": plan.window_days,
        "step_days": plan.step_days,
        "cutoffs": len(plan.cutoffs),
        "seasons": len(plan.seasons),
        "oldest_cutoff": str(plan.cutoffs[-1]),
        "newest_cutoff": str(plan.cutoffs[0]),
        "log_first_day": bundle.facts["log_first_day"],
        "log_last_day": bundle.facts["log_last_day"],
        "customers_share": bundle.facts["customers_share"],
        "features": len(bundle.encoding.columns),
        "spend_members": ", ".join(bundle.spend.members),
        "churn_members": ", ".join(bundle.churn.members),
        "level_rule": bundle.level.rule,
        "level_spend": bundle.level.spend,
        **{f"btyd_{name.rstrip('_')}": value for name, value in bundle.btyd.to_dict()["dropout_"].items()},
        **asdict(fitting),
    }


def rehearsed(fitted: Fitted) -> dict[str, float]:
    """Return the losses of the rehearsal by recipe: the full one's first, then the simpler ones' by their members."""
    if fitted.rehearsal is None:
        return {}
    found: dict[str, float] = {}
    for target, losses in zip(("spend", "churn"), fitted.rehearsal.losses(), strict=True):
        names = ["full", *("_".join(members) for members in list(losses)[1:])]
        found |= {f"rehearsal_{target}_{name}": loss for name, loss in zip(names, losses.values(), strict=True)}
    return found


def _finite(metrics: pd.Series) -> dict[str, float]:
    return {str(name): float(value) for name, value in metrics.items() if pd.notna(value)}
