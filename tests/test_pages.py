"""The pages: what they show is what the store holds, nobody sees more than they may, and nothing is unexplained."""

import html
import re
from datetime import date

import pandas as pd
import pytest
from listed_store import scores_of
from page_words import csrf, plain, words
from pages_store import CUSTOMERS, old_shop, shop
from valued_store import ledger_of, valued_store
from web_server import running

from models.lifetime import Economics
from serving.web.app import Settings
from serving.web.charts import numerals
from serving.web.charts.numerals import Money
from serving.web.scopes import SCOPES

PAGES = ("/", "/lists", "/lists/save", "/lists/custom?segment=At+Risk", "/customers", "/customers/C000000007", "/model")
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


class TestDoor:
    @pytest.mark.parametrize("path", [*PAGES, "/lists/count", "/lists/save.csv"])
    def test_nobody_sees_a_page_without_signing_in(self, web, path):
        with web.client(None) as stranger:
            answer = stranger.get(path)
            assert answer.status_code == 303
            assert answer.headers["location"].startswith("/sign-in")

    @pytest.mark.parametrize(
        ("scope", "path"),
        [("economics:read", "/"), ("lists:read", "/lists"), ("customers:read", "/customers"), ("model:read", "/model")],
    )
    def test_each_page_needs_its_scope_and_only_that(self, web, scope, path):
        with web.client([scope]) as one, web.client([other for other in SCOPES if other != scope]) as others:
            assert one.get(path).status_code == 200
            assert others.get(path).status_code == 403

    def test_a_page_that_is_not_allowed_is_not_offered(self, web):
        with web.client(["economics:read"]) as client:
            page = client.get("/")
            assert 'href="/model"' not in page.text
            assert 'href="/lists' not in page.text

    @pytest.mark.parametrize("path", PAGES)
    def test_every_page_answers_with_one_headline(self, ana, path):
        page = ana.get(path)
        assert page.status_code == 200
        assert page.text.count("<h1") == 1

    @pytest.mark.parametrize("path", PAGES)
    def test_no_page_shows_who_somebody_is(self, ana, path):
        page = ana.get(path).text
        assert "@example.com" not in page
        assert "+4420" not in page

    @pytest.mark.parametrize("path", PAGES)
    def test_nothing_stands_inline_that_the_policy_forbids(self, ana, path):
        page = ana.get(path).text
        assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*src=)|javascript:", page)
        assert not re.search(r'(?:src|href)="(?:https?:)?//', page)


class TestOverview:
    def test_headline_numbers_are_the_sums_of_the_scores(self, ana, scores):
        said, money = words(ana.get("/")), Money("£")
        leaving = scores[scores["churn_probability"] >= 0.5]
        for value in (scores["expected_spend"].sum(), scores["clv"].sum(), leaving["clv"].sum()):
            assert plain(money(value)) in said
        assert f"CLV of the {len(leaving)} customers who are likelier to buy nothing" in said

    def test_the_change_is_since_the_scoring_before(self, web, ana, scores):
        before = web.app.state.reader.store.scores(date(2026, 10, 2), 90).to_pandas()
        grown = scores["expected_spend"].sum() / before["expected_spend"].sum() - 1
        said = words(ana.get("/"))
        assert plain(numerals.change(grown)) in said
        assert "since the scoring of 2 Oct 2026" in said

    def test_the_interval_is_that_of_the_record(self, ana):
        assert "80 % interval: £0.8 to £1.25" in words(ana.get("/"))

    def test_every_mark_of_the_map_opens_the_list_of_its_customers(self, ana):
        page = ana.get("/").text
        links = re.findall(r'<a href="(/lists/custom[^"]*)" aria-label="[^:]+: ([\d,]+) customers', page)
        assert sum(int(count) for _, count in links) == 2 * CUSTOMERS
        for address, customers in links[:6]:
            listed = words(ana.get(html.unescape(address)))
            assert re.search(rf"\b{customers} customers, CLV", listed)

    def test_another_scoring_can_be_looked_at_and_links_stay_with_it(self, ana):
        page = ana.get("/?scored=2026-10-02.90")
        followed = re.findall(r'href="(/lists/[^"]+)"', page.text)
        assert followed
        assert all("scored=2026-10-02.90" in address for address in followed)
        assert "Predictions are of the 90 days from 2 Oct 2026" in words(page)
        assert ana.get("/?scored=2020-01-01.90").status_code == 404

    def test_moves_are_between_the_two_chosen_dates(self, ana):
        page = words(ana.get("/?before=2026-08-03.90"))
        assert "Customers by segment, 3 Aug 2026 and 1 Nov 2026" in page

    def test_cohorts_can_be_counted_by_another_period(self, ana):
        assert "Years since the first purchase" in words(ana.get("/?cohort=year"))
        assert ana.get("/?cohort=fortnight").status_code == 422


class TestCustomers:
    def test_an_id_leads_to_its_page_and_a_beginning_to_a_choice(self, ana):
        assert ana.get("/customers?q=C000000007").headers["location"] == "/customers/C000000007"
        assert len(re.findall(r'href="/customers/C0000000\d\d"', ana.get("/customers?q=c0000000").text)) == 20
        assert "No customer's id is or begins with" in words(ana.get("/customers?q=nobody"))

    def test_the_page_shows_the_prediction_its_interval_and_its_reasons(self, ana, scores):
        row, said, money = scores.loc["C000000007"], words(ana.get("/customers/C000000007")), Money("£")
        assert plain(money(row["expected_spend"])) in said
        assert f"{plain(money(row['expected_spend_low']))} to {plain(money(row['expected_spend_high']))}" in said
        assert all(str(reason) in said for reason in row["reasons"])
        assert said.count(row["segment"]) >= 2

    def test_who_is_not_there_is_not_found(self, ana):
        for path in ("/customers/nobody", "/customers/' or '1'='1", "/customers/a%00"):
            assert ana.get(path).status_code == 404


