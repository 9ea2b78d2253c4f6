"""Access: nothing but a health check answers without a credential; each credential is good for what it says."""

import re
import sqlite3
import threading
import time
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from itsdangerous import URLSafeTimedSerializer
from web_server import PASSWORD, SECRET, Web, running

from benchmarks.made_up_store import make_store
from serving.storage.service import SERVICE
from serving.web.app import Limits, Settings
from serving.web.people import People
from serving.web.scopes import SCOPES
from serving.web.sessions import COOKIE, Sessions
from serving.web.tokens import Tokens

SCOPED = {
    "/api/v1/customers/C000000001": "customers:read",
    "/api/v1/lists": "lists:read",
    "/api/v1/lists/all?limit=1": "lists:read",
    "/api/v1/lists/all.csv": "lists:read",
    "/api/v1/segments": "economics:read",
    "/api/v1/economics": "economics:read",
    "/api/v1/model": "model:read",
}


@pytest.fixture(scope="module")
def web(tmp_path_factory) -> Web:
    folder = tmp_path_factory.mktemp("access") / "store"
    make_store(folder, 60)
    limits = Limits(burst=100_000, sign_in_burst=1_000)
    with running(Settings(folder, SECRET, limits=limits)) as web:
        yield web


class TestCredentials:
    def test_nothing_of_the_api_answers_without_one(self, web):
        with web.client() as known:
            described = known.get("/openapi.json").json()
        with web.client(None) as client:
            for path, ways in described["paths"].items():
                for method in ways:
                    asked = client.request(method, re.sub(r"\{\w+\}", "all", path))
                    assert asked.status_code == (200 if path == "/health" else 401), path
                    if path != "/health":
                        assert asked.headers["www-authenticate"].startswith("Bearer")
                        assert asked.json()["status"] == 401

    def test_nor_does_its_description(self, web):
        with web.client(None) as client:
            assert client.get("/openapi.json").status_code == 401
            assert client.get("/docs").status_code == 303
        with web.client(["model:read"]) as client:
            assert client.get("/openapi.json").status_code == 200
            assert client.get("/docs").status_code == 200

    @pytest.mark.parametrize(
        "path", ["/", "/lists", "/lists/win-back", "/lists/win-back.csv", "/customers/1", "/model"]
    )
    def test_pages_lead_to_the_form_and_back(self, web, path):
        with web.client(None) as client:
            sent = client.get(path)
        assert sent.status_code == 303
        assert sent.headers["location"].startswith("/sign-in")
        if path != "/":
            assert httpx.URL(sent.headers["location"]).params["next"] == path

    @pytest.mark.parametrize(
        "header",
        ["Bearer", "Bearer nonsense", "Basic YTpi", "nonsense", "Bearer regulars_" + "A" * 43],
    )
    def test_what_is_no_token_is_refused(self, web, header):
        with web.client(None) as client:
            assert client.get("/api/v1/lists", headers={"Authorization": header}).status_code == 401

    def test_a_token_of_another_store_is_refused(self, web, tmp_path):
        foreign = Tokens(tmp_path).create("crm", SCOPES)
        with web.client(None) as client:
            assert client.get("/api/v1/lists", headers={"Authorization": f"Bearer {foreign}"}).status_code == 401

    def test_a_revoked_token_is_worthless_from_the_next_request_on(self, web):
        with web.client(name="leaver") as client:
            assert client.get("/api/v1/lists").status_code == 200
            Tokens(web.store).revoke("leaver")
            assert client.get("/api/v1/lists").status_code == 401

    def test_an_expired_token_is_worthless(self, web):
        with web.client(name="late") as client:
            past = (datetime.now(UTC) - timedelta(seconds=1)).isoformat()
            with sqlite3.connect(web.store / SERVICE) as database:
                database.execute("update tokens set expires = ? where name = 'late'", [past])
            database.close()
            assert client.get("/api/v1/lists").status_code == 401

    def test_a_wrong_token_is_not_saved_by_a_good_session(self, web):
        with web.signed_in() as client:
            assert client.get("/api/v1/lists").status_code == 200
            assert client.get("/api/v1/lists", headers={"Authorization": "Bearer nonsense"}).status_code == 401

    @pytest.mark.parametrize("path", SCOPED)
    def test_a_credential_is_good_for_its_scopes_only(self, web, path):
        with web.client([SCOPED[path]]) as client:
            assert client.get(path).status_code in (200, 404)
        others = [scope for scope in SCOPES if scope != SCOPED[path]]
        with web.client(others) as client:
            refused = client.get(path)
        assert refused.status_code == 403
        assert SCOPED[path] in refused.json()["detail"]


