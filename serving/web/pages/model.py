"""The model page: what the predictions rest on, how good they were, and what they cannot do."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, Any

import pandas as pd
from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from ibis.expr import types as ir
from markupsafe import Markup

from serving.web.charts.numerals import Money
from serving.web.charts.pairs import Pair, bars, diagonal
from serving.web.charts.ranking_bars import ranking_bars
from serving.web.pages.card_reading import Block, Card, read_card
from serving.web.pages.hindsight import churn_deciles, hindsight, outcomes, spend_deciles
from serving.web.pages.shift import shift
from serving.web.pages.visit import Scored, Visit, visit
from serving.web.rendering import render
from serving.web.settings import settings_of

GOOD, RELIABLE = "How good it is", "Calibration and intervals"
RANKING = "Gini"
OWN = "Regulars"
PLAIN = ("What it predicts", "What it does not know", "What must not be done with it", "Data", "Where it fails")
"""Sections of the card that are shown as they are."""
router = APIRouter()


@dataclass(frozen=True)
class Past:
    """A scoring whose horizon is over, and what came of it."""

    scored: Scored
    sums: dict[str, float]
    spend: pd.DataFrame
    churn: pd.DataFrame


@router.get("/model")
def model(request: Request, here: Annotated[Visit, Depends(visit("model:read"))]) -> Response:
    """Show training, backtest, calibration, deciles and drift."""
    money = Money(settings_of(request).currency)
    version = str(here.record.get("model_version") or _version(here.scores()))
    card = here.recall("card", lambda: read_card(here.store().card(version, here.scored.horizon_days)))
    past = here.recall("hindsight", lambda: _past(here))
    shifted = here.recall("shift", lambda: shift({one.as_of: here.scores(one) for one in here.earlier}))
    return render(
        request,
        "model.html",
        here=here,
        version=version,
        card=card,
        **_pictures(card, money),
        past=past,
        past_charts=_past_charts(past, money),
        shifted=shifted.to_dict("records"),
    )


def _version(scores: ir.Table) -> str:
    return str(scores.aggregate(version=scores.model_version.max()).to_pyarrow()["version"][0].as_py())


def _pictures(card: Card | None, money: Money) -> dict[str, Any]:
    if card is None:
        return {"plain": {}, "good": (), "metrics": None, "ranking": None, "calibration": None, "deciles": None}
    metrics = card.table(GOOD, "model", RANKING)
    churn = card.table(RELIABLE, "decile", "churn predicted", "churned", "95 % interval")
    spend = card.table(RELIABLE, "decile", "spend predicted", "spent")
    return {
        "plain": {name: card.sections[name] for name in PLAIN if name in card.sections},
        "good": tuple(block for block in card.sections.get(GOOD, ()) if block.kind != "table"),
        "metrics": metrics,
        "ranking": _ranking(metrics),
        "calibration": _calibration(churn),
        "deciles": _deciles(spend, money),
    }


def _ranking(metrics: Block | None) -> Markup | None:
    if metrics is None:
        return None
    place = metrics.columns.index(RANKING)
    scores = [(row[0].text, row[place].number) for row in metrics.rows]
    return ranking_bars([(name, number, name == OWN) for name, number in scores if number is not None])


def _calibration(table: Block | None) -> Markup | None:
    if table is None:
        return None
    column = table.columns.index
    pairs = []
    for row in table.rows:
        predicted, actual = (row[column(name)].number for name in ("churn predicted", "churned"))
        if predicted is None or actual is None:
            continue
        bounds = [_share(text) for text in row[column("95 % interval")].text.split(" to ")]
        low, high = bounds if len(bounds) == 2 else (None, None)
        pairs.append(Pair(row[0].text, predicted, actual, low, high))
    axes = ("Predicted probability of buying nothing", "Share who bought nothing")
    return diagonal("calibration", "Probability of staying away: predicted and actual", pairs, axes) if pairs else None


def _share(text: str) -> float | None:
    try:
        return float(text.strip().removesuffix("%")) / 100
    except ValueError:
        return None


def _deciles(table: Block | None, money: Money) -> Markup | None:
    if table is None:
        return None
    expected, spent = table.columns.index("spend predicted"), table.columns.index("spent")
    found = [(row[0].text, row[expected].number, row[spent].number) for row in table.rows]
    pairs = [Pair(name, a, b) for name, a, b in found if a is not None and b is not None]
    title = "Spend a customer by decile of the prediction: predicted and actual"
    return bars("deciles", title, pairs, money, "Tenth of customers, 1 expected to spend most") if pairs else None


def _past(here: Visit) -> list[Past]:
    """Judge the earlier scorings whose horizon the ledger covers, newest first."""
    ledger = here.ledger()
    if ledger is None:
        return []
    end = _known_until(here)
    over = [one for one in here.held if one.horizon_days == here.scored.horizon_days]
    over = [one for one in over if one.as_of + timedelta(days=one.horizon_days) <= end]
    return [_judged(here, one) for one in reversed(over)]


def _known_until(here: Visit) -> date:
    tables = here.store().newest_tables()
    return date.fromisoformat(str(tables["as_of"])) if tables else max(one.as_of for one in here.held)


def _judged(here: Visit, scored: Scored) -> Past:
    store = here.store()
    table = outcomes(store.scores(scored.as_of, scored.horizon_days), store.ledger(), scored.as_of, scored.horizon_days)
    return Past(scored, hindsight(table), spend_deciles(table), churn_deciles(table))


def _past_charts(past: list[Past], money: Money) -> dict[str, Markup]:
    if not past:
        return {}
    newest = past[0]
    spend = [
        Pair(str(row.decile), row.expected / row.customers, row.spent / row.customers)
        for row in newest.spend.itertuples()
    ]
    churn = [Pair(str(row.decile), float(row.expected), float(row.churned)) for row in newest.churn.itertuples()]
    axes = ("Predicted probability of buying nothing", "Share who bought nothing")
    return {
        "spend": bars("past-spend", "Spend a customer: predicted and actual", spend, money, "Tenth, 1 expected most"),
        "churn": diagonal("past-churn", "Probability of staying away: predicted and actual", churn, axes),
    }
