"""Acquisition cost: one amount, a file by channel, or a column of the customers table; refused where it is none."""

import pandas as pd
import pytest
from valued_store import ledger_of

from models.lifetime import Economics
from regulars.errors import RegularsError
from serving.storage.customer_table import known_customers
from serving.valuation.acquisition import find_acquisition
from serving.valuation.margins import Margins

PEOPLE = pd.DataFrame(
    {
        "customer_id": ["ann", "ben", "cyd"],
        "acquisition_channel": ["fair", "fair", None],
        "spent_on": [12.5, 30.0, None],
        "email": ["a@x.org", "b@x.org", "c@x.org"],
        "note": ["none", "some", "none"],
    }
)


def costs(economics, customers=PEOPLE):
    ledger = ledger_of(customers=customers)
    found = find_acquisition(ledger, economics)
    table = known_customers(ledger, Margins("none", None), found)
    return table.to_pandas().set_index("customer_id")["acquisition_cost"].dropna().to_dict(), found.notes(table)


def file_of(folder, text):
    path = folder / "costs.csv"
    path.write_text(text)
    return Economics(acquisition_cost=str(path))


def test_an_amount_is_what_everybody_cost():
    assert costs(Economics(acquisition_cost=12.5))[0] == {"ann": 12.5, "ben": 12.5, "cyd": 12.5, "dee": 12.5}


def test_a_file_says_it_by_channel_and_a_channel_that_is_not_there_is_said(tmp_path):
    found, notes = costs(file_of(tmp_path, "channel,cost\nfair,40\nweb,10.5\n"))
    assert found == {"ann": 40.0, "ben": 40.0, "dee": 10.5}
    assert len(notes) == 1
    assert "no cost for channel unknown (1 customers)" in notes[0]


def test_the_channel_of_the_log_counts_where_the_customers_table_has_none(tmp_path):
    found, _ = costs(file_of(tmp_path, "channel,cost\nweb,10\nshop,3\n"), customers=None)
    assert found == {"ann": 10.0, "ben": 3.0, "dee": 10.0}


def test_a_column_of_the_customers_table_says_it_by_customer():
    assert costs(Economics(acquisition_cost="spent_on"))[0] == {"ann": 12.5, "ben": 30.0}


def test_a_column_that_is_called_like_it_is_used_without_being_named():
    people = PEOPLE.rename(columns={"spent_on": "acquisition_cost"})
    assert costs(Economics(), people)[0] == {"ann": 12.5, "ben": 30.0}
    assert costs(Economics(acquisition_cost=5.0), people)[0]["cyd"] == 5.0


def test_without_any_nobodys_cost_is_known():
    assert costs(Economics()) == ({}, ())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("channel,cost\nfair,-1\n", ["-1", "'fair'", "below 0"]),
        ("channel,cost\nfair,much\n", ["'much'", "'fair'"]),
        ("channel,price\nfair,1\n", ["no column cost", "channel, price"]),
        ("channel,cost\nfair,1\nfair,2\n", ["'fair'", "more than once"]),
    ],
)
def test_a_file_that_cannot_be_meant_is_refused_with_its_name_and_row(tmp_path, text, said):
    with pytest.raises(RegularsError) as refusal:
        costs(file_of(tmp_path, text))
    assert all(part in str(refusal.value) for part in ["--acquisition-cost", "costs.csv", *said]), refusal.value


def test_a_name_that_is_neither_file_nor_column_is_answered_with_the_columns_there_are_but_no_personal_ones():
    with pytest.raises(RegularsError) as refusal:
        costs(Economics(acquisition_cost="budget"))
    assert all(part in str(refusal.value) for part in ["'budget'", "acquisition_channel, spent_on, note"])
    assert "email" not in str(refusal.value)
    with pytest.raises(RegularsError, match="--customers TABLE"):
        costs(Economics(acquisition_cost="budget"), customers=None)


@pytest.mark.parametrize(
    ("column", "said"),
    [("note", ["note", "'none' of customer ann"]), ("spent_on", ["spent_on", "-3 of customer ben"])],
)
def test_a_column_that_holds_no_costs_is_refused_with_its_first_row(column, said):
    people = PEOPLE.assign(spent_on=[12.5, -3.0, None])
    with pytest.raises(RegularsError) as refusal:
        costs(Economics(acquisition_cost=column), people)
    assert all(part in str(refusal.value) for part in said), refusal.value


@pytest.mark.parametrize("cost", [-1.0, float("nan"), float("inf")])
def test_an_amount_that_is_none_is_refused(cost):
    with pytest.raises(RegularsError, match="acquisition cost"):
        Economics(acquisition_cost=cost)
