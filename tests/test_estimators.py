"""The estimators: scikit-learn's own checks, and what the offset, the seed, threads and batches mean."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit
from simulated import customers, in_currency
from sklearn.utils.estimator_checks import parametrize_with_checks

from models.booster import OffsetBooster
from models.churn import PARAMETRIC, ChurnModel
from models.linear import LinearMember
from models.outlook import Outlook
from models.ridge import FEWEST_RIDGE_ROWS
from models.spend import BTYD_ALONE, MEMBERS, SpendModel

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
    outlook = replace(Outlook.plain(len(X)), spend=level, orders=level)
    lifted = SpendModel(trees=40, threads=1).fit(X, spend * level, orders * level, outlook)
    assert np.array_equal(lifted.predict(unseen[0]), spend_model.predict(unseen[0]))
    assert np.array_equal(lifted.predict_orders(unseen[0]), spend_model.predict_orders(unseen[0]))


def test_the_rate_of_a_snapshot_is_not_learnt_as_if_it_were_the_customers(known):
    # The second half of the rows lies in a season without customers of a bad mood: its low rate says nothing of them.
    X, _, orders = known
    season = np.arange(len(X)) >= len(X) // 2
    quiet = np.where(season, orders * (np.random.default_rng(2).random(len(X)) < 0.3), orders)
    rates = np.where(season, (quiet[season] > 0).mean(), (quiet[~season] > 0).mean())
    X = X.assign(noise=season + 0.1 * X["noise"])
    outlook = Outlook.plain(len(X), active=X["btyd_active"].to_numpy())
    outlook = replace(outlook, snapshot=season.astype(np.int64), rate=rates)
    told = ChurnModel(trees=40, threads=1).fit(X, quiet == 0, outlook).active_logit(X)
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


def test_probabilities_are_the_mean_of_three_log_odds(churn_model, unseen):
    X = unseen[0]
    matrix = X.to_numpy()
    members = churn_model.members_
    odds = [
        churn_model.base_logit_ + members["rate"].correction(matrix),
        np.log(X["btyd_active"] / (1 - X["btyd_active"])).to_numpy() + members["btyd"].correction(matrix),
        churn_model.base_logit_ + members["ridge"].correction(matrix),
    ]
    assert churn_model.predict_proba(X)[:, 0] == pytest.approx(expit(sum(odds) / 3), rel=1e-9)
    for name, alone in zip(("rate", "btyd", "ridge"), odds, strict=True):
        assert churn_model.active_logit(X, [name]) == pytest.approx(alone, rel=1e-9)


# Members, and simpler recipes


def test_spend_is_the_geometric_mean_of_its_members_each_at_the_same_mean(spend_model, known, unseen):
    X = unseen[0]
    assert set(spend_model.members_) == set(MEMBERS) == {"linear", "spend", "count", "ridge"}
    alone = {name: spend_model.blend(X, [name]) for name in MEMBERS}
    assert spend_model.predict(X) == pytest.approx(np.exp(np.mean(np.log(list(alone.values())), axis=0)), rel=1e-9)
    for name in MEMBERS:
        assert spend_model.blend(known[0], [name]).mean() == pytest.approx(known[1].mean()), name


def test_btyd_alone_ranks_exactly_like_btyd(known, unseen):
    (X, spend, orders), asked = known, unseen[0]
    spend_model = SpendModel(trees=40, threads=1, members=BTYD_ALONE).fit(X, spend, orders)
    churn_model = ChurnModel(trees=40, threads=1, members=PARAMETRIC).fit(X, orders == 0)
    assert spend_model.predict(asked) == pytest.approx(asked["btyd_spend"] * spend.mean() / X["btyd_spend"].mean())
    assert np.array_equal(spend_model.predict_orders(asked), np.exp(np.log(asked["btyd_orders"])))
    assert churn_model.predict_proba(asked)[:, 0] == pytest.approx(asked["btyd_active"].to_numpy())
    ranks = np.argsort(asked["btyd_spend"].to_numpy()), np.argsort(-asked["btyd_active"].to_numpy())
    assert np.array_equal(np.argsort(spend_model.predict(asked)), ranks[0])
    assert np.array_equal(np.argsort(churn_model.predict_proba(asked)[:, 1]), ranks[1])


def test_the_mixture_alone_is_the_linear_member(known, unseen):
    X, spend, orders = known
    found = SpendModel(trees=40, threads=1, members=("linear",)).fit(X, spend, orders).predict(unseen[0])
    linear = LinearMember(90).fit(X, spend)
    expected = linear.predict(unseen[0]) * spend.mean() / linear.predict(X).mean()
    assert found == pytest.approx(expected, rel=1e-9)


def test_all_members_are_fitted_whichever_are_asked_for(known, unseen, spend_model, churn_model):
    X, spend, orders = known
    simple_spend = SpendModel(trees=40, threads=1, members=BTYD_ALONE).fit(X, spend, orders)
    simple_churn = ChurnModel(trees=40, threads=1, members=PARAMETRIC).fit(X, orders == 0)
    asked = unseen[0]
    assert np.array_equal(simple_spend.blend(asked, MEMBERS), spend_model.predict(asked))
    assert np.array_equal(simple_churn.active_logit(asked, churn_model.members), churn_model.active_logit(asked))


def test_members_that_were_not_fitted_leave_the_trees(unseen):
    X, spend, orders = customers(300)
    spend_model = SpendModel(trees=5, threads=1).fit(X, spend, orders)
    churn_model = ChurnModel(trees=5, threads=1).fit(X, orders == 0)
    asked = unseen[0]
    assert "ridge" not in spend_model.members_
    assert "ridge" not in churn_model.members_
    assert np.array_equal(spend_model.blend(asked, ["ridge"]), spend_model.blend(asked, ["spend"]))
    assert np.array_equal(churn_model.active_logit(asked, ["ridge"]), churn_model.active_logit(asked, ["rate"]))


@pytest.mark.parametrize("rows", [FEWEST_RIDGE_ROWS - 1, FEWEST_RIDGE_ROWS])
def test_there_is_a_ridge_from_2000_whole_windows_on(rows):
    X, spend, orders = customers(FEWEST_RIDGE_ROWS + 200)
    # Shorter windows do not count.
    outlook = Outlook.plain(len(X), active=X["btyd_active"].to_numpy())
    outlook = replace(outlook, ahead=np.where(np.arange(len(X)) < rows, 1.0, 0.5))
    spend_model = SpendModel(trees=2, threads=1).fit(X, spend, orders, outlook)
    churn_model = ChurnModel(trees=2, threads=1).fit(X, orders == 0, outlook)
    assert ("ridge" in spend_model.members_) is ("ridge" in churn_model.members_) is (rows >= FEWEST_RIDGE_ROWS)


def test_columns_that_are_not_to_be_used_change_no_tree_and_no_ridge(known, unseen):
    (X, spend, orders), asked = known, unseen[0]
    spend_model = SpendModel(trees=40, threads=1, unused=["mood"]).fit(X, spend, orders)
    churn_model = ChurnModel(trees=40, threads=1, unused=["mood"]).fit(X, orders == 0)
    first = {name: ask(asked) for name, ask in answers(spend_model, churn_model).items()}
    for name, ask in answers(spend_model, churn_model).items():
        assert np.array_equal(ask(asked.assign(mood=asked["mood"] * -3.0)), first[name]), name


# Other currencies, other lengths, odd pasts


def test_spend_is_counted_in_the_currency_of_the_log_and_nothing_else_depends_on_it(known, unseen):
    X, spend, orders = known
    asked = unseen[0]
    models = [
        (SpendModel(trees=40, threads=1).fit(in_currency(X, by), spend * by, orders), in_currency(asked, by))
        for by in (1.0, 128.0, 100.0)
    ]
    once, exactly, hundred = ((model.predict(table), model.predict_orders(table)) for model, table in models)
    assert exactly[0] / 128 == pytest.approx(once[0], rel=1e-9)
    assert np.array_equal(exactly[1], once[1])
    assert hundred[0] / 100 == pytest.approx(once[0], rel=1e-6)
    churn, in_dimes = (
        ChurnModel(trees=40, threads=1).fit(in_currency(X, by), orders == 0).predict_proba(in_currency(asked, by))
        for by in (1.0, 128.0)
    )
    assert np.array_equal(churn, in_dimes)


def test_a_shorter_window_is_a_lesson_for_the_whole_one():
    # In half a window half as much happens, as BTYD says: what is learnt of who buys more is the same.
    X, spend, orders = customers(6_000)
    half = np.arange(len(X)) % 2 > 0
    thin = np.random.default_rng(5).binomial(orders.astype(int), np.where(half, 0.5, 1.0)).astype(float)
    shorter = spend * thin / np.maximum(orders, 1.0)
    by = np.where(half, 0.5, 1.0)
    active = -np.expm1(-X["btyd_orders"].to_numpy() * by)
    rate = np.where(half, (thin[half] > 0).mean(), (thin[~half] > 0).mean())
    outlook = replace(
        Outlook.plain(len(X), active=active),
        snapshot=half.astype(np.int64),
        ahead=by,
        rate=rate,
        spend_growth=by,
        orders_growth=by,
    )
    X = X.assign(ahead_log=np.log(by))
    whole = X[~half]
    spend_model = SpendModel(trees=40, threads=1).fit(X, shorter, thin, outlook)
    churn_model = ChurnModel(trees=40, threads=1).fit(X, thin == 0, outlook)
    assert spend_model.predict(whole).mean() == pytest.approx(spend[~half].mean(), rel=0.05)
    assert spend_model.predict_orders(whole).mean() == pytest.approx(orders[~half].mean(), rel=0.05)
    assert churn_model.predict_proba(whole)[:, 1].mean() == pytest.approx((orders[~half] == 0).mean(), abs=0.03)
    untold = SpendModel(trees=40, threads=1).fit(X.drop(columns="ahead_log"), shorter, thin)
    assert untold.predict(whole.drop(columns="ahead_log")).mean() < 0.85 * spend[~half].mean()


@pytest.mark.parametrize("came_back", [0.0, 3.0])
def test_where_nobody_or_everybody_came_back_there_is_an_answer(came_back):
    X, _, _ = customers(2_200)
    orders = np.full(len(X), came_back)
    spend_model = SpendModel(trees=5, threads=1).fit(X, orders * 10.0, orders)
    churn_model = ChurnModel(trees=5, threads=1).fit(X, orders == 0)
    for name, ask in answers(spend_model, churn_model).items():
        assert np.isfinite(ask(X)).all(), name
    assert (spend_model.predict(X) >= 0).all()


def test_boosting_can_be_set(known):
    X, spend, orders = known
    stump = {"num_leaves": 2, "learning_rate": 0.1}
    model = SpendModel(trees=3, threads=1, boosting=stump).fit(X, spend, orders)
    for name in ("spend", "count"):
        booster = model.members_[name]
        assert isinstance(booster, OffsetBooster)
        assert {tree["num_leaves"] for tree in booster.booster_.dump_model()["tree_info"]} <= {1, 2}
