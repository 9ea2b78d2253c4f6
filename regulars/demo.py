"""The demo: the whole road on a bundled real log, whose last 90 days are hidden, predicted and compared."""

import shutil
import sys
from contextlib import chdir
from datetime import timedelta
from importlib.resources import as_file, files
from pathlib import Path

import pandas as pd

from features.ledger import Ledger
from features.log import Columns, Log
from features.outcome import outcomes
from regulars import results, verbs
from regulars.errors import RegularsError
from regulars.screen import Screen
from serving.exports.files import write_list
from serving.listing.definition import Definition
from serving.listing.headings import headed
from serving.listing.ranking import ranked
from serving.store import Store
from training.metrics import deciles, judge
from training.pictures import truth_picture

HORIZON_DAYS = 90
LOG, STORE, LIST, PICTURE = "cdnow.parquet", "store", "at-risk.csv", "prediction-and-truth.png"
LISTED = 100


def run(folder: Path, screen: Screen) -> None:
    """Run the demo in a folder of its own; running it again trains another version and replaces the rest."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with as_file(files("regulars") / "data" / LOG) as bundled:
            shutil.copyfile(bundled, folder / LOG)
    except OSError as error:
        raise RegularsError(f"{folder}: the demo cannot write there ({error.strerror}); name another folder") from error
    # MLflow keeps its database and artefacts where a job runs.
    with chdir(folder):
        _tell(folder, screen)


def _tell(folder: Path, screen: Screen) -> None:
    screen.say("CDNOW, a shop for compact discs: every purchase of the customers it won in early 1997.")
    ledger = verbs.ledger(Log(LOG, Columns(timestamp="date")))
    screen.facts(results.quality_facts(ledger.quality, ledger.repeated_rows()))
    as_of = ledger.span.end - timedelta(days=HORIZON_DAYS)
    screen.say(f"\nNow it is {as_of}. The {HORIZON_DAYS} days that follow are hidden from everything below.\n")
    screen.note("training …")
    screen.facts(results.training_facts(verbs.train(ledger, as_of, HORIZON_DAYS)))
    # Two passes: allocate, then pin and write.
    with screen.progress("scoring customers", ledger.quality.buyers, passes=2) as progress:
        scoring = verbs.score(ledger, STORE, as_of, HORIZON_DAYS, progress=progress)
    screen.facts(results.scoring_facts(scoring, folder / STORE))
    scores = Store(Path(STORE)).scores(as_of, HORIZON_DAYS)
    customers = _compare(ledger, scores.to_pandas().set_index("customer_id"), screen)
    truth_picture(customers).savefig(PICTURE, dpi=150)
    leaving = ranked(scores, Definition(segment=("At Risk",), top=LISTED)).rows()
    rows = write_list(headed(leaving), Path(LIST), "csv")
    _close(folder, rows, screen)


def _compare(ledger: Ledger, scores: pd.DataFrame, screen: Screen) -> pd.DataFrame:
    as_of = scores["as_of"].iloc[0]
    happened = outcomes(ledger, pd.Timestamp(as_of).date(), HORIZON_DAYS).drop("as_of").to_pandas()
    customers = scores.join(happened.set_index("customer_id"))
    found = judge(customers, customers)
    screen.say(f"\nPrediction against truth, {len(customers):,} customers:")
    screen.facts(
        {
            "revenue": f"{customers.expected_spend.sum():,.0f} predicted, {customers.net_spend.sum():,.0f} came",
            "customers who bought": f"{(1 - customers.churn_probability).sum():,.0f} predicted, "
            f"{(~customers.churned).sum():,} came",
            "best tenth": f"brought {found['top_decile_capture']:.0%} of all revenue",
            "ranking": f"Gini {found['gini']:.3f} of 1; churn AUC {found['auc']:.3f}",
            "80 % intervals": f"held {found['coverage']:.0%} of the customers",
        }
    )
    spend = deciles(customers["net_spend"].to_numpy(), customers["expected_spend"].to_numpy())
    screen.table(
        "Spend a customer, by tenth of the prediction",
        ("tenth", "customers", "predicted", "came"),
        [(str(i), f"{r.customers:,.0f}", f"{r.expected:,.2f}", f"{r.actual:,.2f}") for i, r in spend.iterrows()],
    )
    by_segment = customers.groupby("segment").agg(
        customers=("net_spend", "size"),
        clv=("clv", "mean"),
        predicted=("churn_probability", "mean"),
        came=("churned", "mean"),
    )
    screen.table(
        "Segments, by mean discounted spend over three years",
        ("segment", "customers", "value each", "churn predicted", "churned"),
        [
            (str(name), f"{r.customers:,.0f}", f"{r.clv:,.0f}", f"{r.predicted:.0%}", f"{r.came:.0%}")
            for name, r in by_segment.sort_values("clv", ascending=False).iterrows()
        ],
    )
    return customers


def _close(folder: Path, rows: int, screen: Screen) -> None:
    screen.say(f"\nMade in {folder}/")
    screen.facts(
        {
            PICTURE: "the picture of it",
            LIST: f"the {rows} most valuable customers at risk, each with its reasons",
            STORE: "all scores, a Delta table",
            "mlflow.db": "the run, with pictures and the registered model",
        }
    )
    screen.say(f"\nTry next, in {folder}/ (the commands are in {Path(sys.executable).parent})", whole=True)
    for command in (
        f"regulars backtest {LOG} --timestamp date",
        f'regulars list --store {STORE} --where "clv > 100 and churn_probability > 0.5" --top 20',
        "mlflow ui --backend-store-uri sqlite:///mlflow.db",
        "regulars check YOUR_LOG.csv",
    ):
        screen.say(f"  {command}", whole=True)
