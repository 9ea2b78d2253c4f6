"""The API: scores of a customer, lists page by page and as CSV, segments, economics, the model; and what it refuses."""

import csv
import io
import json
import sqlite3
from datetime import date, timedelta

import pytest
from web_server import Web, running

from benchmarks.made_up_store import AS_OF, HORIZON_DAYS, make_store
from serving.listing.definition import Cap, Definition
from serving.listing.saved_lists import save_list
from serving.storage.service import SERVICE
from serving.store import SCHEMA, Store
from serving.web.app import Limits, Settings
from serving.web.problems import MEDIA_TYPE

CUSTOMERS = 400
EARLIER = AS_OF - timedelta(days=30)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    store = make_store(tmp_path_factory.mktemp("api") / "store", CUSTOMERS, scorings=2)
    card = store.card("1", HORIZON_DAYS)
    card.mkdir(parents=True)
    (card / "facts.json").write_text('{"rows": 12, "mae": NaN}')
    (card / "model_card.md").write_text("# Model 1\nTrained on § 12 rows.\n", encoding="utf-8")
    save_list(store, "Früh 2026", Definition(segment=("At Risk",), hold_back=0.25), "Anna")
    save_list(store, "capped", Definition(where="clv > 0", cap=Cap(1, 30)), "Anna")
    return store


@pytest.fixture(scope="module")
def web(store) -> Web:
    with running(Settings(store.folder, limits=Limits(burst=100_000))) as web:
        yield web


@pytest.fixture(scope="module")
def client(web):
    with web.client() as client:
        yield client


def frame(store: Store, as_of: date = AS_OF):
    return store.scores(as_of).to_pyarrow().to_pandas(date_as_object=False).set_index("customer_id")


def consenting(scores):
    return scores[scores.index.str[-1] != "0"]


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


class TestCustomer:
    def test_the_newest_score_is_that_of_the_store(self, client, store):
        known = frame(store).iloc[7]
        found = client.get(f"/api/v1/customers/{known.name}").json()
        assert found["customer_id"] == known.name
        assert len(found["scores"]) == 1
        score = found["scores"][0]
        assert set(score) == {*SCHEMA.names, "discounted_revenue"}
        for name in ("expected_spend", "churn_probability", "clv", "r_score", "segment"):
            assert score[name] == known[name]
        assert score["as_of"] == AS_OF.isoformat()
        assert score["scored_at"] == "2026-11-01T04:00:00.000000Z"
        assert score["reasons"] == list(known.reasons)

    def test_history_is_every_as_of_date_newest_first(self, client):
        scores = client.get("/api/v1/customers/C000000007?history=1").json()["scores"]
        assert [score["as_of"] for score in scores] == [AS_OF.isoformat(), EARLIER.isoformat()]

    def test_an_as_of_date_can_be_chosen(self, client):
        scores = client.get("/api/v1/customers/C000000007", params={"as_of": EARLIER.isoformat()}).json()["scores"]
        assert [score["as_of"] for score in scores] == [EARLIER.isoformat()]

    @pytest.mark.parametrize(
        ("since", "days"),
        [
            (AS_OF.isoformat(), 1),
            (EARLIER.isoformat(), 2),
            ("2026-11-01T03:59:59Z", 1),
            ("2026-11-01T05:00:00+01:00", 0),
            ("2030-01-01", 0),
        ],
    )
    def test_since_leaves_only_what_is_newer(self, client, since, days):
        found = client.get("/api/v1/customers/C000000007", params={"history": 1, "since": since})
        assert found.status_code == 200
        assert len(found.json()["scores"]) == days

    @pytest.mark.parametrize("name", ["nobody", "C000000007 ", "c000000007", "a/b", "%25", "' or 1=1 --", "é"])
    def test_whom_the_store_does_not_know_is_not_found(self, client, name):
        found = client.get(f"/api/v1/customers/{name}")
        assert found.status_code == 404
        assert found.headers["content-type"] == MEDIA_TYPE


