"""The RFM map as a chart: a grid of recency by frequency and spend, each mark as large as its customers are many."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any

import pandas as pd
from markupsafe import Markup

from serving.segments import GRID
from serving.web.charts import svg
from serving.web.charts.numerals import Money, compact, count
from serving.web.charts.palette import SHADES, shades_of_money
from serving.web.charts.svg import Drawing, Frame, element

FRAMES = {
    0: Frame(340, 540, left=34, right=2, top=6, bottom=98),
    37: Frame(640, 540, left=46, right=4, top=8, bottom=98),
}
SIZE, SIDES = 11.0, 5
Link = Callable[[int, int], str | None]


@dataclass(frozen=True)
class RfmChart:
    """Draws the map.

    Attributes
    ----------
    cells
        Of `rfm_map`.
    link
        From the scores r and fm to the address of the list of a cell; None: not for this reader.
    money, value
        How money is written, and what the value is called.
    """

    cells: pd.DataFrame
    link: Link
    money: Money
    value: str

    def draw(self) -> Markup:
        """Return the chart for wide and for narrow screens."""
        drawing = Drawing(
            "rfm-map",
            "RFM map: customers by recency, and by frequency and spend",
            f"A grid of five by five. Each mark's area is its number of customers, its colour their {self.value} a "
            "customer, darker for more. Each mark is a link to the list of its customers.",
        )
        return drawing.fitted(FRAMES, self._drawn, links=True)

    def _drawn(self, frame: Frame) -> list[Markup]:
        return [*self._regions(frame), *self._marks(frame), *self._axes(frame)]

    def _marks(self, frame: Frame) -> list[Markup]:
        most = max(int(self.cells["customers"].max()), 1)
        shades = shades_of_money(self.cells["clv_each"])
        return [
            self._mark(frame, cell, sqrt(int(cell["customers"]) / most), colour)
            for cell, colour in zip(self.cells.to_dict("records"), shades, strict=True)
            if cell["customers"] > 0
        ]

    def _mark(self, frame: Frame, cell: Mapping[str, Any], scale: float, colour: str) -> Markup:
        r, fm, customers = int(cell["r"]), int(cell["fm"]), int(cell["customers"])
        width, height = frame.inner_width / SIDES, frame.inner_height / SIDES
        room = min(width - 8.0, height - 24.0)
        side = max(scale * room, 4.0)
        x, y = frame.left + (fm - 0.5) * width, frame.top + (SIDES - r) * height + 18.0 + room / 2
        words = compact(customers)
        fits = svg.width_of(words, SIZE) + 6 <= side
        label = svg.text(words, x, y + 4, f"count {colour}", "middle") if fits else _beside(words, x, y, side)
        told = (
            f"{cell['segment']}: {count(customers)} customers, recency score {r}, frequency and spend score {fm}, "
            f"{self.value} {self.money(cell['clv_each'])} each. Open the list."
        )
        square = svg.rectangle(x - side / 2, y - side / 2, side, side, f"mark {colour}", radius=min(4.0, side / 4))
        whole = svg.rectangle(x - width / 2, frame.top + (SIDES - r) * height, width, height, "touch")
        return element("a", element("title", told), whole, square, label, href=self.link(r, fm), aria_label=told)

    def _regions(self, frame: Frame) -> list[Markup]:
        width, height = frame.inner_width / SIDES, frame.inner_height / SIDES
        drawn = [svg.rectangle(frame.left, frame.top, frame.inner_width, frame.inner_height, "plot")]
        for r, row in GRID.items():
            for place, name in enumerate(row):
                x, y = frame.left + place * width, frame.top + (SIDES - r) * height
                if place and row[place - 1] != name:
                    drawn.append(svg.line(x, y, x, y + height, "border"))
                if r < SIDES and GRID[r + 1][place] != name:
                    drawn.append(svg.line(x, y, x + width, y, "border"))
                if _names_region(r, place):
                    lines = _wrapped(name, width * _breadth(row, place) - 8)
                    drawn += [svg.text(part, x + 5, y + 13 + 11 * i, "region") for i, part in enumerate(lines)]
        return drawn

    def _axes(self, frame: Frame) -> list[Markup]:
        width, height = frame.inner_width / SIDES, frame.inner_height / SIDES
        bottom = frame.top + frame.inner_height
        drawn = []
        for score in range(1, SIDES + 1):
            y = frame.top + (SIDES - score + 0.5) * height
            drawn.append(svg.text(str(score), frame.left - 8, y + 4, "tick", "end"))
            drawn.append(svg.text(str(score), frame.left + (score - 0.5) * width, bottom + 16, "tick", "middle"))
        middle = frame.top + frame.inner_height / 2
        turned = f"rotate(-90 12 {middle:.1f})"
        vertical = "Recency score (5: bought most recently)"
        drawn.append(element("text", vertical, x=12, y=middle, class_="axis", text_anchor="middle", transform=turned))
        horizontal = "Frequency and spend score (5: most)"
        drawn.append(svg.text(horizontal, frame.x(0.5), bottom + 34, "axis", "middle"))
        return [*drawn, *self._legend(frame, bottom + 50)]

    def _legend(self, frame: Frame, top: float) -> list[Markup]:
        each = self.cells.loc[self.cells["clv_each"] > 0, "clv_each"]
        if each.empty:
            return []
        side, left = 20.0, frame.x(0.5) - SHADES * 10.0
        boxes = [svg.rectangle(left + i * side, top, side, 12, f"mark shade-{i}") for i in range(SHADES)]
        low, high = self.money(each.min()), self.money(each.max())
        return [
            *boxes,
            svg.text(low, left - 6, top + 10, "tick", "end"),
            svg.text(high, left + SHADES * side + 6, top + 10, "tick"),
            svg.text(f"Colour: {self.value} a customer", frame.x(0.5), top + 28, "axis", "middle"),
            svg.text("Area: number of customers", frame.x(0.5), top + 43, "axis", "middle"),
        ]


def _beside(words: str, x: float, y: float, side: float) -> Markup:
    return svg.text(words, x + side / 2 + 4, y + 4, "count")


def _names_region(r: int, place: int) -> bool:
    """Tell whether a cell is the first of its region, from the top left: neither neighbour carries the name."""
    name = GRID[r][place]
    if place and GRID[r][place - 1] == name:
        return False
    above = GRID.get(r + 1, ())
    return not (above and above[place] == name)


def _breadth(row: Sequence[str], place: int) -> int:
    end = place
    while end < len(row) and row[end] == row[place]:
        end += 1
    return end - place


def _wrapped(name: str, width: float) -> list[str]:
    if svg.width_of(name, 10.0) <= width or " " not in name:
        return [name]
    head, _, tail = name.rpartition(" ")
    return [head, tail]
