"""The ablation of the accuracy benchmark: what leaving a part out costs."""

from datetime import date

import pandas as pd
import pytest

from benchmarks.accuracy.ablation import FULL, Task, ablate, ablation_text, changes, parts
from benchmarks.accuracy.windows import OPEN, Course
from features.snapshot import KEYS
from training.evaluate import evaluate
from training.fit import Fitting
from training.metrics import judge

ROWS = 1_500
COURSE_DATES = ((date(1998, 4, 1), 90),)
TOGETHER = "member:count+member:rate"


def table(**variants):
    """Return what `ablate` returns of two windows in which every variant did the same."""
    of_window = pd.DataFrame(variants, index=["gini", "rmse", "mae", "auc", "log_loss"]).T.rename_axis("variant")
    return pd.concat({"spring": of_window, "autumn": of_window}, names=["window"])


def test_the_mean_change_is_told_and_what_is_worth_too_little():
    of = {
        FULL: [0.8, 100.0, 10.0, 0.8, 0.4],
        "member:dear": [0.8 * 0.997, 100.0, 10.0, 0.8, 0.4],
        "member:cheap": [0.8 * 0.999, 100.2, 11.0, 0.8, 0.4],
        "member:harmful": [0.9, 90.0, 10.0, 0.8, 0.4],
    }
    found = changes(table(**of))
    assert found.loc["member:dear", "gini"] == pytest.approx(-0.003)
    assert found.loc["member:cheap", ["rmse", "mae"]].tolist() == pytest.approx([0.002, 0.1])
    assert found["worth_keeping"].to_dict() == {"member:dear": True, "member:cheap": False, "member:harmful": False}
    assert ablation_text(table(**of)).count("worth too little") == 3


@pytest.fixture(scope="module")
def ablated(sample_ledger):
    course = Course("a log", OPEN, COURSE_DATES, lambda: sample_ledger)
    left_out = ("family:rfm", "family:products", "member:ridge", "member:count", "member:rate", TOGETHER)
    return ablate([course], "", left_out, ROWS).droplevel("window")


@pytest.mark.slow
def test_the_full_recipe_is_the_products_own(ablated, sample_ledger):
    metrics = evaluate(sample_ledger, *COURSE_DATES[0], Fitting(rows=ROWS)).metrics.loc["Regulars"]
    assert ablated.loc[FULL].to_dict() == pytest.approx(metrics[list(ablated.columns)].to_dict(), rel=1e-9)


@pytest.mark.slow
def test_a_family_that_a_log_cannot_feed_costs_it_nothing_and_another_changes_its_figures(ablated):
    pd.testing.assert_series_equal(ablated.loc["family:products"], ablated.loc[FULL], check_names=False)
    assert (ablated.loc["family:rfm"] != ablated.loc[FULL]).all()


@pytest.mark.slow
def test_a_member_of_one_blend_leaves_the_other_alone(ablated):
    spend, churn = ["gini", "rmse", "mae"], ["auc", "log_loss"]
    full, count, rate = ablated.loc[FULL], ablated.loc["member:count"], ablated.loc["member:rate"]
    assert (count[spend] != full[spend]).all()
    assert count[churn].equals(full[churn])
    assert (rate[churn] != full[churn]).all()
    assert rate[spend].equals(full[spend])


@pytest.mark.slow
def test_parts_can_be_left_out_together(ablated):
    both, count, rate = (ablated.loc[part] for part in (TOGETHER, "member:count", "member:rate"))
    assert both[["gini", "rmse"]].equals(count[["gini", "rmse"]])
    assert both[["auc", "log_loss"]].equals(rate[["auc", "log_loss"]])


@pytest.mark.slow
def test_without_a_member_a_fitted_model_predicts_as_one_that_never_blended_it(ablated, sample_ledger):
    task = Task.of(sample_ledger, Course("a log", OPEN, COURSE_DATES, None).windows()[0], ROWS)
    assert task.known.index.names == list(KEYS)
    never = task.bundle(("member:ridge",)).predict(task.known, task.ready.level)
    expected, found = judge(task.actual, never), ablated.loc["member:ridge"]
    assert found.to_dict() == pytest.approx({name: expected[name] for name in found.index}, rel=1e-9)


def test_parts_that_nothing_has_are_refused():
    with pytest.raises(SystemExit, match="nothing is called family:seasn; there are family:rfm, "):
        parts(["family:seasn"])
