"""The description of the API (OpenAPI 3.1): what is not said by the routes themselves."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from serving.web.problems import MEDIA_TYPE, Problem

ABOUT = """Scores of customers, lists for marketing, and what customers are worth, of one store.

Every request but `/health` needs a credential: a token as `Authorization: Bearer TOKEN`, made with
`regulars token create NAME --scope lists:read --expires 90d --store DIR`, or the session of somebody signed in.
Errors are `application/problem+json` (RFC 9457). Answers carry an `ETag`: send it back as `If-None-Match`, and what has
not changed is answered 304. Lists come in pages, each with the `next` cursor; a CSV holds a whole list."""
SAID = {
    401: "No credential, or one that is unknown, expired or revoked.",
    403: "The credential lacks the scope.",
    404: "There is no such thing.",
    409: "The scores were replaced since the first page: begin again without a cursor.",
    413: "The body is too large.",
    422: "A parameter cannot be read; the detail says which, and what it may be.",
    429: "Too many requests; Retry-After says when to ask again.",
    503: "The store has no answer now.",
}
HEADERS: dict[int, dict[str, Any]] = {
    401: {"WWW-Authenticate": {"schema": {"type": "string"}}},
    429: {"Retry-After": {"description": "Seconds.", "schema": {"type": "string", "pattern": "^[0-9]+$"}}},
}
ETAG = {"ETag": {"description": "Names this answer.", "schema": {"type": "string"}}}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the description of errors that a route may answer, beside those that all may."""
    return {status: _problem(status) for status in sorted({*statuses, 401, 403, 413, 429, 503})}


def found(status: int = 200, **content: Any) -> dict[int | str, dict[str, Any]]:
    """Return the description of an answer that has an ETag, and of the one to whoever has it already."""
    answer: dict[str, Any] = {"description": "The answer.", "headers": ETAG}
    if content:
        answer["content"] = content
    return {status: answer, 304: {"description": "Nothing has changed.", "headers": ETAG}}


def _problem(status: int) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Problem"}
    said: dict[str, Any] = {"description": SAID[status], "content": {MEDIA_TYPE: {"schema": schema}}}
    return said | ({"headers": HEADERS[status]} if status in HEADERS else {})


def describe(app: FastAPI, version: str) -> dict[str, Any]:
    """Return the description of an application's API."""
    description = get_openapi(
        title="Regulars", version=version, description=ABOUT, routes=app.routes, openapi_version="3.1.0"
    )
    schemas = description.setdefault("components", {}).setdefault("schemas", {})
    schemas["Problem"] = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    return description
