"""Backtests: complete windows only, baselines that are what they say, and a model that beats them."""

import json
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from features.ledger import build_ledger
from features.log import Log
from features.snapshot import snapshot
from features.window import Span
from models.btyd import BTYD
from models.level import Window
from regulars.errors import HistoryError
from training.backtest import Backtest, backtest, plain
from training.baselines import BASELINES, Known, historic_rate, last_window, mean
from training.evaluate import MODEL, Evaluation, evaluate
from training.fit import Fitting
from training.metrics import HIGHER_IS_BETTER, ORDER_METRICS, judge
from training.train import newest_evaluation

HORIZON = 90
LITTLE = Fitting(rows=1_000, spend_trees=40, churn_trees=40)


@pytest.fixture(scope="module")
def small_backtest(sample_ledger):
    return backtest(sample_ledger, HORIZON, 2, LITTLE)


def known(horizon_days=30, window_days=30, **columns):
    """Return what a baseline may know of two customers; in the newest window a quarter of 40 customers bought."""
    sums = {"spend": 200.0, "orders": 15.0, "active": 10.0}
    newest = Window(date(2024, 5, 1), 40.0, sums, dict.fromkeys(sums, 1.0), dict.fromkeys(sums, 1.0))
    return Known(pd.DataFrame(columns, index=["a", "b"]), horizon_days, window_days, newest, {})


def rows_of(prediction):
    return {customer: tuple(row) for customer, row in prediction.iterrows()}


def test_the_mean_expects_of_everybody_what_the_average_customer_did():
    found = rows_of(mean(known(purchase_days=[1.0, 9.0])))
    assert found == {"a": (5.0, 0.75), "b": (5.0, 0.75)}


def test_the_mean_over_twice_the_window_is_twice_the_spend_and_churn_is_squared():
    found = rows_of(mean(known(horizon_days=60, purchase_days=[1.0, 9.0])))
    assert found["a"] == pytest.approx((10.0, 0.75**2))


def test_the_last_window_expects_what_the_customer_did_in_it():
    found = rows_of(last_window(known(days_window_1=[2.0, 0.0], spend_window_1=[70.0, -4.0])))
    # A quarter bought, counted as one customer more on either side: (0.25 + 1) / 2 of the active, 0.25 / 2 of the rest.
    assert found == {"a": (70.0, 1 - 0.625), "b": (0.0, 1 - 0.125)}


def test_the_last_window_is_stretched_to_the_horizon():
    found = last_window(known(horizon_days=90, days_window_1=[2.0, 0.0], spend_window_1=[70.0, 0.0]))
    assert found.loc["a", "expected_spend"] == 210.0


def test_the_historic_rate_goes_on():
    found = rows_of(historic_rate(known(tenure_days=[9.0, 99.0], purchase_days=[2.0, 1.0], spend=[50.0, -3.0])))
    assert found["a"] == pytest.approx((150.0, np.exp(-6.0)))
    assert found["b"] == pytest.approx((0.0, np.exp(-0.3)))


@pytest.mark.slow
@pytest.mark.parametrize(("name", "dropout"), [("BG/NBD + Gamma-Gamma", "bg"), ("MBG/NBD + Gamma-Gamma", "mbg")])
def test_btyd_baselines_are_fitted_on_everybody_known_and_nobody_else(small_backtest, sample_ledger, name, dropout):
    evaluation = small_backtest.evaluations[0]
    customers = snapshot(sample_ledger, evaluation.as_of, HORIZON).to_pandas().set_index(["as_of", "customer_id"])
    customers = customers.loc[evaluation.customers.index].assign(spend=lambda rows: rows["spend"].clip(lower=0))
    expected = BTYD(dropout).fit(customers).predict(customers, HORIZON)
    judged = judge(
        evaluation.customers,
        pd.DataFrame({"expected_spend": expected["spend"], "churn_probability": 1 - expected["active"]}),
    )
    assert evaluation.metrics.loc[name, list(judged)].to_dict() == pytest.approx(judged, rel=1e-4)


@pytest.mark.slow
def test_windows_are_the_newest_complete_ones_oldest_first_and_do_not_overlap(small_backtest, sample_ledger):
    newest = sample_ledger.span.end - timedelta(days=HORIZON)
    dates = [evaluation.as_of for evaluation in small_backtest.evaluations]
    assert dates == [newest - timedelta(days=HORIZON), newest]


