"""The timeline of one customer as a chart: purchases, refunds, and what is expected next."""

from dataclasses import dataclass
from datetime import date, timedelta

import pandas as pd
from markupsafe import Markup

from serving.web.charts import svg
from serving.web.charts.numerals import Money, compact, day, month
from serving.web.charts.scale import Scale, month_ticks, scale
from serving.web.charts.svg import Drawing, Frame, element

FRAMES = {
    0: Frame(340, 280, left=50, right=8, top=26, bottom=48),
    37: Frame(700, 300, left=56, right=12, top=26, bottom=48),
    60: Frame(1160, 300, left=64, right=16, top=26, bottom=48),
}
UNITS_A_TICK = 66.0
"""Room that the name of a month takes on the axis."""


@dataclass(frozen=True)
class Timeline:
    """Draws the purchases of one customer.

    Attributes
    ----------
    days
        `day`, `net` (money): of `purchases`; not empty.
    as_of, horizon_days
        Where knowledge ends, and how far the prediction reaches.
    next_order
        When the next order is as likely as not to have come; None: not foreseeable.
    money
        How money is written.
    """

    days: pd.DataFrame
    as_of: date
    horizon_days: int
    next_order: date | None
    money: Money

    def draw(self) -> Markup:
        """Return the chart for wide and for narrow screens."""
        days = self.days
        told = (
            f"{len(days)} days with purchases or refunds from {day(days['day'].iloc[0])} to {day(days['day'].iloc[-1])}"
        )
        drawing = Drawing("timeline", "Purchases by day", f"{told}, the largest {self.money(days['net'].max())}.")
        return drawing.fitted(FRAMES, self._drawn)

    @property
    def _span(self) -> tuple[date, date]:
        end = self.as_of + timedelta(days=self.horizon_days)
        return self.days["day"].iloc[0], max(end, self.next_order or end)

    def _x(self, frame: Frame, on: date) -> float:
        first, last = self._span
        return frame.x(0.02 + 0.96 * (on - first).days / max((last - first).days, 1))

    def _drawn(self, frame: Frame) -> list[Markup]:
        axis = scale(float(self.days["net"].min()), float(self.days["net"].max()))
        return [*self._grid(frame, axis), *self._ahead(frame), *self._stems(frame, axis)]

    def _grid(self, frame: Frame, axis: Scale) -> list[Markup]:
        drawn = []
        for tick in axis.ticks:
            y = frame.y(axis.share(tick))
            drawn.append(svg.line(frame.x(0), y, frame.x(1), y, "base" if tick == 0 else "grid"))
            drawn.append(svg.text(compact(tick), frame.left - 6, y + 4, "tick", "end"))
        bottom = frame.y(0)
        for first in month_ticks(*self._span, int(frame.inner_width / UNITS_A_TICK)):
            x, words = self._x(frame, first), month(first)
            half = svg.width_of(words, 11.0) / 2
            drawn.append(svg.line(x, bottom, x, bottom + 5, "base"))
            drawn.append(svg.text(words, min(max(x, half), frame.width - half), bottom + 19, "tick", "middle"))
        caption = "Net spend of the day" + (f", {self.money.currency}" if self.money.currency else "")
        return [
            *drawn,
            svg.text(caption, 2, 12, "axis"),
            svg.text("Date", frame.x(0.5), frame.height - 8, "axis", "middle"),
        ]

    def _ahead(self, frame: Frame) -> list[Markup]:
        start, end = self._x(frame, self.as_of), self._x(frame, self.as_of + timedelta(days=self.horizon_days))
        drawn = [svg.rectangle(start, frame.top, end - start, frame.inner_height, "ahead")]
        drawn.append(svg.line(start, frame.top, start, frame.y(0), "now"))
        if self.next_order is not None:
            x, words = self._x(frame, self.next_order), f"next order by {day(self.next_order)}"
            left = min(x + 4, frame.width - svg.width_of(words, 11.0) - 2)
            drawn.append(svg.line(x, frame.top - 4, x, frame.y(0), "next"))
            drawn.append(
                svg.text(
                    words, left if left > x else frame.width - 4, frame.top - 8, "note", "start" if left > x else "end"
                )
            )
        return drawn

    def _stems(self, frame: Frame, axis: Scale) -> list[Markup]:
        zero = frame.y(axis.share(0.0))
        drawn = []
        for row in self.days.itertuples():
            x, y = self._x(frame, row.day), frame.y(axis.share(float(row.net)))
            kind = "refund" if row.net < 0 else "purchase"
            told = element("title", f"{day(row.day)}: {self.money.exact(row.net)}")
            stem = svg.line(x, zero, x, y, f"stem {kind}")
            head = element("circle", told, cx=float(x), cy=float(y), r=4, class_=f"head {kind}")
            drawn += [stem, head]
        return drawn
