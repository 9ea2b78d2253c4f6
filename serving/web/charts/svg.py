"""SVG: elements whose text and attributes are escaped, and the frame that a chart is drawn in."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

GLYPH_WIDTH = 0.58
"""Width of an average letter of a sans-serif face over its size, a little on the safe side."""
WIDTHS = (25, 30, 37, 60)
"""Widths in rem from which the style sheet can show another drawing."""
Value = str | float | int | None


def element(tag: str, *children: str, **attributes: Value) -> Markup:
    """Return an element.

    Parameters
    ----------
    tag
        Its name.
    children
        Markup stays markup; any other text is escaped.
    attributes
        `class_` is `class`, underscores are hyphens; numbers have two decimals at most, None leaves one out.
    """
    written = Markup("").join(
        Markup(' {}="{}"').format(name.rstrip("_").replace("_", "-"), _written(value))
        for name, value in attributes.items()
        if value is not None
    )
    return Markup("<{0}{1}>{2}</{0}>").format(tag, written, Markup("").join(map(escape, children)))


def text(words: str, x: float, y: float, class_: str = "label", anchor: str = "start") -> Markup:
    """Return a line of text that begins, is centred or ends at x, on the base line y."""
    return element("text", words, x=x, y=y, class_=class_, text_anchor=anchor)


def line(x1: float, y1: float, x2: float, y2: float, class_: str) -> Markup:
    """Return a straight line."""
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=class_)


def rectangle(x: float, y: float, width: float, height: float, class_: str, radius: float = 0.0) -> Markup:
    """Return a rectangle; what would be of negative size has none."""
    return element("rect", x=x, y=y, width=max(width, 0.0), height=max(height, 0.0), rx=radius or None, class_=class_)


def polyline(points: Iterable[tuple[float, float]], class_: str) -> Markup:
    """Return a line through points."""
    return element("polyline", points=" ".join(f"{x:.2f},{y:.2f}" for x, y in points), class_=class_)


def width_of(words: str, size: float) -> float:
    """Estimate the width of a line of text in a face of this size."""
    return GLYPH_WIDTH * size * len(words)


def spread(places: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Return places that keep their order and at least a gap, moved as little as a pass down and one up can do.

    Parameters
    ----------
    places
        In rising order.
    gap
        The least distance of neighbours; given up where there is no room for it.
    low, high
        What they stay between.
    """
    gap = min(gap, (high - low) / max(len(places) - 1, 1))
    moved: list[float] = []
    for i, place in enumerate(places):
        moved.append(max(place, low, moved[i - 1] + gap if i else low))
    ceiling = high
    for i in range(len(moved) - 1, -1, -1):
        moved[i] = min(moved[i], ceiling)
        ceiling = moved[i] - gap
    return moved


@dataclass(frozen=True)
class Frame:
    """The area of a chart in its own units, and the margins around the plot."""

    width: float
    height: float
    left: float = 48.0
    right: float = 16.0
    top: float = 16.0
    bottom: float = 44.0

    @property
    def inner_width(self) -> float:
        """Width of the plot."""
        return self.width - self.left - self.right

    @property
    def inner_height(self) -> float:
        """Height of the plot."""
        return self.height - self.top - self.bottom

    def x(self, share: float) -> float:
        """Return where a share of the width lies, from the left."""
        return self.left + share * self.inner_width

    def y(self, share: float) -> float:
        """Return where a share of the height lies, from below."""
        return self.top + (1.0 - share) * self.inner_height


@dataclass(frozen=True)
class Drawing:
    """What a screen reader is told of a chart, and for which width of screen it is drawn.

    Attributes
    ----------
    name
        Unique on the page.
    title, description
        What it shows, in a few words and in a sentence or two.
    """

    name: str
    title: str
    description: str

    def fitted(
        self, frames: Mapping[int, Frame], draw: Callable[[Frame], Iterable[str]], links: bool = False
    ) -> Markup:
        """Return an SVG for each width of room: the style sheet shows the one that fits.

        Parameters
        ----------
        frames
            By the least room, in rem, that each is shown from: 0 and others of `WIDTHS`, rising.
        draw
            Draws into a frame.
        links
            Whether it draws links.
        """
        least = [*frames, None]
        return Markup("").join(
            self.svg(frame, draw(frame), start, end, links)
            for (start, frame), end in zip(frames.items(), least[1:], strict=True)
        )

    def svg(self, frame: Frame, children: Iterable[str], start: int, end: int | None, links: bool) -> Markup:
        """Return the SVG for rooms of `start` to `end` rem; one with links is a group of them, any other one image."""
        name = f"{self.name}-{start}"
        return element(
            "svg",
            element("title", self.title, id=f"{name}-title"),
            element("desc", self.description, id=f"{name}-desc"),
            *children,
            viewBox=f"0 0 {frame.width:g} {frame.height:g}",
            width=frame.width,
            height=frame.height,
            role="group" if links else "img",
            aria_labelledby=f"{name}-title {name}-desc",
            class_=" ".join(["chart", *([f"from-{start}"] if start else []), *([f"until-{end}"] if end else [])]),
        )


def _written(value: Value) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
