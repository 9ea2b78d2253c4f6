"""Ranking bars: how well several models rank customers, one horizontal bar each."""

from collections.abc import Sequence

from markupsafe import Markup

from serving.web.charts import svg
from serving.web.charts.svg import Drawing, Frame

ROW = 30.0
LAYOUTS = {0: (340.0, 168.0), 37: (660.0, 176.0)}
"""Width, and the room for names, by the room there is."""


def ranking_bars(scores: Sequence[tuple[str, float, bool]]) -> Markup:
    """Draw a bar a model.

    Parameters
    ----------
    scores
        Name, Gini coefficient (1: perfect, 0: chance) and whether it is the product's own.
    """
    told = "; ".join(f"{name} {gini:.3f}" for name, gini, _ in scores)
    drawing = Drawing(
        "ranking", "How well models rank customers by spend (Gini)", f"1 is perfect, 0 is chance. {told}."
    )
    frames = {room: _frame(*layout, len(scores)) for room, layout in LAYOUTS.items()}
    return drawing.fitted(frames, lambda frame: _drawn(scores, frame))


def _frame(breadth: float, left: float, bars: int) -> Frame:
    return Frame(breadth, bars * ROW + 40.0, left=left, right=46, top=6, bottom=34)


def _drawn(scores: Sequence[tuple[str, float, bool]], frame: Frame) -> list[Markup]:
    drawn = []
    for tick in (0.0, 0.5, 1.0):
        drawn.append(svg.line(frame.x(tick), frame.top, frame.x(tick), frame.y(0), "grid"))
        drawn.append(svg.text(f"{tick:g}", frame.x(tick), frame.y(0) + 15, "tick", "middle"))
    for i, (name, gini, own) in enumerate(scores):
        y = frame.top + i * ROW
        kind = "own" if own else "other"
        drawn.append(svg.text(name, frame.left - 8, y + 19, "note" if own else "tick", "end"))
        drawn.append(
            svg.rectangle(frame.left, y + 5, frame.inner_width * min(max(gini, 0.0), 1.0), ROW - 10, f"bar {kind}")
        )
        drawn.append(svg.text(f"{gini:.3f}", frame.x(min(max(gini, 0.0), 1.0)) + 6, y + 19, "note"))
    drawn.append(svg.text("Gini: 1 is perfect, 0 is chance", frame.x(0.5), frame.height - 4, "axis", "middle"))
    return drawn