class TestLists:
    def test_the_catalogue_has_everybody_the_plays_and_what_was_saved(self, client):
        lists = client.get("/api/v1/lists").json()["lists"]
        kinds = {one["name"]: one["kind"] for one in lists}
        assert kinds["all"] == "all"
        assert kinds["win-back"] == "play"
        assert kinds["Früh 2026"] == "saved"
        for one in lists:
            assert client.get(one["rows"]).status_code == 200, one
            assert client.get(one["csv"]).status_code == 200, one

    def test_pages_end_to_end_are_the_list_in_order(self, client, store):
        query = {"where": "churn_probability < 0.9", "by": "expected_spend", "limit": 60}
        pages, cursor = [], None
        while True:
            page = client.get("/api/v1/lists/all", params=query | ({"cursor": cursor} if cursor else {})).json()
            pages.append(page)
            cursor = page["next"]
            if cursor is None:
                break
        found = [row["customer_id"] for page in pages for row in page["rows"]]
        known = consenting(frame(store)).query("churn_probability < 0.9").reset_index()
        ordered = known.sort_values(["expected_spend", "customer_id"], ascending=[False, True])
        assert found == list(ordered["customer_id"])
        assert {page["customers"] for page in pages} == {len(known)}
        assert [len(page["rows"]) for page in pages[:-1]] == [60] * (len(pages) - 1)

    @pytest.mark.parametrize("by", ["next_order_date", "r_score", "payback_months", "scored_at"])
    def test_pages_hold_where_many_are_alike_or_missing(self, client, by):
        found, cursor = [], None
        while True:
            page = client.get(
                "/api/v1/lists/all", params={"by": by, "limit": 90} | ({"cursor": cursor} if cursor else {})
            ).json()
            found += [row["customer_id"] for row in page["rows"]]
            cursor = page["next"]
            if cursor is None:
                break
        assert len(found) == len(set(found)) == CUSTOMERS

    def test_top_ends_the_pages(self, client):
        first = client.get("/api/v1/lists/all?top=25&limit=20").json()
        second = client.get("/api/v1/lists/all", params={"top": 25, "limit": 20, "cursor": first["next"]}).json()
        assert (len(first["rows"]), len(second["rows"]), second["next"], second["customers"]) == (20, 5, None, 25)

    def test_segments_are_understood_as_people_write_them(self, client, store):
        page = client.get("/api/v1/lists/all?segment=at%20risk&segment=LOST&limit=1000").json()
        assert {row["segment"] for row in page["rows"]} == {"At Risk", "Lost"}
        assert page["customers"] == int(consenting(frame(store))["segment"].isin(["At Risk", "Lost"]).sum())

    def test_a_play_has_reasons(self, client):
        rows = client.get("/api/v1/lists/win-back?limit=3").json()["rows"]
        assert rows
        assert all("Gone for" in row["reason"] for row in rows)

    def test_rows_hold_no_personal_data(self, client):
        row = client.get("/api/v1/lists/all?limit=1").json()["rows"][0]
        assert "country" in row
        assert not {"email", "phone", "first_name", "last_name"} & set(row)

    @pytest.mark.parametrize("query", [{"where": "email like 's%'"}, {"where": "last_name is null"}, {"by": "phone"}])
    def test_personal_data_cannot_be_asked_about(self, client, query):
        refused = client.get("/api/v1/lists/all", params=query)
        assert refused.status_code == 422
        assert "There is no column" in refused.json()["detail"]

    def test_only_all_takes_a_filter(self, client):
        assert client.get("/api/v1/lists/win-back?top=3").status_code == 422

    def test_a_cursor_belongs_to_its_list_and_parameters(self, client):
        cursor = client.get("/api/v1/lists/all?limit=2").json()["next"]
        for query in ({"limit": 2, "by": "monetary"}, {"limit": 2, "top": 50}):
            assert client.get("/api/v1/lists/all", params=query | {"cursor": cursor}).status_code == 422
        assert client.get("/api/v1/lists/win-back", params={"cursor": cursor}).status_code == 422
        for wrong in ("", "abc", "e30", cursor[:-4], "W10", "ü"):
            assert client.get("/api/v1/lists/all", params={"cursor": wrong}).status_code == 422

    def test_since_the_last_scoring_there_is_nothing(self, client):
        last = client.get("/api/v1/lists/all?limit=1").json()["rows"][0]["scored_at"]
        page = client.get("/api/v1/lists/all", params={"since": last}).json()
        assert (page["rows"], page["customers"], page["next"]) == ([], 0, None)


