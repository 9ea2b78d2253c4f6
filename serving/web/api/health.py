"""Health: the one question that anybody may ask."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from serving.web.api.documented import problems
from serving.web.problems import problem
from serving.web.reader import reader_of

router = APIRouter(tags=["server"])


class Health(BaseModel):
    """That the server answers and finds its store."""

    status: str = Field(examples=["ok"])


_POSSIBLE: dict[int | str, dict[str, Any]] = {
    status: said for status, said in problems().items() if status in (413, 503)
}


@router.get("/health", response_model=Health, responses=_POSSIBLE)
def health(request: Request) -> JSONResponse:
    """Say whether the server answers and its store is there; no credential is needed, and nothing is told of it."""
    if not reader_of(request).is_there():
        return problem(request, 503, "The store is not there.")  # type: ignore[return-value]
    return JSONResponse({"status": "ok"})
