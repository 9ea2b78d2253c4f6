"""The customer page: what one customer did, what is expected of them, and why."""

from typing import Annotated, Any

import ibis
import pandas as pd
from fastapi import APIRouter, Depends, HTTPException, Query, Request
from fastapi.responses import RedirectResponse, Response

from serving.segments import segment_named
from serving.web.charts.numerals import Money
from serving.web.charts.timeline import Timeline
from serving.web.pages.purchases import purchases, score_history
from serving.web.pages.visit import Visit, visit
from serving.web.rendering import render
from serving.web.settings import settings_of

MOST_FOUND = 20
LATEST = 25
router = APIRouter()
Reading = Annotated[Visit, Depends(visit("customers:read"))]


@router.get("/customers")
def search(request: Request, here: Reading, q: Annotated[str, Query(max_length=200)] = "") -> Response:
    """Find a customer by id, or show those who begin with it; without one, the most valuable."""
    wanted, values = q.strip(), here.values()
    if wanted and not values.filter(values.customer_id == wanted).limit(1).to_pyarrow().num_rows:
        found = values.filter(values.customer_id.lower().startswith(wanted.lower())).order_by("customer_id")
    elif wanted:
        return RedirectResponse(here.customer(wanted), 303)
    else:
        found = values.order_by([ibis.desc(values.clv), "customer_id"])
    columns = ("customer_id", "segment", "clv", "expected_spend", "churn_probability", "recency_days")
    rows = found.select(*columns).limit(MOST_FOUND).to_pandas().to_dict("records")
    return render(request, "customers.html", here=here, wanted=wanted, rows=rows, most=MOST_FOUND)


@router.get("/customers/{customer_id:path}")
def customer(request: Request, here: Reading, customer_id: str) -> Response:
    """Show one customer."""
    values = here.values()
    found = values.filter(values.customer_id == customer_id).limit(1).to_pyarrow().to_pylist()
    if not found:
        raise HTTPException(404, f"There is no customer {customer_id[:100]!r} in the scoring of {here.scored.as_of}.")
    scorings = {one.as_of: here.scores(one) for one in here.earlier}
    history = score_history(scorings, customer_id).sort_values("as_of", ascending=False)
    return render(
        request,
        "customer.html",
        here=here,
        row=found[0],
        segment=segment_named(found[0]["segment"]),
        history=history.to_dict("records"),
        **_purchases(request, here, found[0]),
    )


def _purchases(request: Request, here: Visit, row: dict[str, Any]) -> dict[str, Any]:
    ledger = here.ledger()
    if ledger is None:
        return {"timeline": None, "days": None, "hidden": 0}
    days = purchases(ledger, row["customer_id"], here.scored.as_of)
    if days.empty:
        return {"timeline": None, "days": [], "hidden": 0}
    money = Money(settings_of(request).currency)
    chart = Timeline(days, here.scored.as_of, here.scored.horizon_days, row["next_order_date"], money)
    newest: pd.DataFrame = days.iloc[::-1].head(LATEST)
    return {"timeline": chart.draw(), "days": newest.to_dict("records"), "hidden": max(len(days) - LATEST, 0)}
