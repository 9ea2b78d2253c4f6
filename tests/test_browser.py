"""A person at a real browser: signs in, understands, and leaves with a list; on a desk and on a phone."""

import pytest
from browsing import CHECK, WIDTHS, browser
from pages_store import CUSTOMERS, old_shop, shop
from web_server import PASSWORD, SECRET, running

from serving.web.app import Settings
from serving.web.people import People
from serving.web.scopes import SCOPES
from serving.web.tokens import Tokens

pytestmark = pytest.mark.slow
PAGES = {
    "overview": "/",
    "months": "/?cohort=month&before=2026-08-03.90",
    "lists": "/lists",
    "problem": "/lists/custom?where=clv+%3E",
    "play": "/lists/win-back?cost=1&response=3",
    "filter": "/lists/custom?r=5&fm=4&tier=High&churn_max=60",
    "nobody": "/lists/custom?value_min=9999999",
    "customers": "/customers?q=C00000000",
    "customer": "/customers/C000000007",
    "one purchase": "/customers/C000000000",
    "model": "/model",
    "not found": "/lists/nothing",
}


@pytest.fixture(scope="module")
def chrome():
    with browser() as running_browser:
        yield running_browser


@pytest.fixture(scope="module")
def web(tmp_path_factory, chrome):
    store = shop(tmp_path_factory.mktemp("browser") / "store")
    People(store.folder).create("Ana", PASSWORD, SCOPES)
    with running(Settings(store.folder, SECRET, "EUR")) as server:
        yield server


@pytest.fixture(scope="module")
def shots(tmp_path_factory):
    """Where the screenshots of this run are."""
    return tmp_path_factory.mktemp("screenshots")


def visit(chrome, server, width=1440, **settings):
    """Open a window, and note whatever its console complains of."""
    context = chrome.new_context(viewport={"width": width, "height": 900}, base_url=server.url, **settings)
    page = context.new_page()
    complaints = []
    page.on(
        "console", lambda message: complaints.append(message.text) if message.type in ("error", "warning") else None
    )
    page.on("pageerror", lambda error: complaints.append(str(error)))
    return page, complaints


def follow(page, link):
    """Click what leads to another page, and wait until that page has its styles and scripts."""
    with page.expect_navigation():
        link.click()


def sign_in(page):
    page.goto("/sign-in")
    page.get_by_label("Name").fill("Ana")
    page.get_by_label("Password").fill(PASSWORD)
    follow(page, page.get_by_role("button", name="Sign in"))
    page.get_by_role("heading", name="Overview", level=1).wait_for()


@pytest.fixture(scope="module", params=WIDTHS)
def window(request, chrome, web):
    """A window of a person who has signed in."""
    page, complaints = visit(chrome, web, request.param)
    sign_in(page)
    yield page, complaints, request.param
    page.context.close()


@pytest.mark.parametrize("name", PAGES)
def test_nothing_is_cut_off_unnamed_or_hard_to_read(window, shots, name):
    page, complaints, width = window
    complaints.clear()
    answer = page.goto(PAGES[name])
    page.evaluate("for (const part of document.querySelectorAll('details')) part.open = true")
    page.screenshot(path=shots / f"{name}-{width}.png", full_page=True)
    assert page.evaluate(CHECK) == []
    # The browser itself notes an answer that is an error.
    assert [text for text in complaints if not (answer.status >= 400 and f"status of {answer.status}" in text)] == []


@pytest.mark.parametrize("width", [700, 1100])
def test_widths_between_a_phone_and_a_desk_are_whole_too(chrome, web, width):
    page, complaints = visit(chrome, web, width)
    sign_in(page)
    for path in ("/", "/lists/win-back", "/customers/C000000007", "/model"):
        page.goto(path)
        assert page.evaluate(CHECK) == []
    assert complaints == []
    page.context.close()


