"""The report: one page by itself that says what the tables of the economics say, and names nobody."""

import html
import re
from html.parser import HTMLParser

import pandas as pd
import pytest
from browsing import CHECK, WIDTHS, browser
from pages_store import CUSTOMERS, old_shop, shop
from valued_store import AS_OF, SCORED, ledger_of, valued_store

import regulars
from models.lifetime import Economics
from regulars.cli import main
from regulars.errors import RegularsError, StoreError
from serving.economics import GROUPS, by_group, customer_values
from serving.plays import PLAYS
from serving.store import Store
from serving.web.charts.group_bars import GroupBars
from serving.web.charts.numerals import NOTHING, SPACE, Money, count, share

POUNDS = Money("£")
EVIL = "<script>alert('1')</script>\" onload=\"x"
FETCHING = {"src", "srcset", "href", "action", "data", "poster", "background"}


class Page(HTMLParser):
    """The elements of a page, and its tables by caption as lists of rows of texts."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.tables, self.words = [], [], {}, []
        self._inside, self._rows = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        self._inside.append(tag)
        if tag == "table":
            self._rows, self._caption = [], ""
        if tag == "tr":
            self._rows.append([])
        if tag in ("th", "td"):
            self._rows[-1].append("")

    def handle_endtag(self, tag):
        while self._inside and self._inside.pop() != tag:
            pass
        if tag == "table":
            self.tables[self._caption.strip()] = self._rows

    def handle_data(self, text):
        if "style" not in self._inside:
            self.words.append(text)
        if "caption" in self._inside:
            self._caption += text
        elif "table" in self._inside and self._rows and self._rows[-1]:
            self._rows[-1][-1] += text.strip()

    def table(self, start):
        """Return the table whose caption begins so, a row a name."""
        head, *rows = next(rows for caption, rows in self.tables.items() if caption.startswith(start))
        return pd.DataFrame(rows, columns=head).set_index(head[0])

    @property
    def text(self):
        return " ".join(" ".join(self.words).replace(SPACE, "_").split()).replace("_", SPACE)


def report_of(store, **asked):
    out = store.folder.parent / "report.html"
    assert regulars.report(store.folder, out, **asked) == out
    return Page(out.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return shop(tmp_path_factory.mktemp("report") / "store")


@pytest.fixture(scope="module")
def page(store):
    return report_of(store, currency="£")


@pytest.fixture(scope="module")
def values(store):
    return customer_values(Store(store.folder))


class TestNumbers:
    @pytest.mark.parametrize("by", GROUPS)
    def test_are_those_of_the_economics_by_every_group(self, page, values, by):
        named = {"segment": "segment", "channel": "acquisition channel", "cohort": "year", "value_tier": "value tier"}
        shown = values.mutate(cohort=values.cohort.left(4)) if by == "cohort" else values
        expected = by_group(shown, by).set_index(by)
        table = page.table(f"What customers are worth by {named[by]}")
        costs = page.table(f"Lifetime value (so far and ahead) against acquisition cost, by {named[by]}")
        assert set(table.index) == {*expected.index, "All customers"}
        for name, row in expected.iterrows():
            written = [count(row["customers"]), share(row["share_of_value"], 1), POUNDS(row["historic_value"])]
            written += [POUNDS(row["clv"]), POUNDS(row["clv"] / row["customers"]), POUNDS(row["expected_spend"])]
            assert list(table.loc[name]) == written
            months = row["payback_months"]
            paid = [count(row["customers_with_cost"]), POUNDS(row["acquisition_cost"]), POUNDS(row["lifetime_value"])]
            paid += [f"{row['ltv_cac']:.1f}", "yes" if row["enough"] else "no"]
            assert list(costs.loc[name]) == [*paid, f"{months:.1f}" if months == months else "never"]

    def test_of_all_customers_are_the_sums_of_the_groups(self, page, values):
        everybody = page.table("What customers are worth by segment").loc["All customers"]
        sums = by_group(values, "segment")[["customers", "clv", "historic_value", "expected_spend"]].sum()
        assert everybody["Customers"] == count(sums["customers"]) == count(CUSTOMERS)
        assert everybody["CLV"] == POUNDS(sums["clv"])
        assert everybody["So far"] == POUNDS(sums["historic_value"])
        assert everybody["Next 90 days"] == POUNDS(sums["expected_spend"])

    def test_say_what_is_at_risk_and_how_sure_revenue_is(self, page, values, store):
        rows = values.to_pandas()
        at_risk = rows.loc[rows["churn_probability"] >= 0.5, "clv"].sum()
        total = store.scorings()[0]["total"]
        assert f"{POUNDS(at_risk)} of the CLV" in page.text
        assert f"four times in five it will be {POUNDS(total['low'])} to {POUNDS(total['high'])}" in page.text

    def test_of_plays_are_the_customers_and_worth_of_their_lists(self, page, store):
        table = page.table("Plays")
        assert list(table.index) == [play.name for play in PLAYS]
        for play in PLAYS:
            rows = regulars.list(store.folder, definition=regulars.Definition(play=play.slug))
            assert table.loc[play.name, "Customers"] == count(len(rows))
            assert table.loc[play.name, "CLV"] == POUNDS(rows["clv"].sum())
            assert table.loc[play.name, "What to do"] == play.action

    def test_of_what_changed_are_the_differences_of_two_scorings(self, page, store):
        (then_day, days), (now_day, _) = store.held()[-2:]
        then, now = (store.scores(day, days).to_pandas() for day in (then_day, now_day))
        row = page.table("The newest two scorings").loc["CLV"]
        assert list(row)[:2] == [POUNDS(then["clv"].sum()), POUNDS(now["clv"].sum())]
        both = then.set_index("customer_id")["segment"].to_frame("then").join(now.set_index("customer_id")["segment"])
        flows = page.table("Customers by segment on").replace("", "0").astype(int)
        expected = pd.crosstab(both["then"], both["segment"])
        assert flows.to_dict() == expected.loc[flows.index, flows.columns].to_dict()
        assert flows.to_numpy().sum() == CUSTOMERS

    def test_of_an_older_scoring_are_its_own(self, store):
        as_of, days = store.held()[0]
        page = report_of(store, as_of=as_of, horizon=days, currency="£")
        clv = store.scores(as_of, days).to_pandas()["clv"].sum()
        assert page.table("What customers are worth by segment").loc["All customers", "CLV"] == POUNDS(clv)
        assert "This is the first scoring of this horizon" in page.text

    def test_of_the_model_are_those_of_its_card(self, page):
        assert page.table("Errors").loc["MBG/NBD + Gamma-Gamma", "Gini"] == "0.815"
        for words in ("What it does not know Prices to come.", "What must not be done with it No claim of cause."):
            assert words in page.text


class TestPage:
    def test_needs_nothing_beside_itself_and_runs_nothing(self, page, store):
        fetched = [(name, value) for name, value in page.attributes if name in FETCHING or name.endswith(":href")]
        assert not fetched
        assert not {"script", "link", "iframe", "img", "object", "embed", "form", "base"} & set(page.tags)
        assert not [name for name, _ in page.attributes if name.startswith("on") or name == "style"]
        text = (store.folder.parent / "report.html").read_text(encoding="utf-8")
        assert not re.search(r"url\(|@import|https?:", text)
        assert page.tags.count("style") == page.tags.count("h1") == 1

    def test_names_no_customer(self, store, page):
        people = store.customers().to_pandas()
        text = html.unescape((store.folder.parent / "report.html").read_text(encoding="utf-8"))
        assert "@example.com" not in text
        assert not re.search(r"\bC\d{9}\b", text)
        assert not any(str(name) in text for name in people["phone"].head(50))

    def test_is_the_same_each_time(self, store, tmp_path):
        paths = [regulars.report(store.folder, tmp_path / name, currency="£") for name in ("a.html", "b.html")]
        assert paths[0].read_bytes() == paths[1].read_bytes()

    def test_shows_hostile_names_as_text(self, tmp_path):
        log = pd.DataFrame(
            {
                "customer_id": ["ann", "ben", "cyd"],
                "timestamp": ["2024-01-10", "2024-02-10", "2024-03-10"],
                "amount": [10.0, 20.0, 30.0],
                "channel": [EVIL, "=1+1", "x" * 200],
            }
        )
        store = valued_store(tmp_path / "store", ledger_of(log), Economics(margin=0.5, acquisition_cost=2.0))
        page = report_of(store, currency=EVIL[:6])
        assert "script" not in page.tags
        assert not [name for name, _ in page.attributes if name.startswith("on")]
        assert EVIL in page.table("What customers are worth by acquisition channel").index

    @pytest.mark.slow
    def test_fits_screens_and_is_readable(self, store, page, tmp_path):
        path = regulars.report(store.folder, tmp_path / "report.html", currency="£")
        with browser() as running:
            for width in WIDTHS:
                tab = running.new_page(viewport={"width": width, "height": 900})
                tab.goto(path.as_uri())
                assert tab.evaluate(CHECK) == []
            tab.emulate_media(media="print")
            assert tab.pdf(format="A4", prefer_css_page_size=True).startswith(b"%PDF")


class TestLittleKnown:
    def test_revenue_is_never_called_clv(self, tmp_path):
        page = report_of(shop(tmp_path / "store", margin=None, scorings=1))
        assert "Discounted revenue" in page.table("What customers are worth by segment").columns.str.capitalize()
        assert "CLV" not in re.sub("to see CLV|and no CLV", "", page.text)

    def test_without_costs_it_says_how_to_give_them(self, tmp_path):
        page = report_of(valued_store(tmp_path / "store", economics=Economics(margin=0.5)))
        assert "Score with --acquisition-cost" in page.text
        assert not [caption for caption in page.tables if caption.startswith("Lifetime value (so far and ahead)")]

    def test_an_old_store_is_shown_as_far_as_it_goes(self, tmp_path):
        page = report_of(old_shop(tmp_path / "store"))
        assert page.table("What customers are worth by segment").loc["All customers", "So far"] == NOTHING
        assert "score again" in page.text

    def test_worth_below_nothing_is_drawn_and_written(self, tmp_path):
        scored = SCORED.assign(clv=[-300.0, -40.0, -8.0])
        page = report_of(valued_store(tmp_path / "store", scored=scored), currency="£")
        assert "Nobody is expected to be worth anything" in page.text
        row = page.table("What customers are worth by segment").loc["Champions"]
        assert row["Discounted revenue"] == POUNDS(-300.0)
        assert row["Share"] == NOTHING


class TestWriting:
    def test_a_store_that_is_not_there_leaves_the_old_file(self, tmp_path):
        out = tmp_path / "report.html"
        out.write_text("old")
        with pytest.raises(StoreError, match="no store is here"):
            regulars.report(tmp_path / "nothing", out)
        assert out.read_text() == "old"

    def test_a_folder_that_is_not_there_is_named(self, store, tmp_path):
        with pytest.raises(RegularsError, match="the folder does not exist"):
            regulars.report(store.folder, tmp_path / "none" / "report.html")

    def test_the_command_writes_it_and_says_of_when_it_is(self, tmp_path, capsys):
        store = valued_store(tmp_path / "store")
        out = tmp_path / "report.html"
        with pytest.raises(SystemExit) as leaving:
            main(["report", "--store", str(store.folder), "--out", str(out), "--currency", "€"])
        assert leaving.value.code == 0
        assert str(AS_OF) in capsys.readouterr().out
        assert "€" in out.read_text(encoding="utf-8")


class TestBars:
    def test_are_as_long_as_their_numbers_from_zero(self):
        drawn = str(GroupBars("b", "Title", [("a", 50.0), ("b", 100.0), ("c", -50.0)], POUNDS, "pounds").draw())
        widths = [float(width) for width in re.findall(r'<rect [^>]*?width="([\d.]+)"', drawn)][:3]
        assert widths[1] == pytest.approx(2 * widths[0], rel=1e-3)
        assert widths[2] == pytest.approx(widths[0], rel=1e-3)

    def test_names_that_are_too_long_are_cut_and_told_whole(self):
        drawn = str(GroupBars("b", "Title", [("y" * 90, 1.0)], POUNDS, "pounds").draw())
        shown = re.findall(r"<text[^>]*>(y+…)</text>", drawn)
        assert shown
        assert max(map(len, shown)) < 30
        assert "y" * 90 in drawn
