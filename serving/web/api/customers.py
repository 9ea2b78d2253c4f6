"""One customer: the newest score, or all of them."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Path, Query, Request
from fastapi.responses import Response

from serving.storage.score_table import SCHEMA
from serving.web.access import caller
from serving.web.api.answers import CustomerAnswer
from serving.web.api.asked import CustomerAsked, Plain
from serving.web.api.documented import found, problems
from serving.web.api.freshness import answer, scored_since
from serving.web.api.rows import json_rows
from serving.web.edition import LoadedStore
from serving.web.reader import reader_of

router = APIRouter(tags=["customers"])


@router.get(
    "/customers/{customer_id:path}",
    dependencies=[Depends(caller("customers:read"))],
    response_model=CustomerAnswer,
    responses={**found(), **problems(404, 422)},
)
def customer(
    request: Request,
    customer_id: Annotated[Plain, Path(description="As in the log.", max_length=1_000, examples=["c-1001"])],
    asked: Annotated[CustomerAsked, Query()],
) -> Response:
    """Return the scores of one customer."""
    store = reader_of(request).here()

    def body() -> dict[str, Any]:
        rows = _scores(store, customer_id, asked)
        if not rows and not _scores(store, customer_id, asked.model_copy(update={"since": None})):
            raise HTTPException(404, f"There is no score of a customer {customer_id!r} as asked for.")
        return {"customer_id": customer_id, "scores": rows}

    return answer(request, store, body)


def _scores(store: LoadedStore, customer_id: str, asked: CustomerAsked) -> list[dict[str, Any]]:
    newest, horizon = store.choose(asked.as_of, asked.horizon)
    days = [newest]
    if asked.history and asked.as_of is None:
        days = [day for day, days in store.held() if days == horizon][::-1]
    rows = []
    for day in days:
        # The newest are loaded, and in the order of customers.
        scores = store.kept_values(day, horizon) if day == newest else store.scores(day, horizon)
        mine = scored_since(scores.filter(scores.customer_id == customer_id), asked.since)
        rows += json_rows(mine.select(*SCHEMA.names).to_pyarrow())
    return rows