class TestSessions:
    def test_a_name_and_a_password_open_the_pages(self, web):
        with web.signed_in() as client:
            assert client.get("/api/v1/segments").status_code == 200

    def test_so_does_a_token_with_its_own_scopes(self, web):
        token = Tokens(web.store).create("desk", ["model:read"])
        with web.client(None) as client:
            assert web.form(client, token=f" {token} ").status_code == 303
            assert client.get("/openapi.json").status_code == 200
            assert client.get("/api/v1/segments").status_code == 403

    def test_nobody_else_gets_in_and_is_told_no_more_than_that(self, web):
        People(web.store).create("Dora", PASSWORD, SCOPES)
        with web.client(None) as client:
            wrong = web.form(client, name="Dora", password=PASSWORD + "!")
            unknown = web.form(client, name="Nobody", password=PASSWORD)
            token = web.form(client, token="regulars_nonsense")
            assert {wrong.status_code, unknown.status_code, token.status_code} == {401}
            said = [re.sub(r'(name|next)="csrf" value="\w+"', "", page.text) for page in (wrong, unknown)]
            assert said[0] == said[1]
            assert COOKIE not in client.cookies

    def test_the_cookie_is_out_of_reach_of_scripts_and_of_other_sites(self, web):
        with web.client(None) as client:
            People(web.store).create("Eva", PASSWORD, SCOPES)
            cookie = web.form(client, name="Eva", password=PASSWORD).headers["set-cookie"]
        flags = {part.strip().casefold() for part in cookie.split(";")}
        assert {"httponly", "samesite=lax", "path=/", "max-age=43200"} <= flags
        assert "secure" not in flags

    def test_behind_https_it_is_sent_over_nothing_else(self, web):
        with web.client(None) as client:
            found = client.get("/sign-in", headers={"X-Forwarded-Proto": "https"})
        assert "secure" in found.headers["set-cookie"].casefold()
        assert found.headers["strict-transport-security"]

    def test_signing_out_ends_it_for_whoever_holds_a_copy(self, web):
        with web.signed_in("Frida") as client:
            copy = client.cookies[COOKIE]
            csrf = csrf_of(client)
            assert client.post("/sign-out", data={"csrf": csrf}).status_code == 303
            assert client.get("/api/v1/lists").status_code == 401
        with web.client(None) as thief:
            assert thief.get("/api/v1/lists", headers={"Cookie": f"{COOKIE}={copy}"}).status_code == 401

    def test_a_new_password_or_leaving_ends_all_of_somebody(self, web):
        with web.signed_in("Gerd") as client:
            People(web.store).create("Gerd", PASSWORD + "2", SCOPES)
            assert client.get("/api/v1/lists").status_code == 401
        with web.signed_in("Gerd") as client:
            People(web.store).remove("Gerd")
            assert client.get("/api/v1/lists").status_code == 401

    def test_revoking_a_token_ends_the_sessions_that_began_with_it_for_good(self, web):
        token = Tokens(web.store).create("shared", SCOPES)
        with web.client(None) as client:
            web.form(client, token=token)
            assert client.get("/api/v1/lists").status_code == 200
            Tokens(web.store).revoke("shared")
            assert client.get("/api/v1/lists").status_code == 401
            Tokens(web.store).create("shared", SCOPES)
            assert client.get("/api/v1/lists").status_code == 401

    def test_it_ends_by_itself(self, web, monkeypatch):
        with web.signed_in("Hugo") as client:
            now = time.time()
            monkeypatch.setattr("itsdangerous.timed.time.time", lambda: now + 12 * 3_600 - 60)
            assert client.get("/api/v1/lists").status_code == 200
            monkeypatch.setattr("itsdangerous.timed.time.time", lambda: now + 12 * 3_600 + 60)
            assert client.get("/api/v1/lists").status_code == 401

    def test_a_forged_cookie_is_none(self, web):
        fields = {"id": "x", "kind": "person", "name": "Anna", "proof": "y"}
        forged = URLSafeTimedSerializer("another secret", salt="regulars session").dumps(fields)
        with web.signed_in("Anna") as client:
            own = client.cookies[COOKIE]
        changed = [own[:-2] + ("AA" if own[-2:] != "AA" else "BB"), "x" + own, own.split(".")[0], "", "a.b.c", forged]
        with web.client(None) as client:
            for cookie in changed:
                assert client.get("/api/v1/lists", headers={"Cookie": f"{COOKIE}={cookie}"}).status_code == 401, cookie

    def test_even_who_knows_the_secret_cannot_skip_the_password(self, web):
        People(web.store).create("Ida", PASSWORD, SCOPES)
        fields = {"id": "x", "kind": "person", "name": "Ida", "proof": "0" * 32}
        signed = Sessions(Settings(web.store, SECRET))._signed.dumps(fields)
        with web.client(None) as client:
            assert client.get("/api/v1/lists", headers={"Cookie": f"{COOKIE}={signed}"}).status_code == 401

    def test_another_start_with_a_random_secret_ends_all_of_them(self, web):
        with web.signed_in("Jan") as client:
            cookie = client.cookies[COOKIE]
        with running(Settings(web.store)) as other, other.client(None) as client:
            assert client.get("/api/v1/lists", headers={"Cookie": f"{COOKIE}={cookie}"}).status_code == 401


