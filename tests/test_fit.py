"""Fitting: the future teaches nothing, the past does, and too little of it is refused."""

import json
from dataclasses import replace
from datetime import date, timedelta
from importlib.metadata import version

import numpy as np
import pandas as pd
import pytest

from features.ledger import build_ledger
from features.log import Log
from features.snapshot import snapshot
from models.booster import OffsetBooster
from models.btyd import BTYD
from models.bundle_files import DOCUMENT, save_bundle
from models.churn import PARAMETRIC
from models.spend import BTYD_ALONE
from regulars.errors import HistoryError
from training.fit import Fitting, fit_btyd, fit_bundle
from training.table import OUTCOMES, training_table

AS_OF, HORIZON = date(1998, 2, 1), 60
SMALL_AS_OF = date(1998, 4, 1)
LITTLE = Fitting(rows=1_000, seed=5, spend_trees=40, churn_trees=40)
FIRST = date(2024, 1, 1)


def ledger_of(*rows):
    """Return the ledger of rows of customer, day after the first and amount."""
    dated = [(customer, FIRST + timedelta(days=day), float(amount)) for customer, day, amount in rows]
    return build_ledger(Log(pd.DataFrame(dated, columns=["customer_id", "timestamp", "amount"])))


def day(after):
    return FIRST + timedelta(days=after)


def files(bundle, folder):
    """Return what a bundle is on disk, by file name."""
    save_bundle(bundle, folder)
    return {path.name: path.read_text() for path in folder.iterdir()}


def without_fingerprint(found):
    document = json.loads(found[DOCUMENT])
    return found | {DOCUMENT: document | {"facts": document["facts"] | {"log_fingerprint": ""}}}


@pytest.fixture(scope="module")
def known_rows(cdnow_sample):
    return cdnow_sample[cdnow_sample["timestamp"] < AS_OF]


@pytest.fixture(scope="module")
def fitted(known_rows):
    return fit_bundle(build_ledger(Log(known_rows)), AS_OF, HORIZON, LITTLE)


@pytest.fixture(scope="module")
def fitted_files(fitted, tmp_path_factory):
    return files(fitted.bundle, tmp_path_factory.mktemp("fitted"))


def test_neither_rows_at_or_after_the_as_of_date_nor_the_order_of_rows_change_any_fitted_parameter(
    fitted_files, cdnow_sample, known_rows, tmp_path
):
    strange = [(customer, AS_OF, 1e6) for customer in known_rows["customer_id"].unique()[::2]]
    strange += [(customer, date(1998, 6, 29), -1e6) for customer in known_rows["customer_id"].unique()[::3]]
    strange += [(f"new {i}", AS_OF + timedelta(days=i % 200), 12.5) for i in range(2_000)]
    future = pd.DataFrame(strange, columns=["customer_id", "timestamp", "amount"]).assign(quantity=3)
    later = build_ledger(Log(pd.concat([future, cdnow_sample]).sample(frac=1, random_state=0)))
    assert later.quality.rows > len(known_rows) + 4_000
    again = files(fit_bundle(later, AS_OF, HORIZON, LITTLE).bundle, tmp_path)
    assert again[DOCUMENT] != fitted_files[DOCUMENT]
    assert without_fingerprint(again) == without_fingerprint(fitted_files)


def test_a_row_of_the_day_before_the_as_of_date_does_count(fitted_files, known_rows, tmp_path):
    yesterday = known_rows.head(40).assign(timestamp=AS_OF - timedelta(days=1), amount=500.0)
    more = build_ledger(Log(pd.concat([known_rows, yesterday])))
    again = files(fit_bundle(more, AS_OF, HORIZON, LITTLE).bundle, tmp_path)
    for name in ("spend.txt", "churn_rate.txt"):
        assert again[name] != fitted_files[name]


def test_the_seed_is_that_of_every_model(fitted):
    bundle = fitted.bundle
    members = (*bundle.churn.members_.values(), *bundle.spend.members_.values())
    boosters = [member for member in members if isinstance(member, OffsetBooster)]
    assert len(boosters) == 4
    assert {model.seed for model in (bundle.spend, bundle.churn, bundle.explainer)} == {LITTLE.seed}
    # Members of one blend draw differently, or they would share their luck.
    for blend in (bundle.churn, bundle.spend):
        drawn = [member.seed for member in blend.members_.values() if isinstance(member, OffsetBooster)]
        assert sorted(drawn) == [LITTLE.seed, LITTLE.seed + 1]


