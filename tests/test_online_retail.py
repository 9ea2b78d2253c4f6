"""The real thing, uncleaned: Online Retail II as its publisher gives it, from the log to a list.

The log (Chen 2019, doi 10.24432/C5CG6D, CC BY 4.0; Parquet, the publisher's columns) is too large to carry along; it is
looked for beside the project and at REGULARS_ONLINE_RETAIL.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import regulars
from regulars import Columns

ROOT = Path(__file__).parents[1]
LOG = Path(os.environ.get("REGULARS_ONLINE_RETAIL", ROOT.parent / "shared" / "data" / "online_retail_II.parquet"))
NAMES = ("--customer-id", "Customer ID", "--timestamp", "InvoiceDate", "--amount", "Quantity * Price")
LAYOUT = (*NAMES, "--order-id", "Invoice", "--product-id", "StockCode")
WINDOW = ("--as-of", "2011-06-10", "--horizon", "90")
WITHOUT_CUSTOMER = 235_287

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not LOG.exists(), reason="online_retail_II.parquet is neither beside the project nor named"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("retail")


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("REGULARS_", "MLFLOW_"))}
    command = [sys.executable, "-m", "regulars", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def trained(folder, new_registry):
    """A model of an eighth of the rows that a training would read: enough to be better than its judge's baselines."""
    columns = Columns("Customer ID", "InvoiceDate", "Quantity * Price", order_id="Invoice", product_id="StockCode")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("MLFLOW_TRACKING_URI", new_registry(folder))
        log = regulars.Log(LOG, columns, max_bad_share=0.3)
        return regulars.train(log, WINDOW[1], 90, regulars.Fitting(rows=8_000))


@pytest.fixture(scope="module")
def scoring(folder, trained):
    done = run(folder, "score", str(LOG), *LAYOUT, *WINDOW, "--max-bad-share", "0.3", "--store", "store")
    assert done.returncode == 0, done.stderr
    return done


@pytest.fixture(scope="module")
def scored(folder, scoring):
    return folder / "store"


def test_rows_without_a_customer_stop_the_job_until_somebody_allows_them(folder):
    done = run(folder, "train", str(LOG), *LAYOUT, *WINDOW)
    assert done.returncode == 2
    assert f"{WITHOUT_CUSTOMER:,} no customer" in done.stderr
    assert "--max-bad-share 0.23" in done.stderr


def test_they_are_reported_and_kept_in_quarantine(folder, scoring):
    assert f"{WITHOUT_CUSTOMER:,} of 1,044,847 rows cannot be used" in " ".join(scoring.stderr.split())
    bad = pd.read_csv(folder / "online_retail_II.parquet.quarantine.csv", dtype=str)
    assert len(bad) == WITHOUT_CUSTOMER
    assert bad["Customer ID"].isna().all()


def test_the_first_version_is_champion(trained):
    made = trained.version
    assert (made.name, made.version, made.alias) == ("regulars-90d", "1", "champion")


def test_at_risk_is_a_list_of_a_hundred(folder, scored):
    done = run(folder, "list", "--store", "store", "--segment", "At Risk", "--top", "100")
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 101
    assert "usually every" in done.stdout


def test_an_independent_judge_finds_the_scores_better_than_bg_nbd_with_gamma_gamma(folder, scored):
    judge = [sys.executable, "-m", "benchmarks.judge", str(LOG), "--store", str(scored), *NAMES, *WINDOW]
    figures = folder / "figures.json"
    done = subprocess.run([*judge, "--json", str(figures)], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    ours, theirs = list(json.loads(figures.read_text()).values())[:2]
    assert ours["Gini"] > max(theirs["Gini"], 0.852)
    assert ours["MAE"] < min(theirs["MAE"], 270)
    assert ours["AUC"] > max(theirs["AUC"], 0.823)
