"""Flows between segments as a chart: bands from where customers were to where they are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
from markupsafe import Markup

from serving.web.charts import svg
from serving.web.charts.numerals import compact, count
from serving.web.charts.svg import Drawing, Frame, element

FRAMES = {
    0: Frame(340, 520, left=116, right=104, top=34, bottom=6),
    37: Frame(700, 540, left=160, right=160, top=34, bottom=6),
    60: Frame(1000, 540, left=176, right=176, top=34, bottom=6),
}
NODE, GAP, LEAST = 8.0, 5.0, 15.0


@dataclass(frozen=True)
class FlowChart:
    """Draws flows.

    Attributes
    ----------
    flows
        `source`, `target`, `customers`, `direction` (up, down, stayed, new, gone).
    before, after
        What stands above either side: the dates.
    least
        Smallest flow that is drawn.
    order
        Names from the top of either side down.
    """

    flows: pd.DataFrame
    before: str
    after: str
    least: int
    order: Sequence[str]

    def draw(self) -> Markup:
        """Return the chart for wide and for narrow screens."""
        shown = self.flows[self.flows["source"] != self.flows["target"]].nlargest(5, "customers")
        largest = "; ".join(f"{flow.source} to {flow.target}, {count(flow.customers)}" for flow in shown.itertuples())
        drawing = Drawing(
            "migration",
            f"Customers by segment, {self.before} and {self.after}",
            f"Bands lead from a customer's segment then to the one now. Largest moves: {largest or 'none'}.",
        )
        return drawing.fitted(FRAMES, self._drawn)

    def _drawn(self, frame: Frame) -> list[Markup]:
        sources, targets = (_totals(self.flows, side, self.order) for side in ("source", "target"))
        left, right = _stacked(sources, frame), _stacked(targets, frame)
        return [
            svg.text(self.before, frame.left, 14, "axis", "end"),
            svg.text(self.after, frame.width - frame.right, 14, "axis"),
            *self._bands(frame, left, right),
            *_nodes(sources, left, frame.left, frame, "end"),
            *_nodes(targets, right, frame.width - frame.right, frame, "start"),
        ]

    def _bands(self, frame: Frame, left: Mapping[str, "Place"], right: Mapping[str, "Place"]) -> list[Markup]:
        leaving, arriving = (dict.fromkeys(places, 0.0) for places in (left, right))
        drawn = []
        for flow in self.flows.itertuples():
            source, target = left[flow.source], right[flow.target]
            y1, h1 = source.top + leaving[flow.source], source.height * flow.customers / source.customers
            y2, h2 = target.top + arriving[flow.target], target.height * flow.customers / target.customers
            leaving[flow.source] += h1
            arriving[flow.target] += h2
            if flow.customers >= self.least:
                x1, x2 = frame.left + NODE, frame.width - frame.right - NODE
                path = _band(x1, (y1, y1 + h1), x2, (y2, y2 + h2))
                told = f"{flow.source} to {flow.target}: {count(flow.customers)} customers"
                drawn.append(element("path", element("title", told), d=path, class_=f"band {flow.direction}"))
        return drawn


@dataclass(frozen=True)
class Place:
    """Where a segment stands on its side, and how many customers it holds."""

    top: float
    height: float
    customers: int


def _totals(flows: pd.DataFrame, side: str, order: Sequence[str]) -> dict[str, int]:
    sums = flows.groupby(side)["customers"].sum()
    return {name: int(sums[name]) for name in order if name in sums.index}


def _stacked(totals: Mapping[str, int], frame: Frame) -> dict[str, Place]:
    """Stack segments from above: each at least as high as its label, the rest of the height by customers."""
    free = frame.inner_height - len(totals) * (LEAST + GAP) + GAP
    everybody, top, found = sum(totals.values()), frame.top, {}
    for name, customers in totals.items():
        height = LEAST + free * customers / everybody
        found[name] = Place(top, height, customers)
        top += height + GAP
    return found


def _nodes(totals: Mapping[str, int], places: Mapping[str, Place], x: float, frame: Frame, anchor: str) -> list[Markup]:
    roomy = frame.left > 150
    drawn = []
    for name, customers in totals.items():
        place = places[name]
        drawn.append(svg.rectangle(x if anchor == "end" else x - NODE, place.top, NODE, place.height, "node"))
        away = -6.0 if anchor == "end" else 6.0
        label = f"{name}, {compact(customers)}" if roomy else name
        drawn.append(svg.text(label, x + away, place.top + place.height / 2 + 4, "region", anchor))
    return drawn


def _band(x1: float, left: tuple[float, float], x2: float, right: tuple[float, float]) -> str:
    middle = (x1 + x2) / 2
    (a, b), (c, d) = left, right
    return (
        f"M{x1:.1f},{a:.1f} C{middle:.1f},{a:.1f} {middle:.1f},{c:.1f} {x2:.1f},{c:.1f} "
        f"L{x2:.1f},{d:.1f} C{middle:.1f},{d:.1f} {middle:.1f},{b:.1f} {x1:.1f},{b:.1f} Z"
    )