class TestCheck:
    """What the tests above look for, found where it is."""

    @pytest.mark.parametrize(
        ("faulty", "said"),
        [
            ("<p style='width: 900px'>wide</p>", "page is"),
            ("<p style='width: 20px; overflow: hidden'>Unbreakableword</p>", "cut off"),
            ("<p style='color: #999'>grey</p>", "contrast"),
            ("<input name='x'>", "no label"),
            ("<h1>two</h1>", "not one h1"),
            ("<h3>deep</h3>", "heading level"),
            ("<a href='/'></a>", "no words"),
            ("<table><caption>t</caption><tr><th>x</th></tr></table>", "no scope"),
            ("<i id='a'></i><i id='a'></i>", "id twice"),
            (
                "<svg class='chart' viewBox='0 0 9 9'><text font-size='9'>outside of it</text></svg>",
                "outside its chart",
            ),
            ("<svg class='chart' viewBox='0 0 99 9'><text>one</text><text>two</text></svg>", "on top of each other"),
        ],
    )
    def test_a_fault_is_found(self, chrome, faulty, said):
        page = chrome.new_page(viewport={"width": 390, "height": 900})
        page.set_content(
            f"<html lang=en><title>t</title><body><header></header><main><h1>h</h1>{faulty}</main></body></html>"
        )
        assert any(said in problem for problem in page.evaluate(CHECK))
        page.close()

    def test_a_page_without_fault_has_none(self, chrome):
        page = chrome.new_page()
        page.set_content("<html lang=en><title>t</title><body><header></header><main><h1>h</h1></main></body></html>")
        assert page.evaluate(CHECK) == []
        page.close()


def test_the_form_for_signing_in_is_whole(chrome, web, shots):
    for width in WIDTHS:
        page, complaints = visit(chrome, web, width)
        page.goto("/")
        page.screenshot(path=shots / f"sign-in-{width}.png", full_page=True)
        assert page.evaluate(CHECK) == []
        assert complaints == []
        page.context.close()


class TestOld:
    def test_a_store_without_ledger_and_records_reads_well(self, chrome, tmp_path):
        store = old_shop(tmp_path / "store")
        People(store.folder).create("Ana", PASSWORD, SCOPES)
        with running(Settings(store.folder, SECRET)) as server:
            for width in WIDTHS:
                page, complaints = visit(chrome, server, width)
                sign_in(page)
                for path in ("/", "/lists", "/customers/C000000007", "/model"):
                    page.goto(path)
                    assert page.evaluate(CHECK) == []
                assert complaints == []
                page.context.close()