class TestCsv:
    def test_everybody_is_in_it_best_first(self, client, store):
        rows = rows_of(client.get("/api/v1/lists/all.csv").text)
        ordered = frame(store).reset_index().sort_values(["clv", "customer_id"], ascending=[False, True])
        assert [row["customer_id"] for row in rows] == list(ordered["customer_id"])
        assert float(rows[0]["clv"]) == ordered["clv"].iloc[0]

    def test_a_filter_is_the_same_as_for_json(self, client):
        query = {"where": "clv > 100", "top": 30}
        rows = rows_of(client.get("/api/v1/lists/all.csv", params=query).text)
        page = client.get("/api/v1/lists/all", params=query | {"limit": 100}).json()
        assert [row["customer_id"] for row in rows] == [row["customer_id"] for row in page["rows"]]

    def test_every_download_is_written_down(self, web, store):
        with web.client(name="auditor") as client:
            taken = rows_of(client.get("/api/v1/lists/all.csv?top=17").text)
            saved = rows_of(client.get("/api/v1/lists/Früh 2026.csv").text)
        with sqlite3.connect(store.folder / SERVICE) as database:
            known = database.execute(
                "select list, rows, definition, as_of from exports where who = 'token auditor' order by id"
            ).fetchall()
        database.close()
        assert [(name, rows) for name, rows, *_ in known] == [("all", len(taken)), ("Früh 2026", len(saved))]
        assert json.loads(known[0][2])["top"] == 17
        assert known[0][3] == AS_OF.isoformat()

    def test_a_saved_list_leaves_without_those_held_back_or_without_consent(self, client, store):
        on_list = client.get("/api/v1/lists/Früh 2026?limit=1000").json()["rows"]
        rows = rows_of(client.get("/api/v1/lists/Früh 2026.csv").text)
        assert {row["consent"] for row in [*on_list, *rows]} == {"yes"}
        assert {row["customer_id"] for row in rows} < {row["customer_id"] for row in on_list}
        assert 0.5 * len(on_list) < len(rows) < len(on_list)

    def test_a_look_and_a_copy_contact_nobody(self, client, store):
        def contacts() -> int:
            with sqlite3.connect(store.folder / SERVICE) as database:
                found = database.execute("select count(*) from contacts").fetchone()[0]
            database.close()
            return int(found)

        before = contacts()
        client.get("/api/v1/lists/save")
        client.get("/api/v1/lists/all.csv")
        assert contacts() == before
        client.get("/api/v1/lists/win-back.csv")
        assert contacts() > before

    def test_nothing_new_is_a_file_without_rows(self, client):
        for name in ("all", "save"):
            found = client.get(f"/api/v1/lists/{name}.csv", params={"since": "2027-01-01"})
            assert found.status_code == 200
            assert found.text.startswith('"customer_id"')
            assert rows_of(found.text) == []

    def test_a_wrong_filter_is_an_error_and_no_broken_file(self, client):
        refused = client.get("/api/v1/lists/all.csv?where=clv+%3E")
        assert refused.status_code == 422
        assert refused.headers["content-type"] == MEDIA_TYPE


class TestFreshness:
    @pytest.mark.parametrize(
        "path",
        [
            "/api/v1/customers/C000000007",
            "/api/v1/lists",
            "/api/v1/lists/all?top=3",
            "/api/v1/lists/save.csv",
            "/api/v1/segments",
            "/api/v1/economics",
            "/api/v1/model",
        ],
    )
    def test_what_the_caller_has_is_not_sent_again(self, client, path):
        tag = client.get(path).headers["etag"]
        for sent in (tag, f"W/{tag}", f'"other", {tag}'):
            again = client.get(path, headers={"If-None-Match": sent})
            assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
        assert client.get(path, headers={"If-None-Match": '"other"'}).status_code == 200

    def test_other_questions_have_other_tags(self, client):
        paths = ["/api/v1/lists/all?top=3", "/api/v1/lists/all?top=4", "/api/v1/lists/save", "/api/v1/segments"]
        assert len({client.get(path).headers["etag"] for path in paths}) == len(paths)

    def test_a_list_saved_anew_has_another_tag(self, client, store):
        save_list(store, "moving", Definition(where="clv > 10"))
        before = client.get("/api/v1/lists/moving").headers["etag"]
        save_list(store, "moving", Definition(where="clv > 100"))
        after = client.get("/api/v1/lists/moving", headers={"If-None-Match": before})
        assert after.status_code == 200
        assert after.headers["etag"] != before

    def test_what_a_cap_leaves_over_is_never_called_unchanged(self, client):
        assert "etag" not in client.get("/api/v1/lists/capped.csv").headers

    def test_scoring_again_gives_new_answers_and_ends_old_cursors(self, tmp_path):
        store = make_store(tmp_path / "store", 50)
        with running(Settings(store.folder)) as web, web.client() as client:
            page = client.get("/api/v1/lists/all?limit=2")
            cursor, tag = page.json()["next"], page.headers["etag"]
            scores = store.scores()
            better = scores.mutate(clv=scores.clv + 1.0).to_pyarrow().cast(SCHEMA)
            store.write(better.to_batches(), AS_OF, HORIZON_DAYS)
            web.app.state.reader.settle()
            again = client.get("/api/v1/lists/all?limit=2", headers={"If-None-Match": tag})
            assert again.status_code == 200
            assert again.json()["rows"][0]["clv"] == pytest.approx(page.json()["rows"][0]["clv"] + 1.0)
            old = client.get("/api/v1/lists/all", params={"limit": 2, "cursor": cursor})
            assert old.status_code == 409
            assert "begin again" in old.json()["detail"]


