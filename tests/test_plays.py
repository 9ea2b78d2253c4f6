"""Plays: who is on each, why, in which order, and what a contact is expected to earn."""

from datetime import date, timedelta

import ibis
import pandas as pd
import pytest

from features.expression_tree import find_column
from regulars.errors import ExpressionError, RegularsError
from serving.listing.contact import Contact
from serving.listing.standing import MEANINGS, standing
from serving.listing.wording import lifetime_words
from serving.plays import PLAYS, play_list, play_named

AS_OF = date(2024, 7, 1)
ORDINARY = {
    "segment": "Loyal",
    "value_tier": "Medium",
    "expected_spend": 20.0,
    "churn_probability": 0.5,
    "clv": 60.0,
    "clv_basis": "margin",
    "next_order_date": None,
    "recency_days": 60.0,
    "frequency": 4.0,
    "monetary": 25.0,
    "tenure_days": 240.0,
    "r_score": 3,
    "f_score": 3,
    "m_score": 3,
    "margin_rate": 0.5,
    "historic_value": 50.0,
    "breadth": 6.0,
    "breadth_of": "categories",
}
"""Every 60 days, last 60 days ago."""
NOTABLE = {
    "vera": {  # valuable, usually every 40 days, silent for 100
        "value_tier": "High",
        "historic_value": 900.0,
        "clv": 1240.0,
        "frequency": 6.0,
        "f_score": 5,
        "recency_days": 100.0,
        "tenure_days": 300.0,
        "churn_probability": 0.6,
        "monetary": 300.0,
        "r_score": 3,
    },
    "gone": {"recency_days": 300.0, "tenure_days": 360.0, "churn_probability": 0.95, "r_score": 1},
    "newt": {"frequency": 1.0, "f_score": 1, "recency_days": 20.0, "tenure_days": 20.0, "r_score": 5},
    "once": {"frequency": 1.0, "f_score": 1, "recency_days": 700.0, "tenure_days": 700.0, "r_score": 1},
    "duet": {"next_order_date": AS_OF + timedelta(days=9), "r_score": 4},
    "best": {
        "value_tier": "Top",
        "historic_value": 800.0,
        "r_score": 5,
        "f_score": 5,
        "frequency": 20.0,
        "recency_days": 5.0,
        "tenure_days": 385.0,
        "churn_probability": 0.05,
        "expected_spend": 200.0,
        "clv": 3000.0,
    },
    "slim": {"f_score": 5, "breadth": 2.0, "expected_spend": 60.0},
    "moby": {
        "historic_value": 5000.0,
        "monetary": 2500.0,
        "frequency": 2.0,
        "f_score": 2,
        "recency_days": 210.0,
        "tenure_days": 310.0,
        "r_score": 1,
        "churn_probability": 0.5,
    },
    "lone": {  # one order, and a large one
        "historic_value": 4000.0,
        "monetary": 4000.0,
        "frequency": 1.0,
        "f_score": 1,
        "recency_days": 400.0,
        "tenure_days": 400.0,
        "r_score": 1,
    },
    "sure": {"churn_probability": 0.05, "recency_days": 30.0, "tenure_days": 210.0},
    "poor": {"value_tier": "Low", "expected_spend": 0.6, "churn_probability": 0.9},
}
CROWD = 60


def customers(**changes) -> pd.DataFrame:
    """The notable, and a crowd of ordinary customers."""
    rows = [ORDINARY | {"customer_id": f"o{i:02d}", "f_score": 1 + i % 5} for i in range(CROWD)]
    rows += [ORDINARY | {"customer_id": name} | own for name, own in NOTABLE.items()]
    frame = pd.DataFrame(rows).assign(as_of=AS_OF, horizon_days=90, **changes)
    return frame.assign(next_order_date=pd.to_datetime(frame["next_order_date"]))


@pytest.fixture(scope="module")
def engine():
    return ibis.duckdb.connect()


def values_of(frame: pd.DataFrame):
    table = ibis.memtable(frame)
    dates = {"as_of": table.as_of.cast("date"), "next_order_date": table.next_order_date.cast("date")}
    return table.mutate(**dates)


def on(engine, name: str, contact=None, frame=None) -> pd.DataFrame:
    rows = play_list(values_of(customers() if frame is None else frame), play_named(name), contact, 1096)
    return engine.to_pyarrow(rows).to_pandas()


