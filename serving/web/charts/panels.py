"""Panels: one small line chart a group, each on a scale of its own from zero."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

import pandas as pd
from markupsafe import Markup

from serving.web.charts import svg
from serving.web.charts.numerals import day, month
from serving.web.charts.scale import scale
from serving.web.charts.svg import Drawing, Frame

PANEL_HEIGHT = 132.0
COLUMNS = {0: (340.0, 2), 37: (700.0, 3), 60: (1160.0, 4)}
"""Width, and how many panels side by side, by the room there is."""


@dataclass(frozen=True)
class Panels:
    """Draws the value of groups over scorings.

    Attributes
    ----------
    name, title
        Of the chart.
    rows
        `as_of`, `group`, `clv`: of `trend`.
    groups
        The groups to be drawn, in order.
    write
        How values are written.
    """

    name: str
    title: str
    rows: pd.DataFrame
    groups: tuple[str, ...]
    write: Callable[[float], str]

    def draw(self) -> Markup:
        """Return the chart for wide and for narrow screens."""
        dates = sorted(self.rows["as_of"].unique())
        told = f"From {day(dates[0])} to {day(dates[-1])}. " + " ".join(self._told(group) for group in self.groups)
        drawing = Drawing(self.name, self.title, told)
        frames = {
            room: Frame(width, PANEL_HEIGHT * -(-len(self.groups) // most)) for room, (width, most) in COLUMNS.items()
        }
        return drawing.fitted(frames, self._drawn)

    def _drawn(self, frame: Frame) -> list[Markup]:
        columns = next(most for width, most in COLUMNS.values() if width == frame.width)
        breadth = frame.width / columns
        drawn = []
        for i, group in enumerate(self.groups):
            drawn += self._panel(group, (i % columns) * breadth, (i // columns) * PANEL_HEIGHT, breadth)
        return drawn

    def _panel(self, group: str, left: float, top: float, breadth: float) -> list[Markup]:
        own = self._own(group)
        frame = Frame(left + breadth, top + PANEL_HEIGHT, left + 50, 14, top + 36, 30)
        dates, values = list(own["as_of"]), [float(value) for value in own["clv"]]
        axis = scale(0.0, max(values), ticks=2)
        span = max((dates[-1] - dates[0]).days, 1)
        places = [
            (frame.x((on - dates[0]).days / span), frame.y(axis.share(v))) for on, v in zip(dates, values, strict=True)
        ]
        drawn = [svg.text(group, left + 4, top + 16, "panel")]
        for tick in axis.ticks:
            y = frame.y(axis.share(tick))
            drawn.append(svg.line(frame.x(0), y, frame.x(1), y, "grid"))
            drawn.append(svg.text(self.write(tick), frame.left - 5, y + 4, "tick", "end"))
        drawn.append(svg.polyline(places, "curve"))
        drawn += [svg.element("circle", cx=float(x), cy=float(y), r=3, class_="dot") for x, y in places]
        drawn.append(svg.text(self.write(values[-1]), places[-1][0], _beside_line(places, frame), "note", "end"))
        return drawn + self._dates(frame, dates)

    def _dates(self, frame: Frame, dates: list[date]) -> list[Markup]:
        y = frame.height - 12
        first, last = month(dates[0]), month(dates[-1])
        if first == last:
            first, last = day(dates[0]), day(dates[-1])
        return [svg.text(first, frame.left - 4, y, "tick"), svg.text(last, frame.x(1) + 4, y, "tick", "end")]

    def _own(self, group: str) -> pd.DataFrame:
        return self.rows[self.rows["group"] == group].sort_values("as_of")

    def _told(self, group: str) -> str:
        values = self._own(group)["clv"]
        return f"{group}: from {self.write(values.iloc[0])} to {self.write(values.iloc[-1])}."


def _beside_line(places: Sequence[tuple[float, float]], frame: Frame) -> float:
    """Return the base line of the last value: where the line does not run, below a fall and above a rise."""
    last, before = places[-1][1], places[-2][1] if len(places) > 1 else places[-1][1]
    below = last + 16
    return below if before < last - 2 and below < frame.y(0) - 2 else last - 7
