"""The pages of lists: counts, files and saved lists agree, and only who may can change or take anything."""

import re
import sqlite3
from datetime import date

import pytest
from page_words import csrf, words
from pages_store import CUSTOMERS, shop
from web_server import running

from serving.listing.playbook import PLAYS
from serving.web.app import Settings

SECRET = "only for tests, only for tests, only for tests"
NEWEST = date(2026, 11, 1)


@pytest.fixture(scope="module")
def web(tmp_path_factory):
    store = shop(tmp_path_factory.mktemp("pages") / "store")
    with running(Settings(store.folder, SECRET, "£")) as server:
        yield server


@pytest.fixture(scope="module")
def ana(web):
    with web.signed_in("Ana") as client:
        yield client


@pytest.fixture(scope="module")
def scores(web):
    return web.app.state.reader.store.scores(NEWEST, 90).to_pandas().set_index("customer_id")


class TestLists:
    def test_every_play_says_how_many_it_holds_now(self, ana):
        page = words(ana.get("/lists"))
        for play in PLAYS:
            shown = re.search(rf"{play.name} (?:customers )?([\d,]+)", page)[1]
            assert re.search(rf"\b{shown} customers, CLV", words(ana.get(f"/lists/{play.slug}")))

    def test_a_count_a_page_and_a_file_hold_the_same_customers(self, ana, scores):
        filters = "segment=Champions&segment=Loyal&churn_max=60&value_min=10"
        chosen = scores[scores["segment"].isin(["Champions", "Loyal"])]
        chosen = chosen[(chosen["churn_probability"] <= 0.6) & (chosen["clv"] >= 10)]
        assert ana.get(f"/lists/count?{filters}").json()["customers"] == len(chosen)
        assert f"{len(chosen)} customers, CLV" in words(ana.get(f"/lists/custom?{filters}"))
        rows = ana.get(f"/lists/custom.csv?{filters}&hold=0").text.splitlines()
        consenting = {one for one in chosen.index if int(one[1:]) % 10}
        assert {row.split(",")[0].strip('"') for row in rows[1:]} == consenting
        silent = len(chosen) - len(consenting)
        assert f"{silent} of them have not consented" in words(ana.get(f"/lists/custom?{filters}"))

    def test_customers_are_held_back_unless_nobody_is_to_be(self, ana):
        whole = len(ana.get("/lists/custom.csv?hold=0").text.splitlines())
        shares = [len(ana.get("/lists/custom.csv?hold=50").text.splitlines()) for _ in range(2)]
        assert whole == 0.9 * CUSTOMERS + 1
        assert shares[0] == shares[1]
        assert 0.4 < shares[0] / whole < 0.6

    def test_a_download_is_written_down(self, web, ana):
        assert ana.get("/lists/win-back.csv").status_code == 200
        with sqlite3.connect(web.store / "service.db") as database:
            last = database.execute("select who, list, format, rows from exports order by id desc").fetchone()
        database.close()
        assert last[:3] == ("person Ana", "win-back", "csv")
        assert last[3] > 0

    def test_files_have_a_name_and_a_kind(self, ana):
        answer = ana.get("/lists/win-back.csv")
        assert answer.headers["content-type"].startswith("text/csv")
        assert 'filename="win-back-2026-11-01.csv"' in answer.headers["content-disposition"]
        assert ana.get("/lists/win-back.csv?format=parquet").content[:4] == b"PAR1"
        assert ana.get("/lists/win-back.csv?format=xls").status_code == 422

    def test_addresses_leave_only_with_who_may_see_customers(self, web):
        with web.client(["lists:read"]) as client:
            assert "Google" not in client.get("/lists/win-back").text
            assert client.get("/lists/win-back.csv?format=google").status_code == 403
        with web.client(["lists:read", "customers:read"]) as client:
            assert "Google" in client.get("/lists/win-back").text
            assert client.get("/lists/win-back.csv?format=google").status_code == 200

    def test_terms_of_contact_leave_those_who_pay(self, ana):
        page = words(ana.get("/lists/win-back?cost=1&response=3&budget=20"))
        assert re.search(r"\b\d+ customers, CLV", page)
        assert int(re.search(r"(\d+) customers, CLV", page)[1]) <= 20
        assert "Expected profit" in page

    def test_half_of_the_terms_are_asked_back(self, ana):
        page = ana.get("/lists/win-back?cost=1")
        assert "Give both the cost of a contact and the share who answer" in words(page)

    @pytest.mark.parametrize(
        "query", ["where=clv+%3E", "where=nonsense+%3D+1", "value_min=much", "tier=Best", "where=1%3D1%3B+drop+table+x"]
    )
    def test_a_filter_that_cannot_be_read_is_explained(self, ana, query):
        page = ana.get(f"/lists/custom?{query}")
        assert page.status_code == 422
        assert 'role="alert"' in page.text
        assert ana.get(f"/lists/count?{query}").status_code == 422

    def test_an_unknown_list_is_not_found(self, ana):
        for path in ("/lists/nothing", "/lists/nothing.csv", "/lists/..%2f..%2fetc", "/lists/a%00b"):
            assert ana.get(path).status_code == 404


