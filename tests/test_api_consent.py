"""Consent in the API: who does not consent is on no list, in whichever form it is asked for."""

import csv
import io

import pytest
from web_server import running

from benchmarks.made_up_store import make_store
from serving.listing.definition import Definition
from serving.listing.saved_lists import save_list
from serving.plays import PLAYS
from serving.web.app import Limits, Settings

CUSTOMERS = 400
PARTS = ("where=clv+%3E+0", "segment=Lost", "top=100", "where=churn_probability+%3C+1&by=monetary")


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    store = make_store(tmp_path_factory.mktemp("consent") / "store", CUSTOMERS)
    save_list(store, "everybody", Definition(where="clv >= 0"), "Anna")
    with running(Settings(store.folder, limits=Limits(burst=100_000))) as web, web.client() as client:
        yield client


@pytest.mark.parametrize("path", [*(play.slug for play in PLAYS), "everybody", *(f"all?{part}" for part in PARTS)])
def test_lists_and_parts_have_only_those_who_consent(client, path):
    page = client.get(f"/api/v1/lists/{path}", params={"limit": 1_000} if "?" not in path else None).json()
    assert {row["consent"] for row in page["rows"]} == ({"yes"} if page["customers"] else set())


@pytest.mark.parametrize("part", PARTS)
def test_so_do_parts_as_files(client, part):
    rows = list(csv.DictReader(io.StringIO(client.get(f"/api/v1/lists/all.csv?{part}").text)))
    assert {row["consent"] for row in rows} == {"yes"}


def test_they_are_not_counted_and_others_take_their_places(client):
    assert client.get("/api/v1/lists/everybody").json()["customers"] == 0.9 * CUSTOMERS
    assert client.get("/api/v1/lists/all?top=100").json()["customers"] == 100


@pytest.mark.parametrize("query", ["", "?by=expected_spend"])
def test_a_copy_of_the_scores_has_everybody(client, query):
    assert client.get(f"/api/v1/lists/all{query}").json()["customers"] == CUSTOMERS
    assert client.get(f"/api/v1/lists/all.csv{query}").text.count("\n") == CUSTOMERS + 1
