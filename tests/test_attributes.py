"""Attributes: what a customers table says helps, and what it does not say or says for the first time does no harm."""

import json
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from features.ledger import build_ledger
from features.log import Log
from features.snapshot import snapshot
from models.bundle_files import DOCUMENT, load_bundle, save_bundle
from models.encoding import MOST_CATEGORIES
from training.evaluate import MODEL, evaluate
from training.fit import Fitting

pytestmark = pytest.mark.slow

FIRST, AS_OF, HORIZON = date(2023, 1, 1), date(2024, 3, 1), 90
LITTLE = Fitting(rows=6_000)
CHANNELS = ["Empfehlung", "客户推荐", "flyer 🎈"]
RETURNS = {"Empfehlung": 0.9, "客户推荐": 0.5, "flyer 🎈": 0.03}
"""Share of the customers of a channel who come back, again and again."""
VILLAGES = 150


def shop(customers=1_500, days=520, seed=3):
    """Return a log whose customers come back or not as their channel has it, and the customers table."""
    rng = np.random.default_rng(seed)
    channel = rng.choice(CHANNELS, customers)
    returns = rng.random(customers) < pd.Series(channel).map(RETURNS).to_numpy()
    rows = []
    for customer, begins in enumerate(rng.integers(0, days, customers)):
        visits = np.cumsum(rng.exponential(45, 12 if returns[customer] else 0))
        rows += [
            (f"c{customer}", FIRST + timedelta(days=int(d)), 20.0) for d in [begins, *(begins + visits)] if d < days
        ]
    table = pd.DataFrame(
        {
            "customer_id": [f"c{n}" for n in range(customers)],
            "channel": channel,
            "village": [f"village {n % VILLAGES}" for n in range(customers)],
            "distance": np.where(rng.random(customers) < 0.3, np.nan, rng.gamma(2.0, 5.0, customers)),
            "newsletter": pd.array(np.where(rng.random(customers) < 0.1, None, rng.random(customers) < 0.4), "boolean"),
        }
    )
    # One in ten is not in the table at all.
    return pd.DataFrame(rows, columns=["customer_id", "timestamp", "amount"]), table[table.index % 10 > 0]


@pytest.fixture(scope="module")
def log():
    return shop()


@pytest.fixture(scope="module")
def ledger(log):
    return build_ledger(Log(log[0], customers=log[1]))


@pytest.fixture(scope="module")
def evaluation(ledger):
    return evaluate(ledger, AS_OF, HORIZON, LITTLE)


@pytest.fixture(scope="module")
def bundle(evaluation):
    return evaluation.fitted.bundle


@pytest.fixture(scope="module")
def customers(ledger):
    table = snapshot(ledger, AS_OF, HORIZON).to_pandas().sort_values("customer_id")
    return table.set_index("customer_id").drop(columns="as_of")


def newcomers_auc(judged):
    new = judged[(judged["purchase_days"] == 1) & (judged["recency_days"] < 90)]
    return roc_auc_score(new["churned"].astype(bool), new["churn_probability"])


def test_a_channel_that_decides_who_returns_makes_better_predictions(log, evaluation):
    without = evaluate(build_ledger(Log(log[0])), AS_OF, HORIZON, LITTLE)
    assert evaluation.metrics.loc[MODEL, "auc"] > without.metrics.loc[MODEL, "auc"]
    assert evaluation.metrics.loc[MODEL, "log_loss"] < without.metrics.loc[MODEL, "log_loss"]
    # Of those who have come back, history says it all; of newcomers, the channel says most.
    ours, theirs = (newcomers_auc(found.customers) for found in (evaluation, without))
    assert ours > theirs + 0.05


def test_the_same_history_is_worth_more_from_the_better_channel(bundle, customers):
    new = customers[(customers["purchase_days"] == 1) & (customers["recency_days"] < 60)]
    assert len(new) > 50
    churn = {channel: bundle.predict(new.assign(channel=channel))["churn_probability"].mean() for channel in CHANNELS}
    assert churn["Empfehlung"] < churn["客户推荐"] < churn["flyer 🎈"]


def test_texts_are_categories_and_numbers_and_truths_are_numbers(bundle, customers):
    assert set(bundle.encoding.categories) == {"channel", "village"}
    assert customers[["distance", "newsletter"]].dtypes.eq(float).all()
    assert set(customers["newsletter"].dropna()) == {0.0, 1.0}


def test_categories_are_kept_in_the_bundle_whatever_their_script(bundle, customers, tmp_path):
    save_bundle(bundle, tmp_path)
    assert json.loads((tmp_path / DOCUMENT).read_text())["encoding"]["categories"]["channel"] == list(
        bundle.encoding.categories["channel"]
    )
    loaded = load_bundle(tmp_path)
    assert set(loaded.encoding.categories["channel"]) == set(CHANNELS)
    pd.testing.assert_frame_equal(loaded.predict(customers), bundle.predict(customers), check_exact=True)


def test_a_category_that_the_training_never_saw_counts_as_missing(bundle, customers):
    unseen = bundle.predict(customers.assign(channel="billboard", village="far away"))
    missing = bundle.predict(customers.assign(channel=None, village=None))
    pd.testing.assert_frame_equal(unseen, missing, check_exact=True)


def test_customers_who_are_not_in_the_table_are_predicted_all_the_same(customers, evaluation):
    assert 0.05 < customers["channel"].isna().mean() < 0.15
    judged = evaluation.customers.reset_index("as_of", drop=True)
    absent = judged[customers["channel"].isna().reindex(judged.index)]
    assert np.isfinite(absent["expected_spend"]).all()
    assert absent["churn_probability"].mean() == pytest.approx(absent["churned"].mean(), abs=0.15)


def test_of_more_than_a_hundred_categories_the_most_frequent_hundred_are_told_apart(bundle, customers):
    assert customers["village"].nunique() > MOST_CATEGORIES
    kept = bundle.encoding.categories["village"]
    assert len(kept) == MOST_CATEGORIES
    rare = customers[~customers["village"].isin(kept) & customers["village"].notna()]
    assert len(rare)
    pd.testing.assert_frame_equal(bundle.predict(rare), bundle.predict(rare.assign(village=None)), check_exact=True)


def test_training_and_scoring_read_the_attributes_alike(bundle, customers, ledger):
    early = snapshot(ledger, AS_OF - timedelta(days=HORIZON), HORIZON).to_pandas().set_index("customer_id")
    shared = early.index.intersection(customers.index)
    names = ["channel", "village", "distance", "newsletter"]
    pd.testing.assert_frame_equal(early.loc[shared, names], customers.loc[shared, names])
    codes = bundle.encoding.encode(customers)[["channel", "village"]]
    assert codes["channel"].isna().equals(customers["channel"].isna())