def test_what_was_learnt_from_is_reported(fitted):
    plan = fitted.plan
    assert (plan.as_of, plan.horizon_days, plan.window_days) == (AS_OF, HORIZON, HORIZON)
    assert set(fitted.past) == set(plan.dates)
    # A thousand at twelve dates, and as many a date at the four of windows of 30 days.
    assert 1_200 < fitted.rows < 1_470
    facts = fitted.bundle.facts
    assert (facts["as_of"], facts["log_first_day"], facts["log_last_day"]) == ("1998-02-01", "1997-01-01", "1998-01-31")
    assert facts["versions"]["lightgbm"] == version("lightgbm")


def test_the_members_of_a_bundle_are_those_that_the_rehearsal_trusts(small_fitted, fitted):
    bundle = small_fitted.bundle
    assert (bundle.spend.members, bundle.churn.members) == small_fitted.rehearsal.best()
    # A past of a thousand rows has too few in its newer windows to tell: the buy-till-you-die model gets a vote.
    assert fitted.rehearsal is None
    assert fitted.bundle.spend.members == (*LITTLE.spend_members, *BTYD_ALONE)
    assert fitted.bundle.churn.members == (*LITTLE.churn_members, *PARAMETRIC)


def test_past_windows_are_summed_over_all_customers_and_not_over_the_sample(fitted, known_rows):
    day_of, newest = pd.to_datetime(known_rows["timestamp"]), pd.Timestamp(fitted.plan.cutoffs[0])
    bought = known_rows["amount"] > 0
    eligible = known_rows["customer_id"].isin(known_rows.loc[bought & (day_of < newest), "customer_id"])
    ahead = known_rows[eligible & (day_of >= newest) & (day_of < newest + pd.Timedelta(days=HORIZON))]
    window = fitted.past[fitted.plan.cutoffs[0]]
    assert window.customers == known_rows.loc[eligible, "customer_id"].nunique()
    assert window.happened["spend"] == pytest.approx(ahead["amount"].sum())
    assert window.happened["active"] == ahead.loc[ahead["amount"] > 0, "customer_id"].nunique()


def test_predictions_for_the_training_date_are_pinned_to_the_level_on_btyds_total(fitted, known_rows):
    bundle = fitted.bundle
    table = snapshot(build_ledger(Log(known_rows)), AS_OF, HORIZON).to_pandas().set_index("customer_id")
    table = table.drop(columns="as_of")
    predicted = bundle.predict(table)
    btyd = bundle.btyd.predict(table, HORIZON)
    assert predicted["expected_spend"].sum() == pytest.approx(bundle.level.spend * btyd["spend"].sum(), rel=1e-3)
    assert (1 - predicted["churn_probability"]).mean() == pytest.approx(
        bundle.level.active * btyd["active"].mean(), rel=1e-3
    )


def test_intervals_hold_about_four_fifths_of_the_customers_of_the_past(small_fitted, sample_ledger):
    bundle, plan = small_fitted.bundle, small_fitted.plan
    past = training_table(sample_ledger, replace(plan, others=()), 2_000)
    predicted = bundle.predict(past.drop(columns=list(OUTCOMES)))
    inside = past["net_spend"].between(predicted["expected_spend_low"], predicted["expected_spend_high"])
    # Most customers of this log spend nothing, and 0 lies inside every interval that begins there.
    assert 0.75 < inside.mean() < 0.95


@pytest.mark.parametrize(
    ("rows", "as_of", "horizon", "message"),
    [
        ([("a", 0, 10), ("a", 50, 10), ("a", 99, 10)], 100, 30, r"only 1 customer\(s\) bought before 2024-04-10"),
        ([("a", 0, 10), ("b", 99, 10)], 100, 201, "201 days is more than twice the 100 days of history"),
        ([("a", 0, 10), ("b", 30, 10)], 41, 10, "41 days of history before 2024-02-11 are too few"),
        ([("a", 0, 10), ("b", 99, 10)], 0, 30, "nothing is known at 2024-01-01"),
        ([("a", 0, 10), ("b", 99, 10)], -40, 30, "nothing is known at 2023-11-22"),
        ([("a", 0, -10), ("b", 90, 5), ("c", 99, 5)], 100, 30, r"only 0 customer\(s\) bought before 2024-03-11"),
    ],
)
def test_what_cannot_be_learnt_from_is_refused(rows, as_of, horizon, message):
    with pytest.raises(HistoryError, match=message):
        fit_bundle(ledger_of(*rows), day(as_of), horizon, LITTLE)


def test_fit_btyd_reads_only_the_groups_of_its_as_of_date(sample_ledger):
    from features.outcome import customer_groups

    groups = customer_groups(sample_ledger, [date(1997, 9, 1), AS_OF], HORIZON).to_pandas()
    alone = customer_groups(sample_ledger, [AS_OF], HORIZON).to_pandas()
    assert fit_btyd(sample_ledger, groups, AS_OF).to_dict() == fit_btyd(sample_ledger, alone, AS_OF).to_dict()
    with pytest.raises(HistoryError, match=r"only 0 customer\(s\)"):
        fit_btyd(sample_ledger, groups, date(1997, 10, 1))


