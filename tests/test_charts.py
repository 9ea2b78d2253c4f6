"""Charts: what they say is escaped, in its place, and written as people read it."""

import re
from datetime import date
from importlib import resources
from itertools import pairwise
from xml.etree import ElementTree as ET

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.web.charts import numerals, svg
from serving.web.charts.curve import draw_curve
from serving.web.charts.flow import FlowChart
from serving.web.charts.numerals import NOTHING, Money
from serving.web.charts.pairs import Pair, bars, diagonal
from serving.web.charts.panels import Panels
from serving.web.charts.rfm_chart import RfmChart
from serving.web.charts.scale import month_ticks, scale
from serving.web.charts.timeline import Timeline
from serving.web.pages.rfm_map import GRID

EVIL = "<script>alert('1')</script>\" onload=\"x"
SVG_NAMES = ("svg", "title", "desc", "a", "rect", "text", "line", "circle", "path", "polyline")


def drawn(markup) -> list[ET.Element]:
    """Return the pictures of a chart as they parse."""
    whole = ET.fromstring(f"<div>{markup}</div>")
    assert {element.tag for element in whole.iter()} <= {"div", *SVG_NAMES}
    assert not any(name.startswith("on") or name == "style" for element in whole.iter() for name in element.attrib)
    return list(whole)


def words(picture: ET.Element) -> list[str]:
    return [element.text or "" for element in picture.iter("text")]


class TestNumerals:
    @pytest.mark.parametrize(
        ("value", "text"),
        [
            (0, "0"),
            (4312, "4,312"),
            (9999, "9,999"),
            (98_765, "98.8 k"),
            (999_960, "1 M"),
            (1_234_567, "1.23 M"),
            (1_200_000, "1.2 M"),
            (3_400_000_000, "3.4 bn"),
            (-1_200_000, f"{numerals.MINUS}1.2 M"),
            (5.25, "5.25"),
            (41.2, "41.2"),
            (-0.001, "0"),
            (None, NOTHING),
            (float("nan"), NOTHING),
        ],
    )
    def test_large_numbers_are_short(self, value, text):
        assert numerals.compact(value).replace(numerals.SPACE, " ") == text

    @pytest.mark.parametrize(
        ("value", "text"), [(0.341, "34 %"), (0, "0 %"), (0.002, "< 1 %"), (1, "100 %"), (None, NOTHING)]
    )
    def test_shares_are_per_cent(self, value, text):
        assert numerals.share(value).replace(numerals.SPACE, " ") == text

    def test_dates_are_written_out(self):
        assert numerals.day(date(2011, 9, 10)).replace(numerals.SPACE, " ") == "10 Sep 2011"
        assert numerals.day("2011-09-10T12:00:00+00:00").replace(numerals.SPACE, " ") == "10 Sep 2011"
        assert numerals.day(pd.NaT) == numerals.day(None) == NOTHING

    def test_a_symbol_stands_in_front_and_a_code_behind(self):
        assert Money("£")(1_200_000).replace(numerals.SPACE, " ") == "£1.2 M"
        assert Money("£")(-5).replace(numerals.SPACE, " ") == f"{numerals.MINUS}£5"
        assert Money("EUR")(4312).replace(numerals.SPACE, " ") == "4,312 EUR"
        assert Money()(4312) == "4,312"
        assert Money("£").exact(1234.5) == "£1,234.50"

    @given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e14, max_value=1e14))
    def test_a_short_number_is_near_the_number(self, value):
        text = numerals.compact(value).replace(numerals.MINUS, "-").replace(",", "")
        digits, _, scale_name = text.partition(numerals.SPACE)
        times = {"": 1, "k": 1e3, "M": 1e6, "bn": 1e9}[scale_name]
        assert float(digits) * times == pytest.approx(value, rel=0.006, abs=0.51)


class TestScale:
    @given(st.floats(-1e9, 1e9), st.floats(-1e9, 1e9))
    def test_it_holds_zero_and_both_ends(self, a, b):
        found = scale(min(a, b), max(a, b))
        hair = 1e-6 * (found.high - found.low)
        assert found.low <= min(a, b, 0) + hair
        assert found.high >= max(a, b, 0) - hair
        assert 2 <= len(found.ticks) <= 8

    def test_ticks_are_round(self):
        assert scale(0, 870).ticks == [0, 250, 500, 750, 1000]
        assert scale(-120, 300).ticks == [-200, 0, 200, 400]

    def test_months_are_few_and_steady(self):
        found = month_ticks(date(2009, 12, 5), date(2011, 12, 9), 9)
        assert found == [date(2010, m, 1) for m in (1, 4, 7, 10)] + [date(2011, m, 1) for m in (1, 4, 7, 10)]


class TestSpread:
    @given(st.lists(st.floats(0, 300), min_size=1, max_size=12))
    def test_labels_keep_order_distance_and_room(self, places):
        moved = svg.spread(sorted(places), 14.0, 0.0, 300.0)
        assert all(b - a >= 13.99 for a, b in pairwise(moved))
        assert moved[0] >= -1e-9
        assert moved[-1] <= 300.0 + 1e-9

    def test_what_has_room_stays(self):
        assert svg.spread([10.0, 50.0, 90.0], 14.0, 0.0, 100.0) == [10.0, 50.0, 90.0]


