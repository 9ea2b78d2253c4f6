"""Pairs: what was predicted beside what happened, as bars by decile or as points around the diagonal."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from serving.web.charts import svg
from serving.web.charts.numerals import Money, compact, share
from serving.web.charts.scale import scale
from serving.web.charts.svg import Drawing, Frame, element

FRAMES = {
    0: Frame(340, 300, left=50, right=6, top=34, bottom=46),
    30: Frame(546, 330, left=58, right=10, top=34, bottom=46),
}
TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True)
class Pair:
    """One group: its name, what was predicted and what happened, and the bounds of the latter where known."""

    group: str
    predicted: float
    actual: float
    low: float | None = None
    high: float | None = None


def bars(name: str, title: str, pairs: Sequence[Pair], money: Money, axis: str) -> Markup:
    """Draw two bars a group.

    Parameters
    ----------
    name, title
        Of the chart.
    pairs
        The groups, in order.
    money
        How values are written.
    axis
        What the groups are.
    """
    told = " ".join(f"{pair.group}: {money(pair.predicted)} and {money(pair.actual)}." for pair in pairs)
    drawing = Drawing(name, title, f"Predicted and actual by {axis}. {told}")
    return drawing.fitted(FRAMES, lambda frame: _bars(pairs, money.currency, axis, frame))


def diagonal(name: str, title: str, pairs: Sequence[Pair], axes: tuple[str, str]) -> Markup:
    """Draw a point a group, predicted share across and actual share upwards, with its bounds.

    Parameters
    ----------
    name, title
        Of the chart.
    pairs
        The groups.
    axes
        What runs across and what upwards.
    """
    told = " ".join(f"Predicted {share(pair.predicted)}, actual {share(pair.actual)}." for pair in pairs)
    drawing = Drawing(name, title, f"On the dashed line, prediction and outcome agree. {told}")
    return drawing.fitted(FRAMES, lambda frame: _points(pairs, axes, frame))


def _bars(pairs: Sequence[Pair], unit: str, axis: str, frame: Frame) -> list[Markup]:
    heights = scale(0.0, max(max(pair.predicted, pair.actual) for pair in pairs))
    drawn = []
    for tick in heights.ticks:
        y = frame.y(heights.share(tick))
        drawn.append(svg.line(frame.x(0), y, frame.x(1), y, "grid"))
        drawn.append(svg.text(compact(tick), frame.left - 6, y + 4, "tick", "end"))
    room = frame.inner_width / len(pairs)
    for i, pair in enumerate(pairs):
        middle = frame.left + (i + 0.5) * room
        for value, kind, left in ((pair.predicted, "predicted", middle - room * 0.38), (pair.actual, "actual", middle)):
            top = frame.y(heights.share(max(value, 0.0)))
            drawn.append(svg.rectangle(left, top, room * 0.36, frame.y(0) - top, f"bar {kind}"))
        drawn.append(svg.text(pair.group, middle, frame.y(0) + 17, "tick", "middle"))
    drawn.append(svg.text(axis, frame.x(0.5), frame.height - 8, "axis", "middle"))
    return drawn + _key(frame, unit)


def _points(pairs: Sequence[Pair], axes: tuple[str, str], frame: Frame) -> list[Markup]:
    drawn = []
    for tick in TICKS:
        drawn.append(svg.line(frame.x(0), frame.y(tick), frame.x(1), frame.y(tick), "grid"))
        drawn.append(svg.text(share(tick), frame.left - 6, frame.y(tick) + 4, "tick", "end"))
        anchor = "end" if tick == 1 else "middle"
        drawn.append(svg.text(share(tick), frame.x(tick), frame.y(0) + 17, "tick", anchor))
    drawn.append(svg.line(frame.x(0), frame.y(0), frame.x(1), frame.y(1), "reference"))
    for pair in pairs:
        x, y = frame.x(pair.predicted), frame.y(pair.actual)
        if pair.low is not None and pair.high is not None:
            drawn.append(svg.line(x, frame.y(pair.low), x, frame.y(pair.high), "reach"))
        drawn.append(element("circle", cx=float(x), cy=float(y), r=4.5, class_="dot"))
    drawn.append(svg.text(axes[0], frame.x(0.5), frame.height - 8, "axis", "middle"))
    drawn.append(svg.text(axes[1], 2, 14, "axis"))
    return drawn


def _key(frame: Frame, unit: str) -> list[Markup]:
    drawn, left = [], frame.left
    for kind in ("predicted", "actual"):
        drawn.append(svg.rectangle(left, 6, 12, 12, f"bar {kind}", radius=2))
        drawn.append(svg.text(kind, left + 17, 16, "axis"))
        left += 86
    return [*drawn, svg.text(f"{unit} a customer".strip(), frame.x(1), 16, "axis", "end")]
