"""The filter builder: what is ticked becomes a filter, and nothing that is typed becomes anything else."""

import ibis
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import QueryParams

from features.expression import compile_filter
from regulars.errors import ExpressionError, RegularsError
from serving.listing.contact import Contact
from serving.listing.definition import Definition
from serving.web.pages.choice import BOUNDS, choice_of
from serving.web.pages.terms_form import Terms, terms_of

CUSTOMERS = pd.DataFrame(
    {
        "customer_id": ["a", "b", "c", "d"],
        "r_score": [5, 5, 2, 1],
        "f_score": [4, 1, 3, 1],
        "m_score": [5, 2, 3, 1],
        "clv": [900.0, 40.0, 200.0, 0.5],
        "churn_probability": [0.1, 0.5, 0.6, 0.95],
        "recency_days": [3.0, 5.0, 100.0, 400.0],
        "frequency": [12.0, 1.0, 4.0, 1.0],
        "expected_spend": [90.0, 4.0, 20.0, 0.1],
        "value_tier": ["Top", "Low", "High", "Low"],
        "channel": ["e-mail", "O'Brien's", "search", "search"],
    }
)


def who(query: str) -> list[str]:
    """Return the customers that a query string chooses."""
    choice, table = choice_of(QueryParams(query)), ibis.memtable(CUSTOMERS)
    chosen = table if choice.filter is None else table.filter(compile_filter(choice.filter, table))
    return sorted(chosen.to_pandas()["customer_id"])


class TestFilter:
    @pytest.mark.parametrize(
        ("query", "customers"),
        [
            ("", ["a", "b", "c", "d"]),
            ("r=5&fm=5", ["a"]),
            ("r=5&fm=2", ["b"]),
            ("tier=Top&tier=High", ["a", "c"]),
            ("value_min=40", ["a", "b", "c"]),
            ("value_min=40.5", ["a", "c"]),
            ("churn_min=50&churn_max=60", ["b", "c"]),
            ("recency_min=100", ["c", "d"]),
            ("recency_max=5&orders_min=2", ["a"]),
            ("spend_min=0,1", ["a", "b", "c", "d"]),
            ("channel=O%27Brien%27s", ["b"]),
            ("where=clv+%3E+100+or+frequency+%3D+1&value_min=10", ["a", "b", "c"]),
        ],
    )
    def test_it_chooses_who_was_meant(self, query, customers):
        assert who(query) == customers

    def test_segments_and_order_go_into_the_definition(self):
        choice = choice_of(QueryParams("segment=at+risk&segment=Lost&by=expected_spend&top=10"))
        assert choice.definition == {"segment": ["At Risk", "Lost"], "where": None, "top": 10, "by": "expected_spend"}
        assert Definition.of(choice.definition).top == 10

    @pytest.mark.parametrize(
        "query",
        [
            "value_min=lots",
            "top=0",
            "top=-1",
            "top=1.5",
            "r=6&fm=1",
            "tier=Best",
            "by=customer_id",
            "segment=Whales",
            "value_min=nan",
            "top=000000000001234567890",
            "top=1000000001",
            "top=" + "9" * 5_000,
            "where=" + "1" * 2_001,
        ],
    )
    def test_what_cannot_be_meant_is_refused_by_name(self, query):
        with pytest.raises(ExpressionError) as caught:
            choice_of(QueryParams(query))
        assert len(str(caught.value)) > 20

    def test_a_text_cannot_leave_its_quotes(self):
        assert who("channel=x%27)+or+(%271%27=%271") == []

    @given(st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=40))
    def test_no_channel_breaks_the_filter(self, name):
        choice, table = choice_of(QueryParams([("channel", name)])), ibis.memtable(CUSTOMERS)
        if choice.filter is None:
            assert not name
            return
        found = table.filter(compile_filter(choice.filter, table)).to_pandas()
        assert set(found["channel"]) <= {name}

    def test_what_no_text_holds_is_refused(self):
        for field in ("channel", "where"):
            with pytest.raises(ExpressionError, match="NUL"):
                choice_of(QueryParams([(field, "a\x00")]))

    def test_its_own_fields_give_the_same_choice(self):
        query = "segment=Lost&tier=Top&channel=a&r=1&fm=2&value_min=10&churn_max=33.3&where=clv+%3E+1&by=monetary&top=7"
        choice = choice_of(QueryParams(query))
        assert choice_of(QueryParams(choice.fields)) == choice

    def test_its_words_name_everything(self):
        words = choice_of(QueryParams("segment=Lost&tier=Top&recency_min=30")).words
        assert words == "Lost; value tier Top; last purchase at least 30 days ago"
        assert choice_of(QueryParams("")).words == "All customers"

    def test_every_bound_compares_a_column_that_scores_have(self):
        from serving.store import SCHEMA

        assert {column for column, *_ in BOUNDS.values()} <= set(SCHEMA.names)


class TestTerms:
    def test_they_are_put_on_a_list(self):
        terms = terms_of(QueryParams("top=50&cost=1,5&response=3&budget=200&hold=20"))
        found = terms.on(Definition(play="save"))
        assert found == Definition(play="save", top=50, contact=Contact(1.5, 0.03, 200.0), hold_back=0.2)

    def test_what_is_left_empty_stays_as_it_was(self):
        kept = Definition(play="save", top=9, hold_back=0.0)
        assert Terms().on(kept) == kept

    @pytest.mark.parametrize(
        "terms",
        [
            Terms(cost="1"),
            Terms(response="3"),
            Terms(budget="10"),
            Terms(hold="much"),
            Terms(top="x"),
            Terms(top="9" * 20),
        ],
    )
    def test_half_of_them_are_refused(self, terms):
        with pytest.raises(RegularsError):
            terms.on(Definition())
