"""The report: one page of a store for a manager, in a file of its own that needs nothing else and names nobody."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
from fastapi import Request
from ibis.expr import types as ir
from markupsafe import Markup

from features.whole_file import whole_file
from serving.report_groups import Groups, everybody, groups_of
from serving.segments import SEGMENTS
from serving.storage.customer_table import UNKNOWN_CHANNEL
from serving.store import Store
from serving.valuation.concentration import concentration
from serving.valuation.textbook import textbook
from serving.web.access import Caller
from serving.web.charts.curve import draw_curve
from serving.web.charts.flow import FlowChart
from serving.web.charts.numerals import NOTHING, Money, day, is_none
from serving.web.charts.panels import Panels
from serving.web.charts.ranking_bars import ranking_bars
from serving.web.pages import equip
from serving.web.pages.card_reading import Card, read_card
from serving.web.pages.headline import headline
from serving.web.pages.hindsight import hindsight, outcomes
from serving.web.pages.memory import Answer, Memory
from serving.web.pages.migration import EVERYWHERE, direction, least_shown, matrix, migration, moved
from serving.web.pages.model import GOOD, OWN, RANKING
from serving.web.pages.play_counts import play_counts
from serving.web.pages.trend import trend
from serving.web.pages.value_curve import value_curve
from serving.web.pages.visit import Scored, Visit
from serving.web.reader import Reader
from serving.web.rendering import environment

TEMPLATE = "report.html"
STYLES = ("style.css", "report.css")
STATIC = Path(__file__).parent / "web" / "static"
GROUPED_BY = ("segment", "channel", "cohort", "value_tier")
LIMITS = ("What it does not know", "What must not be done with it", "Where it fails")
"""Sections of the model card that say what it cannot do."""
MOST_CHANNELS = 12


@dataclass(frozen=True)
class Report(Visit):
    """One reading of a store by nobody in particular: it answers all that a page would ask."""

    memory: Memory = field(default_factory=Memory)

    def recall(self, name: str, work_out: Callable[[], Answer], *depends_on: Hashable) -> Answer:
        """Return an answer over all customers of this scoring, worked out once."""
        return self.memory.recall((self.scored, name, *depends_on), work_out)


def write_report(
    folder: Path, out: Path, as_of: date | None = None, horizon_days: int | None = None, currency: str = ""
) -> Scored:
    """Write the report of a store to a file, which appears whole or not at all, and return what it is of.

    Parameters
    ----------
    folder
        Of the store.
    out
        The file.
    as_of, horizon_days
        As for `Store.scores`.
    currency
        Stands beside money, such as ``£`` or ``EUR``; empty: nothing does.

    Raises
    ------
    StoreError
        As `Store.scores`.
    RegularsError
        The file cannot be written.
    """
    here = read_store(folder, as_of, horizon_days)
    text = draw_report(here, currency)
    with whole_file(out) as part:
        part.write_text(text, encoding="utf-8")
    return here.scored


def read_store(folder: Path, as_of: date | None = None, horizon_days: int | None = None) -> Report:
    """Return a store as a report reads it; parameters and errors as for `write_report`."""
    store = Store(folder)
    scored = Scored(*store.choose(as_of, horizon_days))
    held = tuple(sorted(Scored(*one) for one in store.held()))
    return Report(Request({"type": "http"}), Caller("report", frozenset()), Reader(store), scored, held)


def draw_report(here: Report, currency: str = "") -> str:
    """Return the page as HTML: style inlined, charts as SVG, no script, nothing to be fetched."""
    templates = environment()
    equip(templates)
    templates.filters |= {"ratio": _ratio, "yes_or_no": _yes_or_no, "months": _months}
    money = Money(currency)
    names = {
        "here": here,
        "currency": currency,
        "style": Markup("\n").join(Markup((STATIC / name).read_text(encoding="utf-8")) for name in STYLES),  # noqa: S704
        **_worth(here, money),
        **_changes(here, money),
        **_model(here),
        "plays": play_counts(here),
    }
    return templates.get_template(TEMPLATE).render(names)


def _ratio(number: Any) -> str:
    return NOTHING if is_none(number) else f"{number:.1f}"


def _yes_or_no(known: Any) -> str:
    return NOTHING if pd.isna(known) else "yes" if known else "no"


def _months(number: Any) -> str:
    return "never" if is_none(number) else f"{number:.1f}"


def _worth(here: Report, money: Money) -> dict[str, Any]:
    values = here.values()
    groups = [groups_of(values, by, here.value_name, money) for by in GROUPED_BY]
    return {
        "now": headline(values),
        "total": here.record.get("total") or {},
        "terms": here.record.get("economics") or {},
        "everybody": everybody(values),
        "groups": [one for one in groups if _says_something(one)],
        "unsaid": [one.title for one in groups if not _says_something(one)],
        "textbook": textbook(here.store(), here.scored.as_of, here.scored.horizon_days).to_dict("records"),
        **_concentration(values, here.value_name),
    }


def _says_something(groups: Groups) -> bool:
    """Tell whether customers are known to differ in it."""
    return groups.by in ("segment", "value_tier") or len(groups.rows) > 1


def _concentration(values: ir.Table, called: str) -> dict[str, Any]:
    tops, curve = concentration(values), value_curve(values)
    named = tops.dropna(subset="share_of_value")
    points = named.rename(columns={"top_share": "top", "share_of_value": "share"})
    drawn = None if curve.empty or points.empty else draw_curve(curve, points, called)
    return {"tops": named.to_dict("records"), "curve_chart": drawn}


def _changes(here: Report, money: Money) -> dict[str, Any]:
    if here.previous is None:
        return {"then": None, "moves": {}, "flows": None, "flow_chart": None, "trends": []}
    before = here.scores(here.previous)
    flows = migration(before, here.scores())
    ways = [direction(str(flow.source), str(flow.target)) for flow in flows.itertuples()]
    dates = day(here.previous.as_of), day(here.scored.as_of)
    return {
        "then": headline(before),
        "moves": moved(flows),
        "flows": matrix(flows),
        "flow_chart": FlowChart(flows.assign(direction=ways), *dates, least_shown(flows), EVERYWHERE).draw(),
        "trends": _trends(here, money),
    }


def _trends(here: Report, money: Money) -> list[tuple[str, Markup, list[tuple[str, list[float]]]]]:
    by_segment = trend({one.as_of: here.scores(one) for one in here.earlier}, "segment")
    segments = tuple(one.name for one in SEGMENTS if one.name in set(by_segment["group"]))
    found = [_trend(here, money, "segment", by_segment, segments)]
    if here.values().channel.nunique().to_pyarrow().as_py() > 1:
        by_channel = trend({one.as_of: _with_channel(here, one) for one in here.earlier}, "channel")
        newest = by_channel[by_channel["as_of"] == here.scored.as_of]
        best = newest.sort_values(["clv", "group"], ascending=[False, True]).head(MOST_CHANNELS)
        found.append(_trend(here, money, "channel", by_channel, tuple(str(name) for name in best["group"])))
    return found


def _with_channel(here: Report, scored: Scored) -> ir.Table:
    """Return the scores of an earlier scoring with today's channels: all else it was worth need not be worked out."""
    scores, known = here.scores(scored), here.values().select(_customer="customer_id", channel="channel")
    joined = scores.left_join(known, scores.customer_id == known._customer)
    return joined.select("clv", channel=joined.channel.fill_null(UNKNOWN_CHANNEL))


