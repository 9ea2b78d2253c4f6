"""Segments and economics: what customers are worth, group by group."""

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response
from ibis.expr import types as ir

from serving.economics import by_group
from serving.segments import SEGMENTS
from serving.valuation.concentration import concentration
from serving.valuation.textbook import textbook
from serving.web.access import caller
from serving.web.api.answers import EconomicsAnswer, Segments
from serving.web.api.asked import Asked
from serving.web.api.documented import found, problems
from serving.web.api.freshness import answer
from serving.web.api.rows import frame_rows
from serving.web.edition import LoadedStore
from serving.web.reader import reader_of

router = APIRouter(tags=["economics"])


@router.get(
    "/segments",
    dependencies=[Depends(caller("economics:read"))],
    response_model=Segments,
    responses=found() | problems(404, 422),
)
def segments(request: Request, asked: Annotated[Asked, Query()]) -> Response:
    """Return the segments: who is in them, what is usually done for them, and what they are worth together."""
    store = reader_of(request).here()

    def body() -> dict[str, Any]:
        dated, values = _values(store, asked)
        said = {known.name: {"meaning": known.meaning, "action": known.action} for known in SEGMENTS}
        rows = frame_rows(by_group(values, "segment"), dated["basis"])
        return dated | {"segments": [row | said.get(row["segment"], {}) for row in rows]}

    return answer(request, store, body)


@router.get(
    "/economics",
    dependencies=[Depends(caller("economics:read"))],
    response_model=EconomicsAnswer,
    responses=found() | problems(404, 422),
)
def economics(request: Request, asked: Annotated[Asked, Query()]) -> Response:
    """Return what customers are worth against what they cost: by channel, cohort and value tier, and how concentrated.

    Beside them stand the textbook formulas, which are averages and say so.
    """
    store = reader_of(request).here()

    def body() -> dict[str, Any]:
        dated, values = _values(store, asked)
        groups = {"channels": "channel", "cohorts": "cohort", "value_tiers": "value_tier"}
        return {
            **dated,
            **{name: frame_rows(by_group(values, group), dated["basis"]) for name, group in groups.items()},
            "concentration": frame_rows(concentration(values)),
            "textbook": frame_rows(_textbook(store, dated["as_of"], dated["horizon_days"])),
        }

    return answer(request, store, body)


def _values(store: LoadedStore, asked: Asked) -> tuple[dict[str, Any], ir.Table]:
    as_of, horizon = store.choose(asked.as_of, asked.horizon)
    values = store.kept_values(as_of, horizon)
    basis = values.clv_basis.max().to_pyarrow().as_py()
    return {"as_of": as_of.isoformat(), "horizon_days": horizon, "basis": basis}, values


def _textbook(store: LoadedStore, as_of: str, horizon: int) -> Any:
    return textbook(store, date.fromisoformat(as_of), horizon)