def notable(found: pd.DataFrame) -> list[str]:
    return [name for name in found["customer_id"] if name in NOTABLE]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Save", ["vera"]),
        ("Win back", ["gone"]),
        ("Second order", ["newt"]),
        ("Replenish now", ["duet"]),
        ("Reward", ["best"]),
        ("Grow", ["slim"]),
        ("Sleeping whales", ["lone", "moby"]),
        ("Leave alone", ["poor", "sure"]),
    ],
)
def test_each_play_finds_its_customers(engine, name, expected):
    assert sorted(notable(on(engine, name))) == expected


@pytest.mark.parametrize(
    ("name", "customer", "reason"),
    [
        ("Save", "vera", "No order for 100 days, usually every 40 days; worth a margin of 1,240 over three years"),
        ("Win back", "gone", "Gone for 300 days, usually every 20 days; 100 spent so far on 4 purchase days"),
        (
            "Second order",
            "newt",
            "First order 20 days ago, 25 spent so far; half of those who come back do so every 60 days or sooner",
        ),
        (
            "Replenish now",
            "duet",
            "Last order 60 days ago, usually every 60 days; next due by 2024-07-10",
        ),
        (
            "Reward",
            "best",
            "Among the best 5 %: 20 purchase days, last order 5 days ago; worth a margin of 3,000 over three years",
        ),
        ("Grow", "slim", "Ordered on 4 days from 2 categories; customers who order as often buy from 6"),
        (
            "Sleeping whales",
            "moby",
            "Among the top 5 %: 5,000 spent so far, 2,500 a purchase day; no order for 210 days",
        ),
        ("Leave alone", "poor", "90 % likely to stay away, expected to spend 1 in 90 days without a contact"),
    ],
)
def test_each_reason_is_in_words_with_the_customer_s_own_numbers(engine, name, customer, reason):
    found = on(engine, name).set_index("customer_id")["reason"]
    assert found[customer] == reason


@pytest.mark.parametrize("contact", [None, Contact(1.0, 0.5)])
def test_nobody_is_both_rewarded_and_left_alone(engine, contact):
    rewarded = set(on(engine, "Reward", contact)["customer_id"])
    assert "best" in rewarded
    assert not rewarded & set(on(engine, "Leave alone", contact)["customer_id"])


@pytest.mark.parametrize("name", ["Save", "Win back"])
def test_where_everybody_comes_back_nobody_has_to_be_saved(engine, name):
    likely = customers()
    for most, expected in [(0.21, 1), (0.19, 0)]:
        likely["churn_probability"] *= most / likely["churn_probability"].max()
        likely.loc[likely["customer_id"] == "vera", "churn_probability"] = most
        assert len(notable(on(engine, name, frame=likely))) == expected


def test_a_whale_in_its_own_rhythm_is_not_asleep(engine):
    seldom = customers()
    seldom.loc[seldom["customer_id"] == "moby", "tenure_days"] = 610.0  # every 400 days, last 210 days ago
    assert notable(on(engine, "Sleeping whales", frame=seldom)) == ["lone"]


def test_no_customer_of_any_play_is_without_a_reason(engine):
    for play in PLAYS:
        assert on(engine, play.name)["reason"].notna().all(), play.name


def test_revenue_is_not_called_worth(engine):
    found = on(engine, "Save", frame=customers(clv_basis="revenue"))
    assert found["reason"][0].endswith("expected to spend 1,240 over three years")


def test_a_number_is_said_as_the_reasons_of_a_score_say_it(engine):
    """Half a day is rounded to the even number by both: one says "every 456 days", and so does the other."""
    frame = customers()
    frame.loc[frame["customer_id"] == "gone", ["recency_days", "tenure_days"]] = [2000.0, 2000.0 + 3 * 456.5]
    told = "last order {recency_days:.0f} days ago; usually every {gap_mean:.0f} days"
    said = told.format(recency_days=2000.0, gap_mean=456.5).partition("; ")[2]
    found = on(engine, "Win back", frame=frame).set_index("customer_id")["reason"]
    assert said == "usually every 456 days"
    assert said in found["gone"]


def test_what_was_spent_is_said_and_not_a_margin_of_it(engine):
    spent = on(engine, "Win back").set_index("customer_id").loc["gone"]
    assert spent["monetary"] * spent["frequency"] == 100 != spent["historic_value"]
    assert "100 spent so far" in spent["reason"]


def test_one_day_is_a_day(engine):
    frame = customers()
    frame.loc[frame["customer_id"] == "best", "recency_days"] = 1.0
    assert "last order 1 day ago" in on(engine, "Reward", frame=frame)["reason"][0]


