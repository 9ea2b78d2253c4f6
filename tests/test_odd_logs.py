"""Odd logs: each is either fitted and predicted from, or refused with what is missing; nothing else happens."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from features.ledger import build_ledger
from features.log import Log
from features.snapshot import snapshot
from features.window import Span
from models.bundle_files import load_bundle, save_bundle
from models.churn import PARAMETRIC
from models.level import Level
from models.spend import BTYD_ALONE
from regulars.errors import HistoryError
from regulars.prospects import prospects, prospects_table
from regulars.results import FEW_BUYERS, quality_facts, scoring_facts
from serving.score import Scoring
from training.fit import UNPROVEN_ROWS, Fitting, fit_bundle
from training.tracking import rehearsed

FIRST = date(2024, 1, 1)
LITTLE = Fitting(rows=1_500, spend_trees=40, churn_trees=40)


def day(after):
    return FIRST + timedelta(days=after)


def ledger_of(rows):
    dated = [(customer, day(int(after)), float(amount)) for customer, after, amount in rows]
    return build_ledger(Log(pd.DataFrame(dated, columns=["customer_id", "timestamp", "amount"])))


def shoppers(customers, days, seed=1):
    """Return rows of customers who come about every six weeks until they stop."""
    rng, rows = np.random.default_rng(seed), []
    for customer in range(customers):
        at = int(rng.integers(0, days - days // 5))
        while at < days:
            rows.append((f"c{customer}", at, round(float(rng.gamma(3, 10)), 2)))
            at = days if rng.random() < 0.25 else at + 1 + int(rng.exponential(40))
    return rows


def three_months():
    return shoppers(250, 90)


def one_cohort():
    return [(customer, at % 240 if at < 30 else at, amount) for customer, at, amount in shoppers(250, 240)]


def bought_once():
    """Nobody ever comes back, and every purchase is worth the same."""
    return [(f"c{n}", n % 200, 20) for n in range(400)]


def silent_since_spring():
    """Everybody bought again and again until spring, and nobody has since."""
    return [(f"c{n % 200}", n % 90, 10 + n % 7) for n in range(600)] + [("c1", 239, -1)]


def more_refunded_than_spent():
    bought = shoppers(250, 240)
    return bought + [(customer, min(at + 3, 239), -1.5 * amount) for customer, at, amount in bought[::2]]


def paid_by_the_month():
    """A cent a month from everybody, until a few stop."""
    return [(f"c{n}", at, 0.01) for n in range(120) for at in range(n % 60, 240 if n % 4 else 150, 30)]


def two_customers():
    return [("a", at, 10) for at in range(0, 240, 7)] + [("b", 100, 3)]


FITTED = {
    three_months: (90, 90),
    one_cohort: (240, 60),
    bought_once: (201, 45),
    silent_since_spring: (240, 60),
    more_refunded_than_spent: (240, 60),
    paid_by_the_month: (240, 60),
    two_customers: (240, 60),
}
"""Day of the as-of date, and horizon."""
MONEY = ["expected_spend_low", "median_spend", "expected_spend_high"]


@pytest.fixture(scope="module", params=FITTED, ids=lambda log: log.__name__)
def fit(request):
    """The log's name, what was fitted on it, and the customers whom it is to predict."""
    as_of, horizon = FITTED[request.param]
    ledger = ledger_of(request.param())
    fitted = fit_bundle(ledger, day(as_of), horizon, LITTLE)
    table = snapshot(ledger, day(as_of), fitted.bundle.window_days).to_pandas().set_index("customer_id")
    return request.param.__name__, fitted, table.drop(columns="as_of")


@pytest.mark.slow
def test_predictions_are_finite_in_order_and_come_back_from_disk(fit, tmp_path):
    name, fitted, customers = fit
    found = fitted.bundle.predict(customers, fitted.bundle.level)
    numbers = found.drop(columns="next_order_days")
    assert np.isfinite(numbers).all(axis=None)
    assert (numbers >= 0).all(axis=None)
    assert (np.diff(found[MONEY], axis=1) >= 0).all()
    assert found["churn_probability"].between(0, 1).all()
    # Nobody is expected to bring many times what all have brought so far in as many days.
    known = customers["spend"].clip(lower=0).sum()
    assert found["expected_spend"].sum() <= 3 * known
    if name in ("bought_once", "silent_since_spring"):
        assert found["churn_probability"].mean() > 0.95
        assert found["expected_spend"].sum() < 0.05 * known
    save_bundle(fitted.bundle, tmp_path)
    pd.testing.assert_frame_equal(
        load_bundle(tmp_path).predict(customers, fitted.bundle.level), found, check_exact=True
    )