class TestSaving:
    def test_a_filter_is_saved_opened_and_deleted(self, ana):
        page = ana.get("/lists/custom?tier=Top&top=5")
        form = {"csrf": csrf(page), "of": "custom", "tier": "Top", "top": "5", "name": "Best & few", "hold": "0"}
        saved = ana.post("/lists/save", data=form)
        assert (saved.status_code, saved.headers["location"]) == (303, "/lists/Best%20%26%20few")
        assert "5 customers, CLV" in words(ana.get("/lists/Best%20%26%20few"))
        assert "Best & few" in words(ana.get("/lists"))
        assert len(ana.get("/lists/Best%20%26%20few.csv").text.splitlines()) == 6
        assert ana.post("/lists/Best%20%26%20few/delete", data={"csrf": csrf(page)}).status_code == 303
        assert ana.get("/lists/Best%20%26%20few").status_code == 404

    def test_a_play_is_saved_on_other_terms(self, ana):
        form = {"csrf": csrf(ana.get("/lists")), "of": "win-back", "name": "Ten back", "top": "10"}
        ana.post("/lists/save", data=form)
        assert "10 customers, CLV" in words(ana.get("/lists/Ten%20back"))

    def test_without_the_fields_of_this_session_nothing_is_saved(self, web, ana):
        for sent in ({}, {"csrf": "0" * 64}):
            assert ana.post("/lists/save", data={"name": "Forged", **sent}).status_code == 403
            assert ana.post("/lists/Ten%20back/delete", data=sent).status_code == 403
        with web.signed_in("Bea") as other:
            stolen = csrf(other.get("/lists"))
        assert ana.post("/lists/save", data={"name": "Forged", "csrf": stolen}).status_code == 403
        assert "Forged" not in ana.get("/lists").text

    def test_who_may_only_read_cannot_save(self, web):
        with web.signed_in("Cid", ["lists:read"]) as reader:
            page = reader.get("/lists/win-back")
            assert "Save as" not in words(page)
            assert reader.post("/lists/save", data={"name": "No", "csrf": csrf(page)}).status_code == 403

    @pytest.mark.parametrize("name", ["custom", "Save", "win-back", "Win back", "", "a/b", "x" * 81])
    def test_a_name_that_would_lead_elsewhere_is_refused(self, ana, name):
        page = ana.get("/lists")
        assert ana.post("/lists/save", data={"csrf": csrf(page), "name": name}).status_code == 422


def test_nobody_on_a_list_is_said(ana):
    assert "Nobody is on this list now." in words(ana.get("/lists/custom?value_min=999999"))