class TestPerson:
    def test_from_signing_in_to_leaving_with_a_list(self, chrome, web, tmp_path):
        page, complaints = visit(chrome, web, accept_downloads=True)
        sign_in(page)
        mark = page.locator("svg.chart:visible a").nth(3)
        customers = mark.get_attribute("aria-label").split(": ")[1].split(" ")[0]
        follow(page, mark)
        page.get_by_role("heading", name=f"{customers} customers").wait_for()
        page.get_by_label("Held back at random (%)").evaluate("e => e.closest('details').open = true")
        page.get_by_label("Held back at random (%)").fill("0")
        follow(page, page.get_by_role("button", name="Apply"))
        with page.expect_download() as coming:
            page.get_by_role("button", name="Download").click()
        file = tmp_path / coming.value.suggested_filename
        coming.value.save_as(file)
        assert file.suffix == ".csv"
        assert len(file.read_text().splitlines()) > 1

        page.get_by_label("Save as").fill("Spring mailing")
        follow(page, page.get_by_role("button", name="Save", exact=True))
        page.get_by_role("heading", name="Spring mailing", level=1).wait_for()
        follow(page, page.get_by_role("navigation", name="Pages").get_by_role("link", name="Lists"))
        page.get_by_role("link", name="Spring mailing").wait_for()

        follow(page, page.get_by_role("navigation", name="Pages").get_by_role("link", name="Customers"))
        page.get_by_label("Customer id").fill("C000000011")
        follow(page, page.get_by_role("button", name="Find"))
        page.get_by_role("heading", name="Customer C000000011").wait_for()
        assert page.locator("svg.chart:visible .head").count() > 0

        follow(page, page.get_by_role("navigation", name="Pages").get_by_role("link", name="Model"))
        page.get_by_role("heading", name="What came true").wait_for()
        follow(page, page.get_by_role("button", name="Sign out"))
        page.get_by_role("heading", name="Sign in").wait_for()
        assert page.goto("/lists").url.endswith("next=%2Flists")
        assert complaints == []
        page.context.close()

    def test_the_count_follows_what_is_ticked(self, chrome, web):
        page, complaints = visit(chrome, web)
        sign_in(page)
        page.goto("/lists")
        output = page.locator("output")
        assert output.inner_text().startswith(f"{CUSTOMERS} customers")
        from playwright.sync_api import expect

        page.get_by_label("Champions").check()
        expect(output).not_to_contain_text(f"{CUSTOMERS} customers")
        counted = output.inner_text()
        follow(page, page.get_by_role("button", name="Show the list"))
        page.get_by_role("heading", name=counted.split(",")[0]).wait_for()
        assert complaints == []
        page.context.close()

    def test_deleting_asks_first(self, chrome, web):
        page, _ = visit(chrome, web)
        sign_in(page)
        page.goto("/lists/reward")
        page.get_by_label("Save as").fill("Short-lived")
        follow(page, page.get_by_role("button", name="Save", exact=True))
        asked = []
        page.once("dialog", lambda dialog: (asked.append(dialog.message), dialog.dismiss()))
        page.get_by_role("button", name="Delete").click()
        assert asked == ["Delete the list Short-lived?"]
        assert page.url.endswith("/lists/Short-lived")
        page.once("dialog", lambda dialog: dialog.accept())
        follow(page, page.get_by_role("button", name="Delete"))
        page.get_by_role("heading", name="Lists", level=1).wait_for()
        assert page.get_by_role("link", name="Short-lived").count() == 0
        page.context.close()

    def test_a_token_opens_the_page_as_well(self, chrome, web):
        page, complaints = visit(chrome, web)
        page.goto("/model")
        page.get_by_label("Token").fill(Tokens(web.store).create("in a browser", SCOPES))
        follow(page, page.get_by_role("button", name="Sign in"))
        page.get_by_role("heading", name="Model", level=1).wait_for()
        assert complaints == []
        page.context.close()

    def test_the_keyboard_is_enough(self, chrome, web):
        page, _ = visit(chrome, web)
        sign_in(page)
        page.goto("/")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "main"
        mark = page.locator("svg.chart:visible a").first
        mark.focus()
        page.keyboard.press("Enter")
        page.get_by_role("heading", name="Your filter").wait_for()
        page.context.close()


class TestWithoutScript:
    def test_the_essentials_work(self, chrome, web, tmp_path):
        page, complaints = visit(chrome, web, java_script_enabled=False, accept_downloads=True)
        sign_in(page)
        follow(page, page.locator("svg.chart:visible a").first)
        page.get_by_role("heading", name="Your filter").wait_for()
        page.goto("/lists")
        page.get_by_label("Loyal", exact=False).first.check()
        follow(page, page.get_by_role("button", name="Show the list"))
        page.get_by_role("heading", name="Your filter").wait_for()
        page.get_by_label("Save as").fill("By hand")
        follow(page, page.get_by_role("button", name="Save", exact=True))
        page.get_by_role("heading", name="By hand", level=1).wait_for()
        with page.expect_download() as coming:
            page.get_by_role("button", name="Download").click()
        assert coming.value.suggested_filename.startswith("By hand")
        follow(page, page.get_by_role("button", name="Delete"))
        page.get_by_role("heading", name="Lists", level=1).wait_for()
        page.get_by_label("Scored as of").select_option(index=1)
        follow(page, page.get_by_role("button", name="Show", exact=True))
        assert "scored=2026-10-02.90" in page.url
        follow(page, page.get_by_role("button", name="Sign out"))
        page.get_by_role("heading", name="Sign in").wait_for()
        assert complaints == []
        page.context.close()