@pytest.mark.slow
def test_of_what_could_not_be_rehearsed_btyd_has_a_vote(fit):
    _, fitted, _ = fit
    spend, churn = fitted.bundle.spend.members, fitted.bundle.churn.members
    if fitted.rehearsal is None:
        assert fitted.rows < 2 * UNPROVEN_ROWS
        assert (spend[-1:], churn[-1:]) == (BTYD_ALONE, PARAMETRIC)
        assert (spend[:-1], churn[:-1]) == (LITTLE.spend_members, LITTLE.churn_members)
    else:
        assert (spend, churn) == fitted.rehearsal.best()


@pytest.mark.parametrize(
    ("rows", "as_of", "horizon", "message"),
    [
        ([("a", 7 * n, 10) for n in range(40)], 280, 60, r"only 1 customer\(s\) bought before"),
        (shoppers(50, 90), 90, 181, "more than twice the .* days of history"),
        (shoppers(50, 40), 40, 20, "too few to learn from"),
        (
            [(f"c{n}", 0, 10) for n in range(300)],
            200,
            60,
            r"no complete window of 60 days .*the log ends on 2024-01-01",
        ),
    ],
    ids=["one customer", "a horizon beyond twice the history", "five weeks", "one day"],
)
def test_what_cannot_be_learnt_from_is_refused_with_what_is_missing(rows, as_of, horizon, message):
    with pytest.raises(HistoryError, match=message) as refused:
        fit_bundle(ledger_of(rows), day(as_of), horizon, LITTLE)
    assert any(word in str(refused.value) for word in ("bring a longer log", "choose a later as-of date"))


@pytest.mark.parametrize(("window", "said"), [(30, True), (90, False)])
def test_a_score_beyond_what_taught_it_says_so(window, said, tmp_path):
    revenue = {"expected_spend": 10.0, "low": 5.0, "high": 20.0}
    scoring = Scoring(250, day(90), 90, Level(1.0, 1.0, 1.0, "BTYD as it is"), "1", window, revenue)
    assert ("extrapolates" in scoring_facts(scoring, tmp_path)) is said


def test_what_was_rehearsed_is_told_recipe_by_recipe(small_fitted):
    spend, churn = small_fitted.rehearsal.losses()
    told = rehearsed(small_fitted)
    assert list(told) == [
        *("rehearsal_spend_full", "rehearsal_spend_btyd"),
        *("rehearsal_churn_full", "rehearsal_churn_parametric"),
    ]
    assert list(told.values()) == [*spend.values(), *churn.values()]


@pytest.mark.parametrize(
    ("days", "said"),
    [(60, "yes, extrapolating from shorter windows"), (150, "yes, too short to rehearse"), (240, "yes")],
)
def test_a_check_says_how_far_the_history_carries(days, said):
    quarter = next(row for row in prospects(Span(FIRST, day(days - 1))) if row["horizon_days"] == 90)
    assert prospects_table([quarter])[1][0][1] == said


@pytest.mark.parametrize(("customers", "said"), [(FEW_BUYERS - 1, True), (FEW_BUYERS, False)])
def test_a_check_says_that_customers_are_few(customers, said):
    ledger = ledger_of([(f"c{n}", n % 100, 10) for n in range(customers)])
    assert ("few customers" in quality_facts(ledger.quality, 0)) is said


def test_gifts_dated_by_the_year_alone_are_expected_again_next_year():
    # The year that begins a day after New Year 2020 ends before the next: 2020 had 366 days.
    rng = np.random.default_rng(3)
    rows = [
        (f"c{customer}", (date(year, 1, 1) - FIRST).days, 50)
        for customer in range(400)
        for year in range(2012, 2022)
        if rng.random() < 0.7
    ]
    ledger, as_of = ledger_of(rows), date(2021, 1, 1)
    fitted = fit_bundle(ledger, as_of, 365, LITTLE)
    assert date(2020, 1, 2) not in fitted.plan.cutoffs
    known = snapshot(ledger.before(as_of), as_of, 365).to_pandas().set_index(["as_of", "customer_id"])
    predicted = fitted.bundle.predict(known)
    came = sum(1 for _, after, _ in rows if day(after) == as_of) / len(predicted)
    assert (1 - predicted["churn_probability"]).mean() == pytest.approx(came, abs=0.1)
