"""The ablation of the accuracy benchmark: what leaving a part out costs, worked by hand on made-up evaluations."""

from datetime import date

import pandas as pd
import pytest

from benchmarks.accuracy.ablation import FULL, ablate, ablation_text, changes, variants
from benchmarks.accuracy.windows import OPEN, Course
from training.evaluate import MODEL, Evaluation


def variant(**metrics):
    """Return a variant that evaluates every window to the same made-up metrics."""

    def evaluated(ledger, as_of, horizon_days):
        table = pd.DataFrame({MODEL: metrics}).T
        return Evaluation(as_of, horizon_days, None, None, table)

    return evaluated


METRICS_OF = {"gini": 0.8, "rmse": 100.0, "mae": 10.0, "auc": 0.8, "log_loss": 0.4}


@pytest.fixture
def course(sample_ledger):
    return Course("a log", OPEN, ((date(1998, 4, 1), 90), (date(1998, 1, 1), 90)), lambda: sample_ledger)


def test_an_ablation_tells_the_mean_change_and_what_is_worth_too_little(course):
    chosen = {
        FULL: variant(**METRICS_OF),
        "member:dear": variant(**METRICS_OF | {"gini": 0.8 * 0.997}),
        "member:cheap": variant(**METRICS_OF | {"gini": 0.8 * 0.999, "rmse": 100.2, "mae": 11.0}),
        "member:harmful": variant(**METRICS_OF | {"gini": 0.9, "rmse": 90.0}),
    }
    table = ablate([course], "", chosen)
    assert len(table) == 2 * 4
    found = changes(table)
    assert found.loc["member:dear", "gini"] == pytest.approx(-0.003)
    assert found.loc["member:cheap", ["rmse", "mae"]].tolist() == pytest.approx([0.002, 0.1])
    assert found["worth_keeping"].to_dict() == {"member:dear": True, "member:cheap": False, "member:harmful": False}
    assert ablation_text(table).count("worth too little") == 3


def test_a_family_that_a_log_cannot_feed_costs_it_nothing(course):
    chosen = {FULL: variant(**METRICS_OF), "family:products": None}
    found = changes(ablate([course], "1998-01", chosen))
    assert (found.drop(columns="worth_keeping") == 0).all(axis=None)


def test_parts_that_nothing_has_are_refused():
    with pytest.raises(SystemExit, match="nothing is called family:seasn; there are family:rfm, "):
        variants(1_000, ["family:seasn"])
