"""The estimators: scikit-learn's own checks, and what the offset, the seed, threads and batches mean."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from simulated import customers
from sklearn.utils.estimator_checks import parametrize_with_checks

from models.churn import ChurnModel
from models.linear import LinearMember
from models.spend import SpendModel

BATCHES = (1, 7, 64)


@parametrize_with_checks([SpendModel(threads=1), ChurnModel(threads=1)])
def test_scikit_learns_own_checks(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def known():
    return customers(3_000)


@pytest.fixture(scope="module")
def unseen():
    return customers(500, seed=1)


@pytest.fixture(scope="module")
def spend_model(known):
    X, spend, orders = known
    return SpendModel(trees=40, threads=1).fit(X, spend, orders)


@pytest.fixture(scope="module")
def churn_model(known):
    X, _, orders = known
    return ChurnModel(trees=40, threads=1).fit(X, orders == 0)


def answers(spend_model, churn_model):
    """Return everything that the fitted models can be asked, by name."""
    return {
        "spend": spend_model.predict,
        "orders": spend_model.predict_orders,
        "log-odds": churn_model.active_logit,
        "churn": lambda X: churn_model.predict_proba(X)[:, 1],
        "class": churn_model.predict,
    }


def test_trees_learn_what_btyd_does_not_know(spend_model, churn_model, unseen):
    X, spend, orders = unseen
    more = X["mood"] > 1
    assert spend_model.predict(X[more]).sum() > 1.2 * X.loc[more, "btyd_spend"].sum()
    assert np.abs(spend_model.predict(X) - spend).mean() < np.abs(X["btyd_spend"] - spend).mean()
    churn = churn_model.predict_proba(X)[:, 1]
    assert ((churn - (orders == 0)) ** 2).mean() < ((1 - X["btyd_active"] - (orders == 0)) ** 2).mean()


def test_the_same_seed_gives_the_same_predictions_and_another_one_others(known, unseen, spend_model, churn_model):
    X, spend, orders = known
    for seed, same in ((0, True), (1, False)):
        again_spend = SpendModel(trees=40, seed=seed, threads=1).fit(X, spend, orders)
        again_churn = ChurnModel(trees=40, seed=seed, threads=1).fit(X, orders == 0)
        first, again = answers(spend_model, churn_model), answers(again_spend, again_churn)
        for name in ("spend", "orders", "log-odds"):
            assert np.array_equal(first[name](unseen[0]), again[name](unseen[0])) is same, (name, seed)


def test_the_number_of_threads_changes_no_prediction(known, unseen):
    X, spend, orders = (part[:1_000] for part in known)
    one, two = (
        answers(
            SpendModel(trees=3, threads=threads).fit(X, spend, orders),
            ChurnModel(trees=3, threads=threads).fit(X, orders == 0),
        )
        for threads in (1, 2)
    )
    for name, ask in one.items():
        assert np.array_equal(ask(unseen[0]), two[name](unseen[0])), name


def test_a_prediction_depends_on_no_other_row_of_the_question(spend_model, churn_model, unseen):
    X = unseen[0].iloc[:100]
    turned = X.iloc[::-1]
    for name, ask in answers(spend_model, churn_model).items():
        whole = ask(X)
        assert np.array_equal(ask(turned)[::-1], whole), name
        for size in BATCHES:
            parts = [ask(X.iloc[i : i + size]) for i in range(0, len(X), size)]
            assert np.array_equal(np.concatenate(parts), whole), (name, size)


def test_with_too_few_rows_for_a_leaf_orders_are_those_of_btyd():
    X, spend, orders = customers(150)
    model = SpendModel(threads=1).fit(X, spend, orders)
    assert model.predict_orders(X) == pytest.approx(X["btyd_orders"].to_numpy(), rel=1e-12)


def test_with_too_few_rows_for_a_leaf_customers_churn_in_the_order_of_btyd():
    X, _, orders = customers(150)
    churn = ChurnModel(threads=1).fit(X, orders == 0).predict_proba(X)[:, 1]
    assert np.array_equal(np.argsort(churn), np.argsort(-X["btyd_active"].to_numpy()))


def test_with_too_few_rows_for_a_leaf_spend_is_the_mixture_of_the_offsets():
    X, spend, orders = customers(150)
    model = SpendModel(threads=1).fit(X, spend, orders)
    linear = LinearMember().fit(X, spend)
    members = [linear.predict(X), linear.predict(X) + 0.02 * X["btyd_spend"].mean(), X["btyd_spend"].to_numpy()]
    blend = np.exp(np.mean([np.log(member / member.mean()) for member in members], axis=0)) * spend.mean()
    assert model.predict(X) == pytest.approx(blend, rel=1e-9)


def test_with_too_few_rows_and_nothing_but_btyd_to_go_by_spend_ranks_exactly_like_btyd():
    X, spend, orders = customers(150)
    others = ["monetary", "monetary_median", *(name for name in X if name.startswith("spend_"))]
    X = X.assign(**dict.fromkeys(others, 0.0), season_spend=np.nan)
    expected = SpendModel(threads=1).fit(X, spend, orders).predict(X)
    assert np.array_equal(np.argsort(expected), np.argsort(X["btyd_spend"].to_numpy()))


def test_where_nobody_came_back_spend_is_allocated_in_the_order_of_btyd():
    X, spend, orders = customers(1_000)
    expected = SpendModel(trees=5, threads=1).fit(X, spend * 0, orders * 0).predict(X)
    assert np.array_equal(np.argsort(expected), np.argsort(X["btyd_spend"].to_numpy()))


def test_spend_and_orders_are_learnt_over_the_level_of_their_snapshot(known, unseen, spend_model):
    X, spend, orders = known
    level = np.where(np.arange(len(X)) % 2 > 0, 2.0, 0.5)
    levels = pd.DataFrame({"spend": level, "orders": level})
    lifted = SpendModel(trees=40, threads=1).fit(X, spend * level, orders * level, levels)
    assert np.array_equal(lifted.predict(unseen[0]), spend_model.predict(unseen[0]))
    assert np.array_equal(lifted.predict_orders(unseen[0]), spend_model.predict_orders(unseen[0]))


def test_the_rate_of_a_snapshot_is_not_learnt_as_if_it_were_the_customers(known):
    # The second half of the rows lies in a season without customers of a bad mood: its low rate says nothing of them.
    X, _, orders = known
    season = np.arange(len(X)) >= len(X) // 2
    quiet = np.where(season, orders * (np.random.default_rng(2).random(len(X)) < 0.3), orders)
    rates = np.where(season, (quiet[season] > 0).mean(), (quiet[~season] > 0).mean())
    X = X.assign(noise=season + 0.1 * X["noise"])
    told = ChurnModel(trees=40, threads=1).fit(X, quiet == 0, season, rates).active_logit(X)
    untold = ChurnModel(trees=40, threads=1).fit(X, quiet == 0).active_logit(X)
    by_season = [abs(logits[season].mean() - logits[~season].mean()) for logits in (told, untold)]
    assert by_season[0] < 0.25 * by_season[1]


def test_refunds_beyond_the_purchases_count_as_no_spend(known, unseen, spend_model):
    X, spend, orders = known
    refunded = np.where(spend == 0, -5.0, spend)
    again = SpendModel(trees=40, threads=1).fit(X, refunded, orders)
    assert np.array_equal(again.predict(unseen[0]), spend_model.predict(unseen[0]))


def coded(n, permutation):
    """Return customers one of whose columns is a code that tells, by no order of its values, who buys more."""
    X, spend, orders = customers(n)
    group = np.arange(n) % len(permutation)
    by = np.where(group % 2 > 0, 3.0, 0.3)
    return X.assign(colour=np.asarray(permutation, dtype=float)[group]), spend * by, np.round(orders * by)


def test_the_codes_of_categories_are_names_and_not_numbers():
    one_way, another = (coded(3_000, order) for order in (range(10), [3, 1, 4, 0, 5, 9, 2, 6, 8, 7]))
    expected = [
        SpendModel(trees=40, threads=1).fit(X, spend, orders, categorical=["colour"]).predict(X)
        for X, spend, orders in (one_way, another)
    ]
    assert expected[0] == pytest.approx(expected[1], rel=1e-9)
    as_numbers = [
        SpendModel(trees=40, threads=1).fit(X, spend, orders).predict(X) for X, spend, orders in (one_way, another)
    ]
    assert as_numbers[0] != pytest.approx(as_numbers[1], rel=1e-3)


def test_a_category_that_is_missing_is_expected_something_too():
    X, spend, orders = coded(3_000, range(10))
    spend_model = SpendModel(trees=40, threads=1).fit(X, spend, orders, categorical=["colour"])
    churn_model = ChurnModel(trees=40, threads=1).fit(X, orders == 0, categorical=["colour"])
    without = X.assign(colour=np.nan)
    assert np.isfinite(spend_model.predict(without)).all()
    assert np.isfinite(churn_model.active_logit(without)).all()


def test_the_columns_of_btyd_need_the_orders_beside_them(known):
    with pytest.raises(ValueError, match="orders, the purchase days"):
        SpendModel().fit(known[0], known[1])


def test_columns_in_another_order_are_refused(spend_model, churn_model, unseen):
    for ask in (spend_model.predict, churn_model.predict_proba):
        with pytest.raises(ValueError, match="feature names should match"):
            ask(unseen[0].iloc[:, ::-1])


@pytest.mark.parametrize("labels", [[False, True], [0, 1], ["came", "gone"]])
def test_the_larger_label_is_the_churned_one(known, labels, churn_model):
    X, _, orders = known
    model = ChurnModel(trees=40, threads=1).fit(X, np.where(orders == 0, labels[1], labels[0]))
    assert np.array_equal(model.predict_proba(X), churn_model.predict_proba(X))
    churned = model.predict(X) == labels[1]
    assert np.array_equal(churned, model.predict_proba(X)[:, 1] > 0.5)
    assert churned.any()
    assert not churned.all()


def test_where_all_customers_of_the_past_did_the_same_the_churn_model_says_so(known):
    X = known[0]
    for churned in (True, False):
        found = ChurnModel(trees=5, threads=1).fit(X, np.full(len(X), churned)).predict_proba(X)[:, 1]
        assert ((found > 0.5) == churned).all()


def test_probabilities_are_the_mean_of_two_log_odds(churn_model, unseen):
    X = unseen[0]
    matrix = X.to_numpy()
    rate = churn_model.base_logit_ + churn_model.boosters_["rate"].correction(matrix)
    btyd = np.log(X["btyd_active"] / (1 - X["btyd_active"])) + churn_model.boosters_["btyd"].correction(matrix)
    assert churn_model.predict_proba(X)[:, 0] == pytest.approx(expit((rate + btyd.to_numpy()) / 2), rel=1e-9)
