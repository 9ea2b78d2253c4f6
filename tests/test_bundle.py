"""The bundle: what it predicts hangs together, and on disk it is text that comes back to the last bit or not at all."""

import json
import shutil
from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.ledger import build_ledger
from features.log import Log
from features.snapshot import snapshot
from models.bundle_files import load_bundle, save_bundle
from models.lifetime import Economics
from regulars.errors import BundleError
from training.fit import Fitting, fit_bundle

BOOSTERS = ["churn_btyd.txt", "churn_rate.txt", "count.txt", "explainer.txt", "spend.txt"]
COLUMNS = [
    "expected_spend",
    "median_spend",
    "expected_spend_low",
    "expected_spend_high",
    "churn_probability",
    "expected_orders",
    "next_order_days",
]


@pytest.fixture(scope="module")
def folder(small_bundle, tmp_path_factory):
    folder = tmp_path_factory.mktemp("bundle") / "deep" / "down"
    save_bundle(small_bundle, folder)
    return folder


@pytest.fixture(scope="module")
def predicted(small_bundle, small_snapshot):
    return small_bundle.predict(small_snapshot)


@pytest.fixture(scope="module")
def attributed(cdnow_sample):
    """A bundle of a log with a customers table, its horizon longer than any past window; and its snapshot."""
    ids = sorted(cdnow_sample["customer_id"].unique())
    customers = pd.DataFrame(
        {"customer_id": ids, "country": ["FR", "DE", None] * (len(ids) // 3) + ["DE"] * (len(ids) % 3)}
    )
    ledger = build_ledger(Log(cdnow_sample, customers=customers))
    as_of = date(1998, 4, 1)
    bundle = fit_bundle(ledger, as_of, 365, Fitting(rows=1_000)).bundle
    table = snapshot(ledger, as_of, bundle.window_days).to_pandas().sort_values("customer_id")
    return bundle, table.set_index("customer_id").drop(columns="as_of").head(400)


def test_a_prediction_has_these_columns_for_the_same_customers(predicted, small_snapshot):
    assert list(predicted.columns) == COLUMNS
    assert predicted.index.equals(small_snapshot.index)
    assert predicted.drop(columns="next_order_days").notna().all(axis=None)


def test_predictions_are_possible(predicted):
    assert (predicted.drop(columns="next_order_days") >= 0).all(axis=None)
    assert (predicted["churn_probability"] <= 1).all()
    assert (predicted["expected_spend_low"] <= predicted["median_spend"]).all()
    assert (predicted["median_spend"] <= predicted["expected_spend_high"]).all()


def test_the_next_order_is_expected_by_when_it_is_as_likely_as_not(predicted):
    days = predicted["next_order_days"]
    likely = predicted["churn_probability"] <= 0.5
    assert likely.any()
    assert days.notna().equals(likely)
    # At a constant rate the probability of no order by day d is churn ** (d / 90).
    by_then = predicted["churn_probability"] ** (days / 90)
    assert (by_then[likely] <= 0.5 + 1e-9).all()
    assert (predicted["churn_probability"] ** ((days - 1) / 90))[likely].min() > 0.5


def test_a_customer_is_predicted_the_same_alone_in_any_batch_and_order(small_bundle, small_snapshot, predicted):
    some = small_snapshot.iloc[:60]
    for size in (1, 7, 60):
        parts = [small_bundle.predict(some.iloc[i : i + size]) for i in range(0, 60, size)]
        pd.testing.assert_frame_equal(pd.concat(parts), predicted.iloc[:60], check_exact=True)
    shuffled = small_snapshot.sample(frac=1, random_state=0)
    pd.testing.assert_frame_equal(small_bundle.predict(shuffled).loc[predicted.index], predicted, check_exact=True)


def test_columns_may_come_in_any_order(small_bundle, small_snapshot, predicted):
    turned = small_snapshot.iloc[:, ::-1]
    pd.testing.assert_frame_equal(small_bundle.predict(turned), predicted, check_exact=True)


def test_customers_who_bought_lately_and_often_are_expected_to_come_back(predicted, small_snapshot):
    regular = (small_snapshot["purchase_days"] >= 5) & (small_snapshot["recency_days"] <= 60)
    lost = (small_snapshot["purchase_days"] == 1) & (small_snapshot["recency_days"] > 300)
    assert regular.sum() > 20
    assert lost.sum() > 200
    assert predicted.loc[regular, "churn_probability"].max() < predicted.loc[lost, "churn_probability"].min()
    assert predicted.loc[regular, "expected_spend"].mean() > 10 * predicted.loc[lost, "expected_spend"].mean()


def test_columns_that_the_training_did_not_know_are_refused_by_name(small_bundle, small_snapshot):
    with pytest.raises(BundleError, match="without recency_days"):
        small_bundle.predict(small_snapshot.drop(columns="recency_days"))
    with pytest.raises(BundleError, match="unknown shoe_size"):
        small_bundle.predict(small_snapshot.assign(shoe_size=42.0))


def test_the_lifetime_factor_is_that_of_its_btyd_and_horizon(small_bundle, small_snapshot):
    factor = small_bundle.lifetime_factor(small_snapshot, Economics(discount=0.0, lifetime_days=180))
    orders = [small_bundle.btyd.predict(small_snapshot, days)["orders"] for days in (180, 90)]
    assert factor == pytest.approx((orders[0] / orders[1]).to_numpy())


def test_on_disk_there_is_text_and_json_and_nothing_pickled(folder):
    files = sorted(path for path in folder.parent.parent.rglob("*") if path.is_file())
    assert [path.name for path in files] == ["bundle.json", *BOOSTERS]
    for path in files:
        text = path.read_bytes().decode("utf-8")
        assert "\0" not in text
        assert not text.startswith("\x80")


def test_its_document_is_strict_json(folder):
    def refuse(constant):
        raise AssertionError(f"{constant} is not JSON")

    document = json.loads((folder / "bundle.json").read_text(encoding="utf-8"), parse_constant=refuse)
    assert document["horizon_days"] == document["window_days"] == 90
    assert set(document["facts"]) == {"as_of", "log_first_day", "log_last_day", "log_fingerprint", "versions"}
    assert document["facts"]["as_of"] == "1998-04-01"


def test_saved_and_loaded_it_predicts_the_same_to_the_last_bit(folder, small_bundle, small_snapshot, predicted):
    again = load_bundle(folder)
    pd.testing.assert_frame_equal(again.predict(small_snapshot), predicted, check_exact=True)
    pinned, repinned = (bundle.predict(small_snapshot, bundle.level) for bundle in (small_bundle, again))
    pd.testing.assert_frame_equal(repinned, pinned, check_exact=True)
    factors = [bundle.lifetime_factor(small_snapshot, Economics()) for bundle in (small_bundle, again)]
    assert np.array_equal(*factors)
    pd.testing.assert_frame_equal(
        again.explainer.contributions(small_snapshot[:50]),
        small_bundle.explainer.contributions(small_snapshot[:50]),
        check_exact=True,
    )
    for name in ("encoding", "horizon_days", "window_days", "level_rule", "level", "pins", "facts", "catalogue"):
        assert getattr(again, name) == getattr(small_bundle, name), name


def test_saving_what_was_loaded_writes_the_same_files(folder, tmp_path):
    save_bundle(load_bundle(folder), tmp_path)
    for path in folder.iterdir():
        assert (tmp_path / path.name).read_bytes() == path.read_bytes(), path.name


@pytest.mark.parametrize("name", ["bundle.json", *BOOSTERS])
def test_a_missing_file_is_named(folder, tmp_path, name):
    broken = shutil.copytree(folder, tmp_path / "broken")
    (broken / name).unlink()
    with pytest.raises(BundleError, match=rf"broken holds no bundle .*{name}.*train again"):
        load_bundle(broken)


@settings(max_examples=30, deadline=None)
@given(name=st.sampled_from(["bundle.json", *BOOSTERS]), share=st.floats(0.0, 0.9999))
def test_a_file_that_breaks_off_anywhere_is_refused(folder, tmp_path_factory, name, share):
    # LightGBM itself ends the process over many a text that breaks off: it must not come that far.
    broken = shutil.copytree(folder, tmp_path_factory.mktemp("broken"), dirs_exist_ok=True)
    whole = (folder / name).read_bytes()
    (broken / name).write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(BundleError, match="holds no bundle"):
        load_bundle(broken)


def test_boosters_of_another_bundle_are_refused(folder, tmp_path):
    mixed = shutil.copytree(folder, tmp_path / "mixed")
    shutil.copy(folder / "count.txt", mixed / "spend.txt")
    with pytest.raises(BundleError, match=r"spend\.txt is not as it was written"):
        load_bundle(mixed)


@pytest.mark.parametrize("text", ["[]", "{}", "null", '{"digests": {}}', "\x80\x04"])
def test_a_document_of_something_else_is_refused(folder, tmp_path, text):
    other = shutil.copytree(folder, tmp_path / "other")
    (other / "bundle.json").write_text(text, encoding="latin-1")
    with pytest.raises(BundleError, match="train again"):
        load_bundle(other)


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(BundleError, match="nowhere"):
        load_bundle(tmp_path / "nowhere")


def test_a_horizon_longer_than_the_windows_is_extrapolated_along_btyd(attributed):
    bundle, table = attributed
    assert bundle.horizon_days == 365 > bundle.window_days
    assert bundle.level_rule.extrapolates
    assert (bundle.level.spend, bundle.level.orders, bundle.level.active) == (1.0, 1.0, 1.0)
    allocation = bundle.allocate(table)
    ahead = bundle.btyd.predict(table, 365)
    near = bundle.btyd.predict(table, bundle.window_days)
    assert allocation["btyd_spend"].to_numpy() == pytest.approx(ahead["spend"].to_numpy())
    features = bundle.encoding.encode(table).join(near.add_prefix("btyd_"))
    growth = (ahead["spend"] / near["spend"]).to_numpy()
    assert allocation["spend"].to_numpy() == pytest.approx(bundle.spend.predict(features) * growth)
    odds = [np.log(active / (1 - active)) for active in (ahead["active"], near["active"])]
    expected = bundle.churn.active_logit(features) + (odds[0] - odds[1]).to_numpy()
    assert allocation["active_logit"].to_numpy() == pytest.approx(expected)


def test_an_extrapolating_bundle_survives_the_disk_too(attributed, tmp_path):
    bundle, table = attributed
    save_bundle(bundle, tmp_path)
    pd.testing.assert_frame_equal(load_bundle(tmp_path).predict(table), bundle.predict(table), check_exact=True)


def test_attributes_are_categories_and_an_unseen_one_is_as_good_as_none(attributed):
    bundle, table = attributed
    assert sorted(bundle.encoding.categories) == ["country"]
    assert set(bundle.encoding.categories["country"]) == {"FR", "DE"}
    unseen, missing = (bundle.predict(table.assign(country=value)) for value in ("Atlantis", None))
    pd.testing.assert_frame_equal(unseen, missing, check_exact=True)