def test_another_currency_gives_the_same_lists(engine):
    scaled = customers()
    scaled[["expected_spend", "clv", "monetary", "historic_value"]] *= 1024
    for play in PLAYS:
        assert on(engine, play.name)["customer_id"].tolist() == (
            on(engine, play.name, frame=scaled)["customer_id"].tolist()
        ), play.name


def test_every_rule_and_order_names_columns_that_there_are(engine):
    base = standing(values_of(customers()))
    assert set(MEANINGS) <= set(base.columns)
    for play in PLAYS:
        assert play.meaning and play.action
    assert len({play.slug for play in PLAYS}) == len(PLAYS) == 8
    assert find_column("overdue", base.columns) == "overdue"


def test_plays_are_found_by_name_and_slug():
    assert play_named("win back") is play_named("Win-Back") is play_named("win-back")
    with pytest.raises(ExpressionError, match=r"There is no play 'Sav'. Did you mean 'Save'.*Sleeping whales"):
        play_named("Sav")


def test_grow_says_so_where_the_log_had_neither_categories_nor_products(engine):
    with pytest.raises(ExpressionError, match=r"Grow compares how many categories or products.*--product-id"):
        on(engine, "Grow", frame=customers().drop(columns=["breadth", "breadth_of"]))


class TestContact:
    def test_expected_profit_is_what_the_formula_says(self, engine):
        contact = Contact(cost=2.0, response_rate=0.1)
        found = on(engine, "Save", contact).set_index("customer_id")["expected_profit"]
        # Rate times chance of no order otherwise, times the margin of one usual order, less the cost.
        assert found["vera"] == pytest.approx(0.1 * 0.6 * 300 * 0.5 - 2.0)
        extra = on(engine, "Grow", contact).set_index("customer_id")["expected_profit"]
        assert extra.empty
        assert on(engine, "Grow", Contact(1.0, 0.1))["expected_profit"].tolist() == [pytest.approx(0.1 * 25 * 0.5 - 1)]

    def test_without_terms_there_is_no_profit_to_speak_of(self, engine):
        assert on(engine, "Save")["expected_profit"].isna().all()

    def test_only_customers_whom_a_contact_pays_for_are_on_the_list_best_first(self, engine):
        found = on(engine, "Win back", Contact(0.1, 0.05))
        assert (found["expected_profit"] > 0).all()
        assert found["expected_profit"].is_monotonic_decreasing
        assert on(engine, "Win back", Contact(1e6, 0.05)).empty

    def test_the_budget_is_kept_and_spent_on_the_best(self, engine):
        everybody = on(engine, "Leave alone")
        assert len(everybody) > 1
        all_of_them = on(engine, "Sleeping whales", Contact(1.0, 0.5))
        assert (
            on(engine, "Sleeping whales", Contact(1.0, 0.5, 1.0))["customer_id"].tolist()
            == (all_of_them["customer_id"].tolist()[:1])
        )

    def test_who_is_not_worth_a_contact_is_left_alone(self, engine):
        found = set(on(engine, "Leave alone", Contact(5.0, 0.05))["customer_id"])
        assert "o00" in found  # 0.05 · 0.5 · 25 · 0.5 is less than 5
        assert "moby" not in found

    @pytest.mark.parametrize(("budget", "cost", "contacts"), [(0.3, 0.1, 3), (100, 3, 33), (1, 1, 1), (10, 0.07, 142)])
    def test_money_is_counted_as_it_is_written(self, budget, cost, contacts):
        assert Contact(cost, 0.1, budget).affordable == contacts

    def test_contacts_that_cost_nothing_are_not_limited(self):
        assert Contact(0.0, 0.1, 5.0).affordable is None

    @pytest.mark.parametrize(
        ("terms", "problem"),
        [
            ((-1.0, 0.1), "costs nothing or more"),
            ((float("nan"), 0.1), "costs nothing or more"),
            ((1.0, 0.0), "response rate is a share above 0"),
            ((1.0, 3.0), "3 % is 0.03"),
            ((2.0, 0.1, 1.0), "does not pay for one contact"),
        ],
    )
    def test_terms_that_mean_nothing_are_refused(self, terms, problem):
        with pytest.raises(RegularsError, match=problem):
            Contact(*terms)


@pytest.mark.parametrize(
    ("days", "words"),
    [(1096, "three years"), (365, "one year"), (730, "two years"), (180, "180 days"), (None, "the years ahead")],
)
def test_lifetimes_in_words(days, words):
    assert lifetime_words(days) == words
