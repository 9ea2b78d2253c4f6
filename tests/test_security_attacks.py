"""The usual attacks: each fails, and each succeeds as soon as the guard that is named beside it is taken away.

An attack is a function that returns whether it succeeded; taking the guard away is another. So a guard that is lost, or
that was never what stopped the attack, fails a test here.
"""

import csv
import io
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from urllib.parse import quote

import pyarrow as pa
import pytest
from itsdangerous import URLSafeTimedSerializer
from web_server import PASSWORD, SECRET, Web, running

import serving.exports.cells
import serving.listing.ranking
import serving.listing.saved_lists
import serving.web.access
import serving.web.api.downloads
import serving.web.download
import serving.web.guard
import serving.web.people
import serving.web.sessions
import serving.web.sign_in
from benchmarks.made_up_store import AS_OF, HORIZON_DAYS, make_store
from regulars.errors import RegularsError
from serving.listing.definition import Definition
from serving.listing.saved_lists import save_list
from serving.storage.service import service
from serving.store import SCHEMA, Store
from serving.web.access import check_csrf
from serving.web.app import Limits, Settings
from serving.web.limits import RateLimits
from serving.web.people import People
from serving.web.scopes import SCOPES
from serving.web.sessions import COOKIE, proof_of
from serving.web.tokens import Token, Tokens

SCRIPT, FORMULA = "<script>alert(1)</script>", '=HYPERLINK("https://evil.example")'
ODD = (SCRIPT, FORMULA, "@SUM(1+1)", "+1", "-1", "\uff1d1+1", "a,b", 'a"b', "'; drop table scores; --", "ü/..\\%00")
LONG_BODY = 100_000


@pytest.fixture(scope="module")
def web(tmp_path_factory) -> Iterator[Web]:
    """A server over a store in which some customers have odd ids."""
    patch = pytest.MonkeyPatch()
    store = make_store(tmp_path_factory.mktemp("attacks") / "store", 60)
    # Passwords are hashed often here, and that they are hashed slowly is looked at elsewhere.
    patch.setattr(serving.web.people, "COST", 2**10)
    scores = store.scores().order_by("customer_id").to_pyarrow().select(SCHEMA.names).cast(SCHEMA)
    ids = [*ODD, *scores["customer_id"].to_pylist()[len(ODD) :]]
    scores = scores.set_column(0, SCHEMA.field("customer_id"), pa.array(ids))
    store.write(scores.to_batches(), AS_OF, HORIZON_DAYS)
    with running(Settings(store.folder, SECRET, limits=Limits(burst=40, rate_per_second=0.01))) as web:
        yield web
    patch.undo()


@pytest.fixture(autouse=True)
def forgiven(web):
    """No test is slowed down for what another one did."""
    web.app.state.rates._buckets.clear()
    web.app.state.attempts._buckets.clear()
    yield
    web.app.dependency_overrides.clear()
    web.app.state.templates.cache.clear()


# Attacks.


def a_form_of_another_site(web: Web) -> bool:
    with web.signed_in() as victim:
        return victim.post("/sign-out", headers={"Origin": "https://evil.example"}).status_code == 303


def a_form_with_the_secret_of_somebody_else(web: Web) -> bool:
    with web.signed_in("Mallory") as attacker, web.signed_in() as victim:
        csrf = attacker.get("/docs").text.split('name="csrf" value="')[1].split('"')[0]
        return victim.post("/sign-out", data={"csrf": csrf}).status_code == 303


def signing_in_leads_elsewhere(web: Web) -> bool:
    People(web.store).create("Anna", PASSWORD, SCOPES)
    found = []
    for path in (
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "/\t/evil.example",
    ):
        with web.client(None) as client:
            location = web.form(client, name="Anna", password=PASSWORD, next=path).headers["location"]
            found.append(location not in ("/", ""))
    return any(found)


def a_session_that_was_signed_elsewhere(web: Web) -> bool:
    people = People(web.store)
    people.create("Anna", PASSWORD, SCOPES)
    fields = {"id": "x", "kind": "person", "name": "Anna", "proof": proof_of(people.named("Anna").hash)}
    return answers(web, URLSafeTimedSerializer("guessed", salt="regulars session").dumps(fields))


def a_session_from_before_the_new_password(web: Web) -> bool:
    with web.signed_in("Bert") as client:
        People(web.store).create("Bert", PASSWORD + "2", SCOPES)
        return client.get("/api/v1/lists").status_code == 200


def a_session_that_was_ended(web: Web) -> bool:
    with web.signed_in() as client:
        copy = client.cookies[COOKIE]
        csrf = client.get("/docs").text.split('name="csrf" value="')[1].split('"')[0]
        client.post("/sign-out", data={"csrf": csrf})
    return answers(web, copy)


