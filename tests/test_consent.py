"""Consent: it is found whatever its column is called, and never lost."""

import shutil

import ibis
import pytest
from listed_store import listed_store, log_of, people_of

from regulars.errors import StoreError
from serving.exports import Delivery, export_list
from serving.listing.consent import consent_columns, consenting
from serving.listing.definition import Definition


@pytest.mark.parametrize(
    "name",
    [
        "consent",
        "Email Consent",
        "email-consent",
        "marketingConsent",
        "OPT_IN",
        "accepts_marketing",
        "Accepts Email Marketing",
        "Newsletter",
    ],
)
def test_a_column_of_consent_is_found_by_its_letters(name):
    assert consent_columns(["customer_id", name, "clv"]) == [name]


@pytest.mark.parametrize("name", ["subscribed", "consent_date", "accepts_sms_marketing", "newsletter_clicks"])
def test_other_columns_are_none(name):
    assert consent_columns([name]) == []


def test_all_columns_of_consent_must_agree():
    answers = {"id": list("abcd"), "consent": ["yes", "yes", "no", "yes"], "Newsletter": [True, False, True, None]}
    assert consenting(ibis.memtable(answers)).id.to_pyarrow().to_pylist() == ["a"]


def test_who_does_not_accept_marketing_is_not_exported(tmp_path):
    people = people_of(20).rename(columns={"consent": "Accepts Email Marketing"})
    store = listed_store(tmp_path / "store", people=people, log=log_of(20))
    found = export_list(store, Definition(hold_back=0.0), Delivery("everybody"), tmp_path / "list.csv")
    assert (found.rows, found.left_out) == (16, {"no_consent": 4})


@pytest.mark.parametrize("part", ["customers", "ledger"])
def test_a_store_that_has_lost_a_table_is_refused_rather_than_listed_without_consent(tmp_path, part):
    store = listed_store(tmp_path / "store", log=log_of(20))
    shutil.rmtree(store.folder / part)
    with pytest.raises(StoreError):
        export_list(store, Definition(), Delivery("everybody"), tmp_path / "list.csv")
    assert not (tmp_path / "list.csv").exists()
