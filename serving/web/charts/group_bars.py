"""Group bars: one number for each of several groups, a horizontal bar each, from zero."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from serving.web.charts import svg
from serving.web.charts.scale import Scale, scale
from serving.web.charts.svg import Drawing, Frame

ROW, ABOVE, BELOW = 24.0, 8.0, 40.0
LAYOUTS = {0: (340.0, 126.0, 56.0), 30: (520.0, 148.0, 66.0)}
"""Width, and the room for names and for numbers, by the room there is."""
LETTER = 11.0
"""Size of the letters, as in the style sheet."""


@dataclass(frozen=True)
class GroupBars:
    """Draws a number a group.

    Attributes
    ----------
    name, title
        Of the chart; the name is unique on its page.
    rows
        Name and number of each group, from above; without missing numbers.
    write
        How numbers are written.
    axis
        What the numbers are, with their unit.
    reference
        A number to compare with, drawn as a dashed line; None: there is none.
    """

    name: str
    title: str
    rows: Sequence[tuple[str, float]]
    write: Callable[[float], str]
    axis: str
    reference: float | None = None

    def draw(self) -> Markup:
        """Return the chart for every width of room."""
        told = "; ".join(f"{group}: {self.write(number)}" for group, number in self.rows)
        drawing = Drawing(self.name, self.title, f"{self.axis}. {told}.")
        return drawing.fitted({room: self._frame(*layout) for room, layout in LAYOUTS.items()}, self._drawn)

    def _frame(self, breadth: float, left: float, right: float) -> Frame:
        return Frame(breadth, ABOVE + len(self.rows) * ROW + BELOW, left, right, ABOVE, BELOW)

    def _drawn(self, frame: Frame) -> list[Markup]:
        numbers = [number for _, number in self.rows]
        axis = scale(min(numbers), max([*numbers, self.reference or 0.0]), ticks=3)
        bottom = frame.y(0)
        drawn = []
        for tick in axis.ticks:
            x = frame.x(axis.share(tick))
            drawn.append(svg.line(x, frame.top, x, bottom, "base" if abs(tick) < axis.step / 2 else "grid"))
            drawn.append(svg.text(self.write(tick), x, bottom + 15, "tick", "middle"))
        places = [frame.top + place * ROW for place in range(len(self.rows))]
        drawn += [_bar(frame, axis, top, number) for top, number in zip(places, numbers, strict=True)]
        if self.reference is not None:
            x = frame.x(axis.share(self.reference))
            drawn.append(svg.line(x, frame.top, x, bottom, "next"))
        for top, (group, number) in zip(places, self.rows, strict=True):
            end = frame.x(axis.share(max(number, 0.0)))
            drawn.append(svg.text(_cut(group, frame.left - 10), frame.left - 8, top + 16, "tick", "end"))
            drawn.append(svg.text(self.write(number), end + 5, top + 16, "note"))
        drawn.append(svg.text(self.axis, frame.x(0.5), frame.height - 6, "axis", "middle"))
        return drawn


def _bar(frame: Frame, axis: Scale, top: float, number: float) -> Markup:
    ends = sorted((frame.x(axis.share(0.0)), frame.x(axis.share(number))))
    return svg.rectangle(ends[0], top + 4, ends[1] - ends[0], ROW - 8, "bar own" if number >= 0 else "bar actual")


def _cut(words: str, room: float) -> str:
    """Return as much of a text as there is room for; the table beside a chart has it whole."""
    if svg.width_of(words, LETTER) <= room:
        return words
    most = max(int(room / svg.width_of("x", LETTER)) - 1, 1)
    return words[:most].rstrip() + "…"
