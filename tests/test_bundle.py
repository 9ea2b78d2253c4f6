"""The bundle: what it predicts hangs together, and on disk it is text that comes back to the last bit or not at all."""

import copy
import json
import shutil
from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.ledger import build_ledger
from features.log import Log
from features.snapshot import snapshot
from models.bundle import modelled
from models.bundle_files import load_bundle, save_bundle
from models.churn import MEMBERS as ODDS
from models.churn import PARAMETRIC
from models.lifetime import Economics
from models.long_run import LongRun
from models.spend import BTYD_ALONE, MEMBERS
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
    assert days[likely].between(0, 89).all()
    # Whoever is more likely to order at all is expected sooner, as far as their rates allow.
    assert days[likely].corr(predicted["churn_probability"][likely], method="spearman") > 0.8


RECIPES = {"full": (MEMBERS, ODDS), "mixture": (("linear",), ODDS), "btyd": (BTYD_ALONE, PARAMETRIC)}


def fallen_back(bundle, recipe):
    """Return a bundle as it is where the rehearsal trusts that recipe."""
    spend, churn = copy.copy(bundle.spend), copy.copy(bundle.churn)
    spend.members, churn.members = RECIPES[recipe]
    return replace(bundle, spend=spend, churn=churn)


def test_half_of_those_who_rather_stay_away_spend_nothing_and_of_others_something(predicted):
    likely = predicted["churn_probability"] < 0.5
    assert likely.any()
    assert not predicted["median_spend"][~likely].any()
    assert (predicted["median_spend"][likely] > 0).mean() > 0.9


def test_the_median_lies_within_the_interval(predicted):
    low, median, high = (predicted[name] for name in ("expected_spend_low", "median_spend", "expected_spend_high"))
    assert ((low <= median) & (median <= high)).all()


@pytest.fixture(scope="module", params=RECIPES)
def recipe(request, small_bundle):
    """The bundle with the full recipe, and as it falls back."""
    assert "ridge" in small_bundle.spend.members_
    assert "ridge" in small_bundle.churn.members_
    return fallen_back(small_bundle, request.param)


def test_a_customer_is_predicted_the_same_alone_in_any_batch_and_order(recipe, small_snapshot):
    whole = recipe.predict(small_snapshot)
    some = small_snapshot.iloc[:60]
    for size in (1, 7, 60):
        parts = [recipe.predict(some.iloc[i : i + size]) for i in range(0, 60, size)]
        pd.testing.assert_frame_equal(pd.concat(parts), whole.iloc[:60], check_exact=True)
    shuffled = small_snapshot.sample(frac=1, random_state=0)
    pd.testing.assert_frame_equal(recipe.predict(shuffled).loc[whole.index], whole, check_exact=True)


def test_every_recipe_survives_the_disk_to_the_last_bit(recipe, small_snapshot, tmp_path):
    save_bundle(recipe, tmp_path)
    again = load_bundle(tmp_path)
    assert (again.spend.members, again.churn.members) == (recipe.spend.members, recipe.churn.members)
    pd.testing.assert_frame_equal(again.predict(small_snapshot), recipe.predict(small_snapshot), check_exact=True)
    for members, _ in RECIPES.values():
        features = modelled(recipe.encoding.encode(small_snapshot), recipe.btyd, recipe.gaps, 90)
        assert np.array_equal(again.spend.blend(features, members), recipe.spend.blend(features, members)), members


def test_a_bundle_that_fell_back_to_btyd_ranks_exactly_like_btyd(small_bundle, small_snapshot):
    bundle = fallen_back(small_bundle, "btyd")
    expected, predicted = bundle.btyd.predict(small_snapshot, 90), bundle.predict(small_snapshot)
    for name, by in (("expected_spend", "spend"), ("expected_orders", "orders")):
        ranked = predicted[name].to_numpy()[expected[by].to_numpy().argsort(kind="stable")]
        assert (np.diff(ranked) >= -1e-12 * ranked[1:]).all(), name
        assert (np.diff(ranked) > 0).mean() > 0.5, name
    by_btyd = expected["active"].to_numpy().argsort(kind="stable")
    assert (np.diff(predicted["churn_probability"].to_numpy()[by_btyd]) <= 1e-15).all()


