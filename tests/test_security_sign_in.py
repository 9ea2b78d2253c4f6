"""Signing in and what a session is good for: who guesses is slowed down, and no other site acts in one."""

import pytest
from web_server import PASSWORD, SECRET, Web, running

from benchmarks.made_up_store import make_store
from serving.web.app import Limits, Settings
from serving.web.people import People
from serving.web.scopes import SCOPES
from serving.web.sign_in import local
from serving.web.tokens import Tokens

DOWNLOADS = ("/lists/win-back.csv", "/api/v1/lists/win-back.csv", "/api/v1/lists/all.csv")


@pytest.fixture(scope="module")
def web(tmp_path_factory) -> Web:
    folder = tmp_path_factory.mktemp("sign-in") / "store"
    make_store(folder, 60)
    with running(Settings(folder, SECRET, limits=Limits(burst=100_000, sign_in_burst=4))) as web:
        yield web


@pytest.fixture(autouse=True)
def forgiven(web):
    """No test is slowed down for what another one did."""
    web.app.state.attempts._buckets.clear()


class TestThrottle:
    def test_a_token_under_somebodys_name_forgives_no_guesses(self, web):
        token = Tokens(web.store).create("insider", SCOPES)
        codes = []
        with web.client(None) as client:
            for i in range(5):
                client.headers["X-Forwarded-For"] = f"203.0.113.{i}"
                codes.append(web.form(client, name="Vera", password="guess").status_code)
                client.headers["X-Forwarded-For"] = f"198.51.100.{i}"
            with web.client(None) as own:
                assert web.form(own, name="Vera", token=token).status_code == 303
            client.headers["X-Forwarded-For"] = "203.0.113.9"
            codes.append(web.form(client, name="Vera", password="guess").status_code)
        assert codes == [401] * 4 + [429] * 2

    def test_signing_in_forgives_no_address(self, web):
        People(web.store).create("Wim", PASSWORD, SCOPES)
        with web.client(None) as client:
            codes = [web.form(client, name=f"Name{i}", password="guess").status_code for i in range(3)]
        with web.client(None) as client:
            assert web.form(client, name="Wim", password=PASSWORD).status_code == 303
        with web.client(None) as client:
            codes += [web.form(client, name=f"Name{i}", password="guess").status_code for i in (8, 9)]
        # It costs nothing to know the password, and gives no guess back.
        assert codes == [401] * 4 + [429]

    def test_tokens_share_no_bucket_but_that_of_their_address(self, web):
        token = Tokens(web.store).create("desk", SCOPES)
        for i in range(6):
            with web.client(None) as client:
                client.headers["X-Forwarded-For"] = f"203.0.113.{i}"
                assert web.form(client, token="regulars_nonsense").status_code == 401
        with web.client(None) as client:
            assert web.form(client, token=token).status_code == 303


class TestWayBack:
    @pytest.mark.parametrize("path", ["http://[", "//[", "/\\[", "http://a]b"])
    def test_what_is_no_address_leads_home(self, web, path):
        assert local(path) == "/"
        with web.client(None) as client:
            assert client.get("/sign-in", params={"next": path}).status_code == 200


class TestOtherSites:
    @pytest.mark.parametrize("path", DOWNLOADS)
    def test_they_cannot_have_a_list_downloaded(self, web, path):
        with web.signed_in() as client:
            assert client.get(path, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
            for site in ("same-origin", "same-site", "none"):
                assert client.get(path, headers={"Sec-Fetch-Site": site}).status_code == 200

    @pytest.mark.parametrize("path", DOWNLOADS)
    def test_a_token_is_nobodys_but_the_callers(self, web, path):
        with web.client() as client:
            assert client.get(path, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 200


class TestProxies:
    def test_a_password_of_a_proxy_signs_nobody_out(self, web):
        with web.signed_in() as client:
            client.headers["Authorization"] = "Basic cHJveHk6c2VjcmV0"
            assert client.get("/").status_code == 200
            assert client.get("/api/v1/lists").status_code == 200

    def test_nor_does_it_stand_for_the_proof_of_a_form(self, web):
        with web.signed_in() as client:
            client.headers["Authorization"] = "Basic cHJveHk6c2VjcmV0"
            assert client.post("/sign-out").status_code == 403
            assert client.get("/api/v1/lists").status_code == 200