def cells(customers=7):
    rows = [(r, fm, name, customers * r * fm, 10.0 * fm) for r, row in GRID.items() for fm, name in enumerate(row, 1)]
    return pd.DataFrame(rows, columns=["r", "fm", "segment", "customers", "clv_each"])


class TestRfmChart:
    def chart(self, table):
        return RfmChart(table, lambda r, fm: f"/lists/custom?r={r}&fm={fm}", Money("£"), "CLV").draw()

    def test_area_is_customers(self):
        picture = drawn(self.chart(cells()))[0]
        marks = [a.findall("rect")[1] for a in picture.findall("a")]
        areas = sorted(float(mark.get("width")) * float(mark.get("height")) for mark in marks)
        counts = sorted(cells()["customers"])
        assert np.array(areas) / areas[-1] == pytest.approx(np.array(counts) / counts[-1], rel=0.03)

    def test_every_mark_is_a_link_that_says_what_it_is(self):
        picture = drawn(self.chart(cells()))[0]
        links = picture.findall("a")
        assert len(links) == 25
        assert links[0].get("href") == "/lists/custom?r=5&fm=1"
        assert re.match(r"New: 35 customers, recency score 5", links[0].get("aria-label"))
        assert picture.get("role") == "group"

    def test_an_empty_cell_has_no_mark(self):
        table = cells().assign(customers=0)
        table.loc[0, "customers"] = 1
        assert len(drawn(self.chart(table))[0].findall("a")) == 1

    def test_every_segment_is_named(self):
        said = " ".join(words(drawn(self.chart(cells()))[0]))
        assert all(name in said for row in GRID.values() for name in row)


class TestOthers:
    def test_the_curve_names_its_points(self):
        curve = pd.DataFrame({"customers": [0, 0.5, 1], "value": [0, 0.9, 1]})
        points = pd.DataFrame({"top": [0.01, 0.2], "share": [0.1, 0.6]})
        for picture in drawn(draw_curve(curve, points, EVIL)):
            assert any("top 20" in text for text in words(picture))

    def test_panels_draw_every_group_at_every_date(self):
        rows = pd.DataFrame(
            [(day, group, 5.0) for day in (date(2024, 1, 1), date(2024, 4, 1)) for group in ("a", EVIL)],
            columns=["as_of", "group", "clv"],
        )
        for picture in drawn(Panels("t", "Trend", rows, ("a", EVIL), Money("£")).draw()):
            assert len(picture.findall("circle")) == 4
            assert EVIL in words(picture)

    def test_bands_are_as_thick_as_their_flows(self):
        flows = pd.DataFrame(
            [("Loyal", "Loyal", 30, "stayed"), ("Loyal", "Lost", 10, "down"), ("Lost", "Loyal", 20, "up")],
            columns=["source", "target", "customers", "direction"],
        )
        for picture in drawn(FlowChart(flows, "then", "now", 1, ("Loyal", "Lost")).draw()):
            assert len(picture.findall("path")) == 3
            assert {path.get("class") for path in picture.findall("path")} == {"band stayed", "band down", "band up"}

    def test_the_timeline_shows_every_day_and_tells_refunds_apart(self):
        days = pd.DataFrame({"day": [date(2024, 1, 5), date(2024, 2, 1), date(2024, 3, 1)], "net": [10.0, -4.0, 0.0]})
        for picture in drawn(Timeline(days, date(2024, 4, 1), 90, date(2024, 4, 20), Money("£")).draw()):
            assert [dot.get("class") for dot in picture.findall("circle")] == [
                "head purchase",
                "head refund",
                "head purchase",
            ]

    def test_one_purchase_is_enough_for_a_timeline(self):
        days = pd.DataFrame({"day": [date(2024, 3, 31)], "net": [0.0]})
        assert len(drawn(Timeline(days, date(2024, 4, 1), 1, None, Money()).draw())) == 3

    def test_pairs_are_drawn_side_by_side_and_around_the_diagonal(self):
        pairs = [Pair(EVIL, 10.0, 12.0), Pair("2", 0.0, 0.0)]
        assert len(drawn(bars("d", EVIL, pairs, Money("£"), "tenth"))[0].findall("rect")) == 6
        shares = [Pair("1", 0.9, 0.8, 0.7, 0.85)]
        assert len(drawn(diagonal("c", "Calibration", shares, ("predicted", "actual")))[1].findall("circle")) == 1


def test_for_any_room_there_is_one_drawing():
    frame = svg.Frame(300, 100)
    made = drawn(svg.Drawing("d", "title", "words").fitted({0: frame, 37: frame, 60: frame}, lambda frame: []))
    assert [one.get("class") for one in made] == ["chart until-37", "chart from-37 until-60", "chart from-60"]
    assert len({one.get("aria-labelledby") for one in made}) == 3


def test_every_width_that_charts_use_is_known_to_the_style_sheet():
    style = (resources.files("serving.web") / "static" / "style.css").read_text()
    for width in svg.WIDTHS:
        assert f"(width < {width}rem) {{ .from-{width} {{ display: none; }} }}" in style
        assert f"(width >= {width}rem) {{ .until-{width} {{ display: none; }} }}" in style


def test_text_and_attributes_are_escaped():
    made = svg.element("text", EVIL, href=EVIL)
    assert "<script>" not in made
    assert drawn(svg.element("svg", made))[0].find("text").get("href") == EVIL