class TestModel:
    def test_predictions_stand_beside_what_happened(self, web, ana):
        store = web.app.state.reader.store
        first = date(2026, 8, 3)
        expected = store.scores(first, 90).to_pandas()["expected_spend"].sum()
        ledger = store.ledger().to_pandas()
        window = ledger[ledger["day"].between(pd.Timestamp(first), pd.Timestamp(NEWEST), inclusive="left")]
        said, money = words(ana.get("/model")), Money("£")
        assert f"3 Aug 2026 {CUSTOMERS} {plain(money(expected))} {plain(money(window['net'].sum() / 10_000))}" in said

    def test_the_card_is_shown_in_its_words(self, ana):
        said = words(ana.get("/model"))
        for sentence in (
            "Judged as of 2026-05-05",
            "No claim of cause.",
            "MBG/NBD + Gamma-Gamma",
            "Bias: a baseline is better.",
        ):
            assert sentence in said


class TestRevenue:
    def test_without_a_margin_nothing_is_called_clv(self, tmp_path):
        store = shop(tmp_path / "store", margin=None)
        with running(Settings(store.folder, SECRET)) as server, server.client() as client:
            for path in (page for page in PAGES if page != "/model"):
                said = words(client.get(path))
                assert "CLV" not in said.replace("to see CLV", "")
                assert "iscounted revenue" in said
                assert "--margin 0.35" in said


class TestEmpty:
    def answers(self, store):
        with running(Settings(store.folder, SECRET)) as server, server.client() as client:
            pages = {path: client.get(path) for path in PAGES}
        assert {path: page.status_code for path, page in pages.items()} == dict.fromkeys(PAGES, 200)
        return {path: words(page) for path, page in pages.items()}

    def test_one_scoring_has_no_past(self, tmp_path):
        said = self.answers(shop(tmp_path / "store", scorings=1))
        assert "This is the first scoring of this horizon" in said["/"]
        assert "The trend begins with the second" in said["/"]
        assert "There is no earlier scoring to compare with" in said["/"]
        assert "No earlier scoring's horizon has passed" in said["/model"]

    def test_a_store_of_an_older_version_says_to_score_again(self, tmp_path):
        said = self.answers(old_shop(tmp_path / "store"))
        assert "score again to see retention" in said["/"]
        assert "No interval: score again to see one" in said["/"]
        assert "score again to see them" in said["/customers/C000000007"]
        assert "No model card was kept with this store" in said["/model"]

    def test_one_customer_is_enough(self, tmp_path):
        store = shop(tmp_path / "store", customers=1, scorings=2)
        with running(Settings(store.folder, SECRET)) as server, server.client() as client:
            for path in ("/", "/lists", "/lists/custom", "/customers/C000000000", "/model"):
                assert client.get(path).status_code == 200


EVIL = "<script>alert(1)</script>'\"><img src=x onerror=alert(2)>/../a?b#c"


@pytest.fixture(scope="module")
def evil_page(tmp_path_factory):
    """A store in which a customer, a channel and a segment's reasons are markup."""
    days = pd.date_range("2024-01-05", periods=12, freq="9D").date
    log = pd.DataFrame(
        {"customer_id": [EVIL, "b", "c", "d"] * 3, "timestamp": days, "amount": 20.0, "channel": [EVIL, "web"] * 6}
    )
    scored = scores_of(log).assign(reasons=[[EVIL]] * 4)
    store = valued_store(tmp_path_factory.mktemp("evil") / "store", ledger_of(log), Economics(margin=0.5), scored)
    with running(Settings(store.folder, SECRET, "<b>")) as server, server.signed_in() as client:
        yield client


class TestMarkup:
    @pytest.mark.parametrize("path", ["/", "/lists", "/lists/custom", "/customers"])
    def test_what_a_log_holds_is_text(self, evil_page, path):
        page = evil_page.get(path)
        assert page.status_code == 200
        assert "<script>alert" not in page.text
        assert "<img" not in page.text
        assert "<b>" not in page.text

    def test_a_customer_of_any_id_has_a_page(self, evil_page):
        page = evil_page.get("/customers", params={"q": EVIL}, follow_redirects=True)
        assert page.status_code == 200
        assert f"Customer {EVIL}" in html.unescape(page.text)
        assert "<script>alert" not in page.text

    def test_what_a_query_holds_is_text(self, evil_page):
        for path, field in (
            ("/customers", "q"),
            ("/lists/custom", "where"),
            ("/", "scored"),
            ("/lists/custom", "channel"),
        ):
            assert "<script>alert" not in evil_page.get(path, params={field: EVIL}).text

    def test_what_a_list_is_called_is_text(self, evil_page):
        name = EVIL.replace("/", "|")
        form = {"csrf": csrf(evil_page.get("/lists")), "name": name}
        saved = evil_page.post("/lists/save", data=form, follow_redirects=True)
        assert saved.status_code == 200
        assert name in html.unescape(saved.text)
        assert "<script>alert" not in saved.text
        disposition = evil_page.get(f"{saved.url.raw_path.decode()}.csv").headers["content-disposition"]
        assert "\n" not in disposition
        assert '"' not in disposition.split('filename="')[1].split('";')[0]