def _trend(here: Report, money: Money, by: str, rows: pd.DataFrame, groups: tuple[str, ...]) -> Any:
    title = f"{here.value_name} over scorings, by {by}"
    sums = [(name, list(rows[rows["group"] == name].sort_values("as_of")["clv"])) for name in groups]
    return by, Panels(f"trend-{by}", title[:1].upper() + title[1:], rows, groups, money).draw(), sums


def _model(here: Report) -> dict[str, Any]:
    version = str(here.record.get("model_version") or here.scores().model_version.max().to_pyarrow().as_py())
    card = read_card(here.store().card(version, here.scored.horizon_days))
    metrics = None if card is None else card.table(GOOD, "model", RANKING)
    return {
        "version": version,
        "card": card,
        "metrics": metrics,
        "own": OWN,
        "ranking": _ranking(card),
        "limits": {} if card is None else {name: card.sections[name] for name in LIMITS if name in card.sections},
        "past": _past(here),
    }


def _ranking(card: Card | None) -> Markup | None:
    metrics = None if card is None else card.table(GOOD, "model", RANKING)
    if metrics is None:
        return None
    place = metrics.columns.index(RANKING)
    scores = [(row[0].text, row[place].number) for row in metrics.rows]
    return ranking_bars([(name, number, name == OWN) for name, number in scores if number is not None])


def _past(here: Report) -> list[tuple[Scored, dict[str, float]]]:
    """Judge the earlier scorings whose horizon is over by the scoring that is looked at, newest first."""
    ledger, days = here.ledger(), here.scored.horizon_days
    if ledger is None:
        return []
    over = [one for one in here.earlier if one.as_of + timedelta(days=days) <= here.scored.as_of]
    return [(one, hindsight(outcomes(here.scores(one), ledger, one.as_of, days))) for one in reversed(over)]