def test_a_bundle_that_fell_back_to_btyd_does_not_look_at_anything_else(small_bundle, small_snapshot):
    bundle = fallen_back(small_bundle, "btyd")
    known = ["purchase_days", "recency_days", "tenure_days", "spend"]
    blind = small_snapshot.assign(**{name: 1.0 for name in small_snapshot if name not in known})
    pd.testing.assert_frame_equal(bundle.predict(blind), bundle.predict(small_snapshot), check_exact=True)


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


def test_the_value_of_a_lifetime_starts_from_its_own_horizon_and_goes_on_along_its_btyd(small_bundle, small_snapshot):
    allocation = small_bundle.allocate(small_snapshot)
    horizon, longer = (
        small_bundle.value_parts(small_snapshot, allocation, LongRun(), Economics(discount=0.0, lifetime_days=days))
        for days in (90, 180)
    )
    assert horizon["value_horizon"].equals(allocation["spend"].rename("value_horizon"))
    assert (horizon[["value_own", "value_btyd"]] == 0).all(axis=None)
    assert longer["value_horizon"].equals(horizon["value_horizon"])
    spend = [small_bundle.btyd.predict(small_snapshot, days)["spend"] for days in (180, 90)]
    own = allocation["spend"] / allocation["btyd_spend"]
    beyond = longer["value_own"] / own + longer["value_btyd"]
    assert beyond.to_numpy() == pytest.approx((spend[0] - spend[1]).to_numpy())


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
    assert set(document["facts"]) == {
        "as_of",
        "customers_share",
        "log_first_day",
        "log_last_day",
        "log_fingerprint",
        "versions",
    }
    assert document["facts"]["as_of"] == "1998-04-01"


def test_saved_and_loaded_it_predicts_the_same_to_the_last_bit(folder, small_bundle, small_snapshot, predicted):
    again = load_bundle(folder)
    pd.testing.assert_frame_equal(again.predict(small_snapshot), predicted, check_exact=True)
    pinned, repinned = (bundle.predict(small_snapshot, bundle.level) for bundle in (small_bundle, again))
    pd.testing.assert_frame_equal(repinned, pinned, check_exact=True)
    allocations = [bundle.allocate(small_snapshot) for bundle in (small_bundle, again)]
    values = [
        bundle.value_parts(small_snapshot, allocation, LongRun(0.9, 0.8, 0.7), Economics())
        for bundle, allocation in zip((small_bundle, again), allocations, strict=True)
    ]
    pd.testing.assert_frame_equal(*values, check_exact=True)
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
    features = modelled(bundle.encoding.encode(table), bundle.btyd, bundle.gaps, bundle.window_days)
    growth = (ahead["spend"] / near["spend"]).to_numpy()
    assert allocation["spend"].to_numpy() == pytest.approx(bundle.spend.predict(features) * growth)
    assert allocation["btyd_active"].to_numpy() == pytest.approx(ahead["active"].to_numpy())


def test_who_churns_over_a_longer_horizon_is_ranked_as_over_the_windows_and_shifted_to_the_mean(attributed):
    bundle, table = attributed
    features = modelled(bundle.encoding.encode(table), bundle.btyd, bundle.gaps, bundle.window_days)
    allocation = bundle.allocate(table)
    assert np.array_equal(allocation["active_logit"], bundle.churn.active_logit(features))
    churn = bundle.predict(table, bundle.level)["churn_probability"]
    assert (1 - churn).mean() == pytest.approx(bundle.btyd.predict(table, 365)["active"].mean(), rel=2e-3)
    odds = np.log(churn / (1 - churn)) + allocation["active_logit"]
    assert odds.to_numpy() == pytest.approx(np.full(len(odds), odds.iloc[0]))


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