def a_revoked_token(web: Web) -> bool:
    with web.client(name=f"revoked {datetime.now(UTC).timestamp()}") as client:
        Tokens(web.store).revoke(Tokens(web.store).all()[-1].name)
        return client.get("/api/v1/lists").status_code == 200


def an_expired_token(web: Web) -> bool:
    with web.client(name=f"late {datetime.now(UTC).timestamp()}") as client:
        with service(web.store) as database:
            database.execute("update tokens set expires = '2020-01-01T00:00:00+00:00' where name like 'late %'")
        return client.get("/api/v1/lists").status_code == 200


def a_token_of_too_little_scope(web: Web) -> bool:
    with web.client(["model:read"]) as client:
        return client.get("/api/v1/lists/all?limit=1").status_code == 200


def a_token_of_another_store(web: Web) -> bool:
    with web.client(None) as client:
        foreign = "regulars_" + "A" * 43
        return client.get("/api/v1/lists", headers={"Authorization": f"Bearer {foreign}"}).status_code == 200


def sql_in_a_filter(web: Web) -> bool:
    filters = [
        "(select count(*) from read_text('/etc/hostname')) = 1",
        "customer_id in (select customer_id from duckdb_tables())",
        "1 = 1); select 1; --",
        "length(getenv('HOME')) > 0",
    ]
    with web.client() as client:
        return any(client.get("/api/v1/lists/all", params={"where": text}).status_code == 200 for text in filters)


def asking_about_addresses(web: Web) -> bool:
    with web.client(["lists:read"]) as client:
        found = client.get("/api/v1/lists/all", params={"where": "email like 'someone42@%'"})
    return found.status_code == 200 and found.json()["customers"] == 1


def a_script_in_an_address(web: Web) -> bool:
    with web.client(None) as client:
        return SCRIPT in client.get("/sign-in", params={"next": f'/">{SCRIPT}'}).text


def a_script_in_a_customers_id(web: Web) -> bool:
    with web.signed_in() as client:
        pages = [client.get(f"/customers/{quote(SCRIPT, safe='')}"), client.get("/customers", params={"q": SCRIPT})]
    assert any("&lt;script&gt;alert" in page.text or SCRIPT in page.text for page in pages)
    return any(SCRIPT in page.text for page in pages)


def a_formula_in_a_csv(web: Web) -> bool:
    with web.client() as client:
        rows = list(csv.reader(io.StringIO(client.get("/api/v1/lists/all.csv").text)))
    ids = {row[0] for row in rows[1:]}
    assert {name.lstrip("'") for name in ids} >= {name for name in ODD if not name.startswith("'")}
    return any(cell.startswith(("=", "@", "+", "-", "\uff1d")) and not is_number(cell) for row in rows for cell in row)


def a_path_as_the_name_of_a_list(web: Web) -> bool:
    try:
        save_list(Store(web.store), "../../etc/passwd", Definition())
    except RegularsError:
        return False
    return True


