"""The accuracy benchmark: the logs and windows it judges, the rungs of its ladder, and the command."""

import json
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.accuracy.__main__ import main
from benchmarks.accuracy.ceiling import ceilings
from benchmarks.accuracy.floors import FLOORS
from benchmarks.accuracy.ladder import RUNGS, SINGLE_SNAPSHOT, climb
from benchmarks.accuracy.made_up.kinds import KINDS, SHOP
from benchmarks.accuracy.recency_rule import RecencyRule
from benchmarks.accuracy.single_snapshot import single_snapshot
from benchmarks.accuracy.windows import MADE_UP, OPEN, Window, courses
from training.evaluate import evaluate
from training.fit import Fitting
from training.metrics import ORDER_METRICS, judge

WINDOW = Window("a log", OPEN, date(1998, 1, 1), 90)
LITTLE = Fitting(rows=1_000, spend_trees=40, churn_trees=40)
NOWHERE = Path("nowhere.parquet")


# Windows


def test_every_floor_is_of_an_open_window_and_every_open_window_has_one(tmp_path):
    there = tmp_path / "log.parquet"
    there.touch()
    every = [window for course in courses(there) for window in course.windows()]
    assert [window.name for window in every if window.kind == OPEN] == list(FLOORS)
    assert len({window.name for window in every}) == len(every)
    assert sum(window.kind == MADE_UP for window in every) == 21


def test_without_its_file_online_retail_is_left_out_and_nothing_else():
    logs = [course.log for course in courses(NOWHERE)]
    assert "Online Retail II" not in logs
    assert len(logs) == 11


def test_windows_are_chosen_by_a_text_in_their_name():
    cdnow = next(course for course in courses(NOWHERE) if course.log == "CDNOW")
    assert [window.name for window in cdnow.windows("cdnow 1998-04")] == ["CDNOW 1998-04-01, 91 days"]
    assert cdnow.windows("steady") == []


# Recency rule


def past(recency, orders):
    orders = np.array(orders, dtype=float)
    return pd.DataFrame({"recency_days": recency, "outcome_days": orders, "churned": orders == 0})


def test_the_recency_rule_parts_customers_where_it_would_have_told_best_who_came_back():
    # Of three who came back two bought at most 20 days before, of five who did not one: at 20 days 2/3 + 4/5 is most.
    rule = RecencyRule.fit(past([10, 20, 20, 50, 60, 70, 80, 90], [2, 1, 0, 0, 0, 0, 1, 0]))
    assert rule.days == 20.0
    assert rule.churn == pytest.approx((4 / 5, 1 / 3))
    assert rule.orders == pytest.approx((1 / 5, 1.0))


def test_the_recency_rule_expects_the_customers_own_mean_purchase_as_often_as_their_group_bought():
    rule = RecencyRule(20.0, churn=(0.9, 0.5), orders=(0.1, 2.0))
    known = pd.DataFrame(
        {"recency_days": [20.0, 21.0, 5.0], "spend": [90.0, 50.0, -4.0], "purchase_days": [3.0, 1.0, 1.0]}
    )
    assert rule.predict(known, 1.0)["expected_spend"].tolist() == pytest.approx([60.0, 5.0, 0.0])
    assert rule.predict(known, 1.0)["churn_probability"].tolist() == [0.5, 0.9, 0.5]
    assert rule.predict(known, 2.0)["expected_spend"].tolist() == pytest.approx([120.0, 10.0, 0.0])
    assert rule.predict(known, 2.0)["churn_probability"].tolist() == pytest.approx([0.25, 0.81, 0.25])


def test_where_everybody_or_nobody_came_back_all_customers_are_alike():
    for orders in ([1, 2, 3], [0, 0, 0]):
        rule = RecencyRule.fit(past([10, 20, 30], orders))
        found = rule.predict(pd.DataFrame({"recency_days": [1.0, 99.0], "spend": 10.0, "purchase_days": 1.0}), 1.0)
        assert found["churn_probability"].tolist() == [float(sum(orders) == 0)] * 2


# Single-snapshot LightGBM


def test_the_usual_recipe_learns_who_spends_and_stretches_to_the_horizon():
    rng = np.random.default_rng(0)
    rate = rng.gamma(1.0, 1.0, 2_000)
    orders = rng.poisson(rate)
    known = pd.DataFrame({"rate": rate, "noise": rng.normal(size=2_000)})
    learnt = known.assign(net_spend=orders * 20.0, outcome_days=orders, churned=orders == 0)
    found, longer = (single_snapshot(learnt, known, growth) for growth in (1.0, 2.0))
    assert judge(learnt, found)["gini"] > 0.6
    assert judge(learnt, found)["auc"] > 0.8
    np.testing.assert_allclose(longer["expected_spend"], 2 * found["expected_spend"])
    np.testing.assert_allclose(longer["churn_probability"], found["churn_probability"] ** 2)