class TestMoney:
    def test_segments_say_who_they_are_and_what_they_are_worth(self, client, store):
        found = client.get("/api/v1/segments").json()
        known = frame(store)
        assert sum(one["customers"] for one in found["segments"]) == CUSTOMERS
        for one in found["segments"]:
            assert one["clv"] == pytest.approx(known.query("segment == @one['segment']")["clv"].sum())
            assert one["meaning"]
            assert one["action"]

    def test_economics_come_by_channel_cohort_and_tier(self, client):
        found = client.get("/api/v1/economics").json()
        assert found["basis"] == "margin"
        for group in ("channels", "cohorts", "value_tiers"):
            assert sum(one["customers"] for one in found[group]) == CUSTOMERS
        assert [one["top_share"] for one in found["concentration"]] == [0.01, 0.05, 0.1, 0.2]
        assert found["textbook"]

    def test_without_a_margin_nothing_is_called_lifetime_value(self, tmp_path):
        store = make_store(tmp_path / "store", 60, margin=None)
        with running(Settings(store.folder)) as web, web.client() as client:
            row = client.get("/api/v1/lists/all?limit=1").json()["rows"][0]
            score = client.get(f"/api/v1/customers/{row['customer_id']}").json()["scores"][0]
            segment = client.get("/api/v1/segments").json()["segments"][0]
            header = client.get("/api/v1/lists/all.csv").text.partition("\n")[0]
        for found in (row, score, segment):
            assert found["clv"] is None
            assert found["discounted_revenue"] > 0
        assert row["lifetime_value"] is None
        assert '"clv"' not in header
        assert '"discounted_revenue"' in header


class TestModel:
    def test_facts_and_card(self, client):
        assert client.get("/api/v1/model").json() == {
            "model_version": "1",
            "horizon_days": HORIZON_DAYS,
            "facts": {"rows": 12, "mae": None},
        }
        card = client.get("/api/v1/model", headers={"Accept": "text/markdown"})
        assert card.headers["content-type"].startswith("text/markdown")
        assert card.text.startswith("# Model 1")
        assert "§" in card.text

    def test_a_store_without_the_card_says_so(self, tmp_path):
        store = make_store(tmp_path / "store", 20)
        with running(Settings(store.folder)) as web, web.client() as client:
            missing = client.get("/api/v1/model")
        assert missing.status_code == 404
        assert "no card of model version 1" in missing.json()["detail"]


class TestRefusals:
    @pytest.mark.parametrize(
        "path",
        [
            "/api/v1/lists/all?wher=clv",
            "/api/v1/lists/all?limit=0",
            "/api/v1/lists/all?limit=1001",
            "/api/v1/lists/all?top=0",
            "/api/v1/lists/all?where=",
            "/api/v1/lists/all?where=nope%20%3E%201",
            "/api/v1/lists/all?where=segment%20%3D%20%27a%00b%27",
            "/api/v1/lists/all?segment=Nobody",
            "/api/v1/lists/all?by=segment",
            "/api/v1/lists/all?since=yesterday",
            "/api/v1/lists/all?since=1700000000",
            "/api/v1/segments?as_of=20261101",
            "/api/v1/segments?as_of=1",
            "/api/v1/segments?horizon=0",
        ],
    )
    def test_what_cannot_be_read_is_named(self, client, path):
        refused = client.get(path)
        assert refused.status_code == 422
        assert refused.headers["content-type"] == MEDIA_TYPE
        problem = refused.json()
        assert problem["status"] == 422
        assert problem["detail"]
        assert problem["instance"] == path.partition("?")[0]

    @pytest.mark.parametrize("query", ["as_of=2020-01-01", "horizon=30"])
    def test_scores_that_are_not_held_are_not_found(self, client, query):
        missing = client.get(f"/api/v1/segments?{query}")
        assert missing.status_code == 404
        assert f"{AS_OF} for {HORIZON_DAYS} days" in missing.json()["detail"]

    def test_a_store_that_is_gone_is_no_defect_and_tells_nothing_of_the_machine(self, tmp_path):
        with running(Settings(tmp_path / "store")) as web:
            (tmp_path / "store").mkdir()
            with web.client() as client:
                for path in ("/health", "/api/v1/segments"):
                    missing = client.get(path)
                    assert missing.status_code == 503
                    assert str(tmp_path) not in missing.text

    def test_methods_that_are_none(self, client):
        refused = client.post("/api/v1/lists", json={})
        assert refused.status_code == 405
        assert refused.headers["allow"] == "GET"
        assert refused.headers["content-type"] == MEDIA_TYPE