def a_body_that_fills_the_memory(web: Web) -> bool:
    with web.client(None) as client:
        whole = client.post("/sign-in", data={"name": "x" * LONG_BODY})
        pieces = client.post(
            "/sign-in",
            content=(b"x" * 1_000 for _ in range(LONG_BODY // 1_000)),
            headers={"Content-Type": "application/x-www-form-urlencoded"},
        )
    return 413 not in (whole.status_code, pieces.status_code)


def a_second_name_in_a_header(web: Web) -> bool:
    name = 'x"; filename="evil.exe'
    with service(web.store) as database:
        database.execute("insert or replace into lists values (?, ?, '', '')", [name, Definition().to_json()])
    with web.client() as client:
        found = client.get(f"/api/v1/lists/{quote(name, safe='')}.csv")
    assert found.status_code == 200
    return 'filename="evil.exe' in found.headers["content-disposition"]


def guessing_passwords(web: Web) -> bool:
    with web.client(None) as client:
        return {web.form(client, name="Anna", password=f"guess {i}").status_code for i in range(8)} == {401}


def asking_without_end(web: Web) -> bool:
    with web.client() as client:
        return {client.get("/api/v1/lists").status_code for _ in range(60)} == {200}


def a_page_in_a_frame_or_with_a_script_inside(web: Web) -> bool:
    with web.client() as client:
        found = [client.get(path) for path in ("/health", "/docs", "/api/v1/lists/nope", "/static/style.css", "/nope")]
    policies = [response.headers.get("content-security-policy", "") for response in found]
    safe = [
        "frame-ancestors 'none'" in policy and "default-src 'none'" in policy and "unsafe" not in policy
        for policy in policies
    ]
    return not all(safe)


def a_cookie_that_scripts_can_read(web: Web) -> bool:
    People(web.store).create("Anna", PASSWORD, SCOPES)
    with web.client(None) as client:
        sent = web.form(client, name="Anna", password=PASSWORD).headers["set-cookie"].casefold()
    return not ("httponly" in sent and "samesite=lax" in sent)


# What takes their guards away.


def no_form_check(web: Web, patch: pytest.MonkeyPatch) -> None:
    web.app.dependency_overrides[check_csrf] = lambda: None


def any_way_back(web: Web, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(serving.web.sign_in, "local", lambda path: path)


def no_signature(web: Web, patch: pytest.MonkeyPatch) -> None:
    patch.setattr("itsdangerous.signer.Signer.verify_signature", lambda *given: True)


def no_proof(web: Web, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(serving.web.access, "proof_of", lambda stored: "")
    patch.setattr(serving.web.sign_in, "proof_of", lambda stored: "")


def no_memory_of_endings(web: Web, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(serving.web.sessions.Sessions, "end", lambda *given: None)


def no_state(web: Web, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Token, "state", lambda self, now: "valid")


def no_scopes(web: Web, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(serving.web.access, "_allowed", lambda request, found, scope: found)


def any_token(web: Web, patch: pytest.MonkeyPatch) -> None:
    anybody = Token("anybody", "", frozenset(SCOPES), datetime.now(UTC), None, None)
    patch.setattr(Tokens, "held", lambda self, text: anybody)


def pasted_filters(web: Web, patch: pytest.MonkeyPatch) -> None:
    def pasted(text, columns):
        engine = columns.get_backend()
        query = f"select customer_id from ({engine.compile(columns)}) where {text}"
        return columns.customer_id.isin([row[0] for row in engine.con.sql(query).fetchall()])

    patch.setattr(serving.listing.ranking, "compile_filter", pasted)


def no_privacy(web: Web, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(serving.listing.ranking, "without_personal", lambda table: table)


def no_escaping(web: Web, patch: pytest.MonkeyPatch) -> None:
    web.app.state.templates.cache.clear()
    patch.setattr(web.app.state.templates, "autoescape", False)


def no_apostrophes(web: Web, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(serving.exports.cells, "_without_formulas", lambda text: text)


def any_name(web: Web, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(serving.listing.saved_lists, "FORBIDDEN", ())


def any_size(web: Web, patch: pytest.MonkeyPatch) -> None:
    real = serving.web.guard._read
    patch.setattr(serving.web.guard, "_read", lambda receive, most: real(receive, 10**9))


def names_as_they_are(web: Web, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(serving.web.download, "disposition", lambda name: f'attachment; filename="{name}"')


def no_counting(web: Web, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(RateLimits, "wait", lambda self, who: 0.0)


def no_headers(web: Web, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(serving.web.guard, "HEADERS", {})


def plain_cookies(web: Web, patch: pytest.MonkeyPatch) -> None:
    def plain(response, request, name, value, length):
        response.raw_headers.append((b"set-cookie", f"{name}={value}; Path=/".encode()))

    patch.setattr(serving.web.sessions, "_set_cookie", plain)


ATTACKS: list[tuple[Callable[[Web], bool], Callable[[Web, pytest.MonkeyPatch], None]]] = [
    (a_form_of_another_site, no_form_check),
    (a_form_with_the_secret_of_somebody_else, no_form_check),
    (signing_in_leads_elsewhere, any_way_back),
    (a_session_that_was_signed_elsewhere, no_signature),
    (a_session_from_before_the_new_password, no_proof),
    (a_session_that_was_ended, no_memory_of_endings),
    (a_revoked_token, no_state),
    (an_expired_token, no_state),
    (a_token_of_too_little_scope, no_scopes),
    (a_token_of_another_store, any_token),
    (sql_in_a_filter, pasted_filters),
    (asking_about_addresses, no_privacy),
    (a_script_in_an_address, no_escaping),
    (a_script_in_a_customers_id, no_escaping),
    (a_formula_in_a_csv, no_apostrophes),
    (a_path_as_the_name_of_a_list, any_name),
    (a_body_that_fills_the_memory, any_size),
    (a_second_name_in_a_header, names_as_they_are),
    (guessing_passwords, no_counting),
    (asking_without_end, no_counting),
    (a_page_in_a_frame_or_with_a_script_inside, no_headers),
    (a_cookie_that_scripts_can_read, plain_cookies),
]
NAMES = [attack.__name__ for attack, _ in ATTACKS]


@pytest.mark.parametrize("attack", [attack for attack, _ in ATTACKS], ids=NAMES)
def test_it_fails(web, attack):
    assert not attack(web)


@pytest.mark.parametrize(("attack", "without_guard"), ATTACKS, ids=NAMES)
def test_it_would_succeed_without_its_guard(web, monkeypatch, attack, without_guard):
    without_guard(web, monkeypatch)
    assert attack(web)


class TestPaths:
    @pytest.mark.parametrize(
        "path",
        [
            "/api/v1/lists/..%2F..%2Fservice.db",
            "/api/v1/lists/..%2F..%2Fservice.db.csv",
            "/api/v1/lists/%2Fetc%2Fpasswd.csv",
            "/api/v1/lists/..%5C..%5Cservice.db",
            "/api/v1/lists/service.db",
            "/api/v1/customers/..%2F..%2Fservice.db",
            "/static/..%2F..%2Fapp.py",
            "/static/%2E%2E/app.py",
            "/lists/..%2F..%2Fservice.db.csv",
        ],
    )
    def test_no_name_leads_to_a_file(self, web, path):
        with web.signed_in() as client:
            found = client.get(path)
        assert found.status_code == 404
        assert b"SQLite format" not in found.content

    @pytest.mark.parametrize("name", ["Zürich €", "日本", 'a"b', "a;b", "a b", "x" * 80, "100 %"])
    def test_any_name_that_a_list_may_have_makes_a_proper_download(self, web, name):
        save_list(Store(web.store), name, Definition(where="clv > 0"))
        with web.client() as client:
            found = client.get(f"/api/v1/lists/{quote(name, safe='')}.csv")
        assert found.status_code == 200
        said = found.headers["content-disposition"]
        assert said.isascii()
        assert said.endswith("filename*=UTF-8''" + quote(f"{name} {AS_OF}.csv", safe=""))
        assert said.count('"') == 2

    def test_no_name_adds_a_header(self, web):
        name = "a\r\nSet-Cookie: owned=1"
        with service(web.store) as database:
            database.execute("insert or replace into lists values (?, ?, '', '')", [name, Definition().to_json()])
        assert "\r" not in serving.web.download.disposition(name)
        with web.client() as client:
            found = client.get(f"/api/v1/lists/{quote(name, safe='')}.csv")
        assert found.status_code == 422
        assert "set-cookie" not in found.headers


class TestDefects:
    def test_a_defect_is_told_to_the_log_and_to_nobody_else(self, web, monkeypatch, caplog):
        def broken(*given):
            raise ZeroDivisionError("/secret/path")

        monkeypatch.setattr("serving.web.api.lists.saved_lists", broken)
        with web.client() as client:
            found = client.get("/api/v1/lists")
        assert found.status_code == 500
        assert found.headers["content-type"] == "application/problem+json"
        assert found.headers["content-security-policy"]
        assert "secret" not in found.text
        assert "/secret/path" in caplog.text


class TestForms:
    @pytest.mark.parametrize("path", ["/", "/lists?q=a&b=c", "/customers/a%2Fb", "/lists/win-back#top"])
    def test_signing_in_leads_back_within_the_server(self, web, path):
        People(web.store).create("Anna", PASSWORD, SCOPES)
        with web.client(None) as client:
            assert web.form(client, name="Anna", password=PASSWORD, next=path).headers["location"] == path

    @pytest.mark.parametrize(
        "path", ["javascript:alert(1)", "evil.example", "//x", "/\\x", "/\n/x", "", "http:/x", "\x00/"]
    )
    def test_and_nowhere_else(self, path):
        assert serving.web.sign_in.local(path) == "/"

    def test_a_form_that_was_loaded_before_signing_in_is_worthless_after(self, web):
        People(web.store).create("Anna", PASSWORD, SCOPES)
        with web.client(None) as client:
            page = client.get("/sign-in").text
            csrf = page.split('name="csrf" value="')[1].split('"')[0]
            web.form(client, name="Anna", password=PASSWORD)
            assert client.post("/sign-out", data={"csrf": csrf}).status_code == 403

    def test_every_route_that_changes_something_checks_its_forms(self, web):
        changing = [route for route in every(web.app.routes) if set(getattr(route, "methods", [])) - {"GET", "HEAD"}]
        assert {route.path for route in changing} >= {"/sign-in", "/sign-out"}
        for route in changing:
            assert check_csrf in {one.call for one in route.dependant.dependencies}, route.path


def every(routes) -> list:
    """Return all routes, those of included routers too."""
    found = []
    for route in routes:
        inner = getattr(route, "original_router", route)
        found += [route, *every(getattr(inner, "routes", None) or [])]
    return found


def answers(web: Web, cookie: str) -> bool:
    with web.client(None) as client:
        return client.get("/api/v1/lists", headers={"Cookie": f"{COOKIE}={cookie}"}).status_code == 200


def is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