@pytest.mark.parametrize("dtype", ["object", "str", "category"])
def test_the_usual_recipe_reads_text_as_categories_and_knows_none_that_is_new(dtype):
    rng = np.random.default_rng(0)
    country = pd.Series(rng.choice(["GB", "US", None], 2_000), dtype=object)
    orders = rng.poisson(country.map({"GB": 3.0, "US": 0.3}).fillna(1.0))
    known = pd.DataFrame({"noise": rng.normal(size=2_000), "country": country.astype(dtype)})
    learnt = known.assign(net_spend=orders * 20.0, outcome_days=orders, churned=orders == 0)
    now = pd.DataFrame({"noise": 0.0, "country": pd.Series(["US", "GB", "FR", None], dtype=dtype)})
    found = single_snapshot(learnt, now, 1.0)
    assert found["expected_spend"][1] > 3 * found["expected_spend"][0]
    assert found.notna().all(axis=None)


def test_the_usual_recipe_learns_from_a_window_without_any_spend_that_there_is_none():
    known = pd.DataFrame({"rate": np.arange(200.0)})
    found = single_snapshot(known.assign(net_spend=0.0, outcome_days=0, churned=True), known, 2.0)
    assert (found["expected_spend"] == 0).all()
    assert (found["churn_probability"] == 1).all()


# Ladder


@pytest.fixture(scope="module")
def climbed(sample_ledger):
    return climb(sample_ledger, WINDOW, LITTLE)


@pytest.mark.slow
def test_every_rung_predicts_the_same_customers(climbed):
    assert tuple(climbed.predicted) == tuple(climbed.seconds) == RUNGS
    for predicted in climbed.predicted.values():
        assert predicted.index.equals(climbed.actual.index)
        assert (predicted["expected_spend"] >= 0).all()
        assert predicted["churn_probability"].between(0, 1).all()


@pytest.mark.slow
def test_the_products_own_rungs_are_as_the_product_judges_them(climbed, sample_ledger):
    # The ladder does not carry orders along.
    metrics = evaluate(sample_ledger, WINDOW.as_of, WINDOW.horizon_days, LITTLE).metrics.drop(columns=[*ORDER_METRICS])
    for rung, row in metrics.iterrows():
        found, expected = judge(climbed.actual, climbed.predicted[rung]), row.dropna().to_dict()
        assert {name: found[name] for name in expected} == pytest.approx(expected, rel=1e-6)


@pytest.mark.slow
def test_what_comes_after_the_window_changes_no_rung(climbed, sample_ledger):
    ended = climb(sample_ledger.before(WINDOW.as_of + timedelta(days=WINDOW.horizon_days)), WINDOW, LITTLE)
    for rung in RUNGS:
        pd.testing.assert_frame_equal(climbed.predicted[rung], ended.predicted[rung])


# The command


@pytest.mark.slow
def test_the_command_prints_a_table_a_window_and_a_summary_and_writes_strict_json(tmp_path, capsys):
    file = tmp_path / "figures.json"
    window = ["--only", "declining shop 2024-04-05", "--rows", "1000"]
    main([*window, "--online-retail", str(NOWHERE), "--json", str(file)])
    printed = capsys.readouterr().out
    assert f"Online Retail II is left out: there is no file {NOWHERE}" in printed
    assert "declining shop 2024-04-05, 90 days: " in printed
    assert all(rung in printed for rung in RUNGS)
    assert "made-up logs (1): Regulars over each rung" in printed
    found = json.loads(file.read_text(), parse_constant=lambda text: pytest.fail(text))
    assert list(found["windows"][0]["rungs"]) == list(RUNGS)
    assert found["gains"]["made-up logs"][SINGLE_SNAPSHOT]["auc"]["windows"] == 1


def test_a_text_that_is_in_no_windows_name_is_refused():
    with pytest.raises(SystemExit, match="no window's name contains 'cdknow'"):
        main(["--only", "cdknow", "--online-retail", str(NOWHERE)])


def test_trees_that_saw_the_window_in_other_worlds_are_judged_beside_regulars_and_btyd(monkeypatch):
    shop = replace(KINDS["steady shop"], log=replace(SHOP, customers=900, days=400, before=200).log)
    monkeypatch.setitem(KINDS, "steady shop", replace(shop, dates=((date(2022, 10, 1), 60),)))
    (course,) = (one for one in courses(Path()) if one.log == "steady shop")
    ((window, table),) = ceilings(course, "", worlds=3)
    assert window == Window("steady shop", MADE_UP, date(2022, 10, 1), 60)
    assert list(table.index) == ["ceiling", "Regulars", "BG/NBD + Gamma-Gamma"]
    assert table["auc"].between(0.6, 1).all()
    assert table.notna().all(axis=None)
    open_log = next(iter(courses(Path())))
    assert list(ceilings(open_log, "", worlds=1)) == []