@pytest.mark.slow
def test_everybody_who_was_a_customer_is_judged_by_what_happened(small_backtest, cdnow_sample):
    for evaluation in small_backtest.evaluations:
        start = evaluation.as_of
        bought = cdnow_sample[cdnow_sample["amount"] > 0]
        customers = evaluation.customers.droplevel("as_of")
        assert set(customers.index) == set(bought.loc[bought["timestamp"] < start, "customer_id"])
        inside = (bought["timestamp"] >= start) & (bought["timestamp"] < start + timedelta(days=HORIZON))
        spend = bought[inside].groupby("customer_id")["amount"].sum().reindex(customers.index, fill_value=0.0)
        assert customers["net_spend"].to_numpy() == pytest.approx(spend.to_numpy(), abs=1e-9)
        assert np.array_equal(customers["churned"], spend == 0)


@pytest.mark.slow
def test_all_models_are_judged_on_the_same_customers_by_the_same_metrics(small_backtest):
    for evaluation in small_backtest.evaluations:
        assert list(evaluation.metrics.index) == [MODEL, *BASELINES]
        own = evaluation.metrics.loc[MODEL].to_dict()
        assert own == pytest.approx(judge(evaluation.customers, evaluation.customers))
        assert evaluation.metrics["log_loss"].notna().all()


@pytest.mark.slow
def test_what_comes_after_a_window_changes_nothing_of_its_evaluation(small_backtest, sample_ledger):
    first = small_backtest.evaluations[0]
    ended = sample_ledger.before(first.as_of + timedelta(days=HORIZON))
    again = evaluate(ended, first.as_of, HORIZON, LITTLE)
    pd.testing.assert_frame_equal(again.metrics, first.metrics, check_exact=True)
    pd.testing.assert_frame_equal(again.customers, first.customers, check_exact=True)


def test_a_window_that_the_log_does_not_cover_is_not_evaluated(sample_ledger):
    newest = sample_ledger.span.end - timedelta(days=HORIZON)
    for as_of in (newest + timedelta(days=1), sample_ledger.span.end):
        with pytest.raises(HistoryError, match=f"the outcome of 90 days from {as_of} is not known"):
            evaluate(sample_ledger, as_of, HORIZON, LITTLE)


@pytest.mark.slow
def test_its_json_is_strict_and_says_what_the_table_says(small_backtest):
    found = json.loads(json.dumps(small_backtest.to_dict(), allow_nan=False))
    assert set(found) == {"windows", "mean", "wins"}
    assert [window["as_of"] for window in found["windows"]] == ["1998-01-02", "1998-04-02"]
    for window, evaluation in zip(found["windows"], small_backtest.evaluations, strict=True):
        assert (window["horizon_days"], window["window_days"]) == (90, 90)
        assert window["customers"] == len(evaluation.customers)
        assert window["level"] == evaluation.fitted.bundle.level.rule
        assert window["metrics"][MODEL]["mae"] == evaluation.metrics.loc[MODEL, "mae"]
        assert window["metrics"]["mean"]["spearman"] is None
    assert found["mean"][MODEL]["auc"] == pytest.approx(np.mean([w["metrics"][MODEL]["auc"] for w in found["windows"]]))
    assert all(isinstance(wins, int) and 0 <= wins <= 2 for wins in found["wins"].values())


def made_up(*windows):
    """Return a backtest of made-up metrics: one mapping of model to metrics a window."""
    metrics = [pd.DataFrame(window).T.rename_axis("model") for window in windows]
    dated = enumerate(metrics, start=1)
    return Backtest(tuple(Evaluation(date(2024, month, 1), 30, None, None, table) for month, table in dated))


def test_wins_count_the_windows_in_which_no_baseline_is_better():
    first = {
        MODEL: {"mae": 2.0, "gini": 0.8, "bias": -0.2, "auc": 0.5, "coverage": 0.8},
        "mean": {"mae": 3.0, "gini": 0.0, "bias": 0.3, "auc": 0.4, "coverage": np.nan},
        "BG": {"mae": 1.0, "gini": 0.8, "bias": -0.4, "auc": 0.6, "coverage": np.nan},
    }
    second = {
        MODEL: {"mae": 2.0, "gini": 0.6, "bias": 0.1, "auc": 0.5, "coverage": 0.8},
        "mean": {"mae": 3.0, "gini": np.nan, "bias": -0.05, "auc": 0.5, "coverage": np.nan},
        "BG": {"mae": 2.5, "gini": 0.59, "bias": 0.2, "auc": 0.7, "coverage": np.nan},
    }
    assert made_up(first, second).wins.to_dict() == {"mae": 1, "gini": 2, "bias": 1, "auc": 0}