def predicted(ledger, as_of, horizon):
    fitted = fit_bundle(ledger, as_of, horizon, LITTLE)
    table = snapshot(ledger, as_of, fitted.bundle.window_days).to_pandas().set_index("customer_id")
    return fitted, fitted.bundle.predict(table.drop(columns="as_of"))


def test_a_log_that_begins_with_refunds_is_learnt_from_all_the_same():
    rows = [("z", 0, -5)] + [(f"c{i % 9}", 60 + i, 10 + i % 3) for i in range(60)]
    fitted, found = predicted(ledger_of(*rows), day(120), 20)
    assert min(fitted.past) > min(fitted.plan.cutoffs)
    assert np.isfinite(found["expected_spend"]).all()


def test_customers_who_all_came_once_are_expected_to_spend_what_they_did():
    ledger = ledger_of(*((f"c{i}", i, 20) for i in range(100)))
    fitted, found = predicted(ledger, day(100), 30)
    order_value = fitted.bundle.btyd.order_value_.expected_value([1.0], [20.0])
    assert order_value == pytest.approx([20.0])
    assert np.isfinite(found["expected_spend"]).all()


def test_customers_who_came_twice_and_took_everything_back_do_not_make_orders_worthless():
    once = pd.DataFrame({"purchase_days": 1.0, "recency_days": 50.0, "tenure_days": 50.0, "spend": [30.0] * 9})
    twice = pd.DataFrame({"purchase_days": [2.0], "recency_days": [10.0], "tenure_days": [60.0], "spend": [0.0]})
    btyd = BTYD().fit(pd.concat([once, twice]), twice[["purchase_days", "spend"]])
    assert btyd.predict(once, 30)["order_value"].to_numpy() == pytest.approx(np.full(9, 30.0))


def test_two_customers_are_enough_and_twice_the_history_is_the_longest_horizon():
    fitted, found = predicted(ledger_of(("a", 0, 10), ("b", 0, 5), ("a", 60, 10), ("a", 99, 3)), day(100), 200)
    assert (fitted.bundle.horizon_days, fitted.bundle.window_days) == (200, 33)
    assert found.drop(columns="next_order_days").notna().all(axis=None)


def test_customers_who_always_come_back_are_expected_to():
    ledger = ledger_of(*((f"c{i}", day_, 20 + i) for i in range(40) for day_ in range(i % 5, 100, 5)))
    _, found = predicted(ledger, day(100), 30)
    assert np.isfinite(found.drop(columns="next_order_days")).all(axis=None)
    assert found["churn_probability"].max() < 0.05
    # Six days of about 39.5 in a month.
    assert found["expected_spend"].sum() == pytest.approx(40 * 6 * 39.5, rel=0.15)


def test_where_nobody_came_back_lately_hardly_anybody_is_expected_to():
    once = [(f"c{i}", i % 20, 20 + i % 7) for i in range(200)]
    _, found = predicted(ledger_of(*once, ("late", 99, 5)), day(100), 30)
    assert np.isfinite(found.drop(columns="next_order_days")).all(axis=None)
    assert found["churn_probability"].drop("late").min() > 0.8
    assert found["expected_spend"].drop("late").max() < 20


@pytest.mark.slow
def test_a_log_in_another_currency_gives_the_same_forecast_in_it(cdnow_sample):
    # What trees read is without the two families that round: decays to millionths of money, logarithms of 1 + money.
    small = Fitting(rows=2_400, spend_trees=30, churn_trees=30, without=("family:rfm", "family:momentum"))
    rows = cdnow_sample[cdnow_sample["customer_id"].isin(sorted(cdnow_sample["customer_id"].unique())[:500])]
    found = {}
    for by in (1, 128, 100):
        ledger = build_ledger(Log(rows.assign(amount=rows["amount"] * by)))
        table = (
            snapshot(ledger, SMALL_AS_OF, HORIZON)
            .to_pandas()
            .set_index("customer_id")
            .drop(columns="as_of")
            .sort_index()
        )
        found[by] = fit_bundle(ledger, SMALL_AS_OF, HORIZON, small).bundle.predict(table)
    for by in (128, 100):
        spend = found[by]["expected_spend"].to_numpy() / by
        assert spend == pytest.approx(found[1]["expected_spend"].to_numpy(), rel=1e-6)
        for name in ("churn_probability", "expected_orders"):
            assert found[by][name].to_numpy() == pytest.approx(found[1][name].to_numpy(), rel=1e-12), name
    exact = ["churn_probability", "expected_orders", "next_order_days"]
    pd.testing.assert_frame_equal(found[128][exact], found[1][exact], check_exact=True)
