"""The overview: who matters and why, on one page."""

from datetime import date
from typing import Annotated, Any

import ibis
import pandas as pd
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response
from ibis.expr import types as ir
from markupsafe import Markup

from regulars.errors import StoreError
from serving.segments import SEGMENTS
from serving.storage.customer_table import UNKNOWN_CHANNEL
from serving.valuation.concentration import concentration
from serving.web.charts.curve import draw_curve
from serving.web.charts.flow import FlowChart
from serving.web.charts.numerals import Money, compact, day
from serving.web.charts.panels import Panels
from serving.web.charts.rfm_chart import RfmChart
from serving.web.pages.cohorts import MONTHS, Period, retention, suitable_period
from serving.web.pages.headline import Headline, headline
from serving.web.pages.migration import EVERYWHERE, direction, least_shown, matrix, migration, moved
from serving.web.pages.play_counts import play_counts
from serving.web.pages.retention_table import retention_rows
from serving.web.pages.rfm_map import rfm_map
from serving.web.pages.trend import trend
from serving.web.pages.value_curve import value_curve
from serving.web.pages.visit import Scored, Visit, visit
from serving.web.rendering import render
from serving.web.settings import settings_of

SHOWN_PLAYS = 4
MOST_CHANNELS = 12
router = APIRouter()


@router.get("/")
def overview(
    request: Request,
    here: Annotated[Visit, Depends(visit("economics:read"))],
    cohort: Annotated[Period | None, Query()] = None,
    before: Annotated[str, Query(max_length=40)] = "",
) -> Response:
    """Show headline numbers, the RFM map, concentration, retention, trend and migration."""
    money = Money(settings_of(request).currency)
    listed = "lists:read" in here.caller.scopes
    return render(
        request,
        "overview.html",
        here=here,
        listed=listed,
        **_headlines(here),
        plays=_best_plays(here),
        **here.recall("map drawn", lambda: _map(here, money, listed), listed),
        **here.recall("concentration drawn", lambda: _concentration(here)),
        **here.recall("retention", lambda: _retention(here, cohort), cohort),
        **here.recall("trends drawn", lambda: _trends(here)),
        **here.recall("migration drawn", lambda: _migration(here, before), before),
    )


def _headlines(here: Visit) -> dict[str, Any]:
    now = _headline(here, here.scored)
    then = _headline(here, here.previous) if here.previous else None
    return {"now": now, "then": then, "total": here.record.get("total") or {}}


def _headline(here: Visit, scored: Scored) -> Headline:
    return here.recall("headline", lambda: headline(here.scores(scored)), scored)


def _best_plays(here: Visit) -> list[Any]:
    counts = [one for one in play_counts(here) if one.play.contacted and one.customers]
    return sorted(counts, key=lambda one: -one.worth)[:SHOWN_PLAYS]


def _map(here: Visit, money: Money, listed: bool) -> dict[str, Any]:
    cells = here.recall("map", lambda: rfm_map(here.values()))

    def link(r: int, fm: int) -> str | None:
        return here.link("/lists/custom", r=r, fm=fm) if listed else None

    chart = RfmChart(cells, link, money, here.value_name)
    by_segment = cells.groupby("segment", sort=False)[["customers", "clv"]].sum()
    known = {segment.name: segment for segment in SEGMENTS}
    segments = [
        (known[name], int(row["customers"]), float(row["clv"]), row["clv"] / max(row["customers"], 1))
        for name, row in by_segment.reindex([segment.name for segment in SEGMENTS]).iterrows()
    ]
    return {"map_chart": chart.draw(), "segments": segments}


def _concentration(here: Visit) -> dict[str, Any]:
    curve = value_curve(here.values())
    if curve.empty:
        return {"curve_chart": None, "tops": []}
    tops = concentration(here.values()).dropna(subset="share_of_value")
    points = tops.rename(columns={"top_share": "top", "share_of_value": "share"})
    return {"curve_chart": draw_curve(curve, points, here.value_name), "tops": points.to_dict("records")}


def _retention(here: Visit, period: Period | None) -> dict[str, Any]:
    ledger = here.ledger()
    if ledger is None:
        return {"retention": None, "period": period or "month", "periods": list(MONTHS)}
    as_of = here.scored.as_of
    first = ledger.aggregate(day=ledger.day.min(where=ledger.gross > 0)).to_pyarrow()["day"][0].as_py()
    chosen = period or suitable_period(first or as_of, as_of)
    rows = retention_rows(retention(ledger, as_of, chosen), chosen)
    return {"retention": rows, "period": chosen, "periods": list(MONTHS)}


def _trends(here: Visit) -> dict[str, Any]:
    if len(here.earlier) < 2:
        return {"segment_trend": None, "channel_trend": None, "trend_rows": []}
    by_segment = trend({one.as_of: here.scores(one) for one in here.earlier}, "segment")
    by_channel = trend({one.as_of: _with_channel(here, one) for one in here.earlier}, "channel")
    names = tuple(s.name for s in SEGMENTS if s.name in set(by_segment["group"]))
    newest = by_channel[by_channel["as_of"] == here.scored.as_of].nlargest(MOST_CHANNELS, "clv")
    channels = tuple(str(name) for name in newest["group"])
    title = f"{here.value_name} over scorings"
    charts = {
        "segment_trend": Panels("trend-segment", f"{title}, by segment", by_segment, names, compact).draw(),
        "channel_trend": Panels("trend-channel", f"{title}, by channel", by_channel, channels, compact).draw()
        if len(channels) > 1
        else None,
    }
    return charts | {"trend_rows": _trend_rows(by_segment, names) + _trend_rows(by_channel, channels)}


def _with_channel(here: Visit, scored: Scored) -> ir.Table:
    """Return values with channels: of old scorings, nobody asks for all else that customers were worth."""
    scores = here.scores(scored)
    try:
        customers = here.store().customers()
    except StoreError:
        return scores.mutate(channel=ibis.literal(UNKNOWN_CHANNEL))
    known = customers.select(_customer=customers.customer_id, channel=customers.channel)
    joined = scores.left_join(known, scores.customer_id == known._customer)
    return joined.select("clv", channel=joined.channel.fill_null(UNKNOWN_CHANNEL))


def _trend_rows(rows: pd.DataFrame, groups: tuple[str, ...]) -> list[tuple[str, list[float]]]:
    return [(name, list(rows[rows["group"] == name].sort_values("as_of")["clv"])) for name in groups]


def _migration(here: Visit, before: str) -> dict[str, Any]:
    choices = here.earlier[:-1]
    chosen = next((one for one in choices if one.text == before), choices[-1] if choices else None)
    if chosen is None:
        return {"flow_chart": None, "before": None, "before_choices": (), "moved": {}, "flows": None}
    flows = migration(here.scores(chosen), here.scores())
    return {
        "flow_chart": _flow_chart(flows, chosen.as_of, here.scored.as_of),
        "before": chosen,
        "before_choices": choices,
        "moved": moved(flows),
        "flows": matrix(flows),
    }


def _flow_chart(flows: pd.DataFrame, before: date, after: date) -> Markup:
    ways = [direction(str(flow.source), str(flow.target)) for flow in flows.itertuples()]
    return FlowChart(flows.assign(direction=ways), day(before), day(after), least_shown(flows), EVERYWHERE).draw()
