"""The description of the API, for whoever has a credential: as OpenAPI, and as a page."""

from importlib.metadata import version
from typing import Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, Response

from serving.web.access import caller, page_caller
from serving.web.api.documented import describe
from serving.web.rendering import render

router = APIRouter(include_in_schema=False)


@router.get("/openapi.json", dependencies=[Depends(caller(None))])
def openapi(request: Request) -> Response:
    """Return the description as OpenAPI 3.1."""
    return JSONResponse(_described(request))


@router.get("/docs", dependencies=[Depends(page_caller(None))])
def docs(request: Request) -> Response:
    """Show the description; a page of our own, because the usual ones fetch their scripts from elsewhere."""
    described = _described(request)
    routes = [
        {"path": path, "method": method.upper(), **operation}
        for path, methods in described["paths"].items()
        for method, operation in methods.items()
    ]
    return render(request, "docs.html", described=described, routes=routes)


def _described(request: Request) -> dict[str, Any]:
    state = request.app.state
    if not hasattr(state, "description"):
        state.description = describe(request.app, version("regulars"))
    described: dict[str, Any] = state.description
    return described