@pytest.mark.slow
def test_every_metric_counts_in_the_direction_that_is_better(small_backtest):
    names = set(small_backtest.table.columns)
    assert set(HIGHER_IS_BETTER) <= names
    lower = {"mae", "rmse", "bias", "log_loss", "brier", "calibration_error"}
    assert names - set(HIGHER_IS_BETTER) - set(ORDER_METRICS) == lower


@pytest.mark.slow
def test_orders_are_judged_of_the_own_model_alone_and_win_nothing(small_backtest):
    orders = small_backtest.table[list(ORDER_METRICS)]
    assert orders.xs(MODEL, level="model").notna().all(axis=None)
    assert orders.drop(MODEL, level="model").isna().all(axis=None)
    assert not set(ORDER_METRICS) & set(small_backtest.wins.index)


def test_an_undefined_metric_of_the_model_is_no_win():
    undefined, defined = {"gini": np.nan, "bias": 0.1}, {"gini": 0.1, "bias": 0.1}
    assert made_up({MODEL: undefined, "mean": defined}).wins.to_dict() == {"gini": 0, "bias": 1}


def test_the_summary_is_the_mean_over_windows_and_of_the_bias_its_distance_from_0():
    first, second = ({MODEL: {"mae": mae, "bias": bias}} for mae, bias in ((2.0, -0.5), (4.0, 0.1)))
    assert made_up(first, second).summary.loc[MODEL].to_dict() == pytest.approx({"mae": 3.0, "bias": 0.3})


def test_the_table_has_one_row_a_window_and_model():
    table = made_up({MODEL: {"mae": 1.0}, "mean": {"mae": 2.0}}, {MODEL: {"mae": 3.0}}).table
    assert table["mae"].to_dict() == {
        ("2024-01-01", MODEL): 1.0,
        ("2024-01-01", "mean"): 2.0,
        ("2024-02-01", MODEL): 3.0,
    }


def test_undefined_metrics_are_null_in_plain_data():
    table = pd.DataFrame({"auc": [0.5, np.nan]}, index=["a", "b"])
    assert plain(table) == {"a": {"auc": 0.5}, "b": {"auc": None}}


def short_log(days, customers=3):
    rows = [(f"c{i % customers}", date(2024, 1, 1) + timedelta(days=i), 10.0) for i in range(days)]
    return build_ledger(Log(pd.DataFrame(rows, columns=["customer_id", "timestamp", "amount"])))


@pytest.mark.slow
def test_older_dates_with_too_little_before_them_are_left_out():
    # The horizon of 95 days is less than twice the 138 days before the newest date, more than twice the 43 before that.
    found = backtest(short_log(233), 95, 2, LITTLE)
    assert [evaluation.as_of for evaluation in found.evaluations] == [date(2024, 1, 1) + timedelta(days=138)]


def test_a_log_without_one_window_to_evaluate_is_refused():
    with pytest.raises(HistoryError, match="no complete outcome window of 60 days"):
        backtest(short_log(90), 60, 4, LITTLE)
    with pytest.raises(HistoryError, match=r"only 1 customer\(s\)"):
        backtest(short_log(150, customers=1), 30, 2, LITTLE)


@pytest.mark.parametrize(
    ("days", "horizon", "after"), [(200, 30, 170), (72, 30, 42), (71, 30, None), (25, 30, None), (233, 160, None)]
)
def test_the_newest_evaluation_is_the_last_complete_window_with_history_before_it(days, horizon, after):
    first = date(2024, 1, 1)
    span = Span(first, first + timedelta(days=days - 1))
    assert newest_evaluation(span, horizon) == (after and first + timedelta(days=after))


@pytest.mark.slow
def test_on_cdnow_the_model_is_as_good_as_it_was_and_beats_every_baseline(cdnow_ledger):
    metrics = evaluate(cdnow_ledger, date(1998, 4, 1), 91, Fitting(rows=8_000)).metrics
    own, baselines = metrics.loc[MODEL], metrics.drop(MODEL)
    assert (own["log_loss"] < baselines["log_loss"]).all()
    assert own["gini"] >= 0.776
    assert own["auc"] >= 0.835
    assert own["log_loss"] <= 0.302
    assert own["mae"] <= 10.8
    assert own["rmse"] <= 31.1
    bg = baselines.loc["BG/NBD + Gamma-Gamma"]
    assert (bg["gini"], bg["auc"], bg["log_loss"]) == pytest.approx((0.772, 0.830, 0.305), abs=1e-3)
