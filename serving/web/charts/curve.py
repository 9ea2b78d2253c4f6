"""The value curve as a chart: the share of value that the best customers hold."""

import pandas as pd
from markupsafe import Markup

from serving.web.charts import svg
from serving.web.charts.numerals import share
from serving.web.charts.svg import Drawing, Frame

FRAMES = {
    0: Frame(340, 300, left=44, right=12, top=14, bottom=48),
    25: Frame(408, 400, left=48, right=14, top=14, bottom=48),
}
TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)
GAP = 16.0


def draw_curve(curve: pd.DataFrame, points: pd.DataFrame, value: str) -> Markup:
    """Draw the curve with some of its points named.

    Parameters
    ----------
    curve
        Of `value_curve`.
    points
        `top` (share of customers) and `share` (of value), rising.
    value
        What the value is called.
    """
    said = "; ".join(f"top {share(top)} hold {share(held)}" for top, held in points[["top", "share"]].to_numpy())
    drawing = Drawing("value-curve", f"Share of {value} that the best customers hold", f"{said}.")
    return drawing.fitted(FRAMES, lambda frame: _drawn(curve, points, value, frame))


def _drawn(curve: pd.DataFrame, points: pd.DataFrame, value: str, frame: Frame) -> list[Markup]:
    drawn = []
    for tick in TICKS:
        drawn.append(svg.line(frame.x(0), frame.y(tick), frame.x(1), frame.y(tick), "grid"))
        drawn.append(svg.text(share(tick), frame.left - 6, frame.y(tick) + 4, "tick", "end"))
        anchor = "end" if tick == 1 else "middle"
        drawn.append(svg.text(share(tick), frame.x(tick), frame.y(0) + 18, "tick", anchor))
    drawn.append(svg.line(frame.x(0), frame.y(0), frame.x(1), frame.y(1), "reference"))
    drawn.append(svg.polyline([(frame.x(x), frame.y(y)) for x, y in curve.to_numpy()], "curve"))
    # From the bottom of the screen upwards the shares fall, so the places are spread in reverse.
    places = [frame.y(held) + 4 for held in points["share"]][::-1]
    labels = svg.spread(places, GAP, frame.y(1) + 4, frame.y(0) - 4)[::-1]
    for (top, held), label in zip(points[["top", "share"]].to_numpy(), labels, strict=True):
        x, y = frame.x(top), frame.y(held)
        drawn.append(svg.element("circle", cx=float(x), cy=float(y), r=4, class_="dot"))
        words = f"top {share(top)} of customers: {share(held)}"
        drawn.append(svg.text(words, max(x + 12, frame.x(0.2) + 14), max(label, y + 4), "note"))
    drawn.append(svg.text("Customers, most valuable first", frame.x(0.5), frame.height - 8, "axis", "middle"))
    drawn.append(svg.text(f"Share of {value}", frame.x(1), frame.y(0) - 8, "axis", "end"))
    return drawn
