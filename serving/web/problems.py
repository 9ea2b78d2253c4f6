"""Problems: every error as RFC 9457 `application/problem+json`, or as a page where a person asked."""

import logging
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from regulars.errors import RegularsError, StoreError
from serving.web.held import NotHeldError

LOG = logging.getLogger("regulars")
MEDIA_TYPE = "application/problem+json"
PROGRAMS = ("/api/", "/health", "/openapi.json")
"""Beginnings of the paths that programs ask for."""


class Problem(BaseModel):
    """An error (RFC 9457)."""

    type: str = Field("about:blank", description="Always about:blank: the status says which kind of problem it is.")
    title: str = Field(description="The status in words.", examples=["Not Found"])
    status: int = Field(description="The status of HTTP.", examples=[404])
    detail: str = Field(description="What is wrong and what to do.", examples=["There is no customer 'c-1'."])
    instance: str = Field(description="The path that was asked for.", examples=["/api/v1/customers/c-1"])


def problem(request: Request, status: int, detail: str, headers: dict[str, str] | None = None) -> Response:
    """Return the response that says what went wrong."""
    path = request.url.path
    if not path.startswith(PROGRAMS) and "templates" in request.app.state._state:
        from serving.web.rendering import render

        page = render(request, "error.html", status, status=status, title=HTTPStatus(status).phrase, detail=detail)
        page.headers.update(headers or {})
        return page
    body = Problem(title=HTTPStatus(status).phrase, status=status, detail=detail, instance=path, type="about:blank")
    return JSONResponse(body.model_dump(), status, headers, MEDIA_TYPE)


def answer_problems(app: FastAPI) -> None:
    """Let an application answer every error in this form."""
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(RegularsError, _refused)


def _http(request: Request, error: Any) -> Response:
    if error.status_code < 400:
        return Response(status_code=error.status_code, headers=error.headers)
    return problem(request, error.status_code, str(error.detail), dict(error.headers or {}))


def _invalid(request: Request, error: Any) -> Response:
    said = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
    return problem(request, 422, said)


def _refused(request: Request, error: Any) -> Response:
    if isinstance(error, NotHeldError):
        return problem(request, 404, str(error))
    if isinstance(error, StoreError):
        # Its message names folders of this machine.
        LOG.error("%s: %s", request.url.path, error)
        return problem(request, 503, "The store has no answer to this now; the server's log says why.")
    return problem(request, 422, str(error))