class TestThrottle:
    def test_guessing_is_slowed_down_by_address_whatever_the_name(self, tmp_path):
        make_store(tmp_path / "store", 20)
        limits = Limits(sign_in_burst=3)
        with running(Settings(tmp_path / "store", limits=limits)) as web, web.client(None) as client:
            codes = [web.form(client, name=f"Name{i}", password="guess").status_code for i in range(4)]
            assert codes == [401, 401, 401, 429]

    def test_and_by_name_whatever_the_address(self, tmp_path):
        make_store(tmp_path / "store", 20)
        limits = Limits(sign_in_burst=3)
        with running(Settings(tmp_path / "store", limits=limits)) as web, web.client(None) as client:
            codes = []
            for i in range(4):
                client.headers["X-Forwarded-For"] = f"203.0.113.{i}"
                codes.append(web.form(client, name="Anna", password="guess").status_code)
            assert codes == [401, 401, 401, 429]
            client.headers["X-Forwarded-For"] = "203.0.113.9"
            assert web.form(client, name="Bert", password="guess").status_code == 401

    def test_a_caller_who_asks_too_often_is_told_when_to_ask_again(self, tmp_path):
        make_store(tmp_path / "store", 20)
        limits = Limits(rate_per_second=0.5, burst=5)
        with running(Settings(tmp_path / "store", limits=limits)) as web, web.client() as client, web.client() as other:
            answers = [client.get("/api/v1/lists") for _ in range(6)]
            assert [answer.status_code for answer in answers] == [200] * 5 + [429]
            assert answers[-1].headers["retry-after"] in ("1", "2")
            assert other.get("/api/v1/lists").status_code == 200

    def test_tokens_flow_back_in(self):
        from serving.web.limits import RateLimits

        now = [0.0]
        limits = RateLimits(2.0, 3, lambda: now[0])
        assert [limits.wait("a") for _ in range(3)] == [0.0] * 3
        assert limits.wait("a") == pytest.approx(0.5)
        now[0] += 0.5
        assert limits.wait("a") == 0.0
        now[0] += 100.0
        assert [limits.wait("a") == 0.0 for _ in range(4)] == [True] * 3 + [False]

    def test_counting_is_right_from_many_threads(self):
        from serving.web.limits import RateLimits

        limits, allowed = RateLimits(1e-9, 100), []
        threads = [
            threading.Thread(target=lambda: allowed.extend(limits.wait("a") == 0.0 for _ in range(50)))
            for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sum(allowed) == 100

    def test_callers_who_are_long_gone_are_forgotten(self, monkeypatch):
        from serving.web import limits as module

        monkeypatch.setattr(module, "MOST_CALLERS", 10)
        limits = module.RateLimits(1.0, 1)
        for i in range(100):
            limits.wait(f"caller {i}")
        assert len(limits._buckets) == 10


def csrf_of(client: httpx.Client) -> str:
    return client.get("/docs").text.split('name="csrf" value="')[1].split('"')[0]
