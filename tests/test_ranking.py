"""Ranking: what a definition says together holds together, and nobody is found by personal data."""

import pytest
from listed_store import listed_store

from regulars.errors import ExpressionError
from serving.listing.contact import Contact
from serving.listing.definition import Definition
from serving.listing.saved_lists import list_rows


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return listed_store(tmp_path_factory.mktemp("ranking") / "store")


def test_who_is_not_worth_a_contact_is_left_alone_within_the_segment_and_the_filter_only(store):
    dear = Contact(cost=1e6, response_rate=0.1)
    definition = Definition("leave-alone", ("Lost",), "frequency >= 2", contact=dear)
    found = list_rows(store, definition).to_pandas()
    assert len(found)
    assert set(found["segment"]) == {"Lost"}
    assert (found["frequency"] >= 2).all()


def test_terms_of_contact_put_on_the_list_whom_the_rule_does_not(store):
    ruled = list_rows(store, Definition("leave-alone")).to_pandas()
    found = list_rows(store, Definition("leave-alone", contact=Contact(1e6, 0.1))).to_pandas()
    assert len(found) > len(ruled)


@pytest.mark.parametrize(
    "definition",
    [Definition(where="email like 'user4%'"), Definition("win-back", where="EMAIL is null"), Definition(by="email")],
)
def test_personal_columns_can_neither_be_filtered_on_nor_ranked_by(store, definition):
    with pytest.raises(ExpressionError, match=r"(?i)email"):
        list_rows(store, definition)


def test_other_columns_of_the_customers_table_can(store):
    assert set(list_rows(store, Definition(where="country = 'GB'")).to_pandas()["country"]) == {"GB"}
