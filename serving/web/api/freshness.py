"""Freshness: an answer is named by what it was made from, so that who has it already need not be sent it again."""

import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any

from fastapi import Request
from fastapi.responses import JSONResponse, Response
from ibis.expr import types as ir

from serving.web.edition import LoadedStore

KEPT = {"Cache-Control": "private, no-cache"}
"""Whoever asked may keep it, and asks each time whether it still holds."""


def tag_of(request: Request, store: LoadedStore, *made_of: str) -> str:
    """Return the entity tag of an answer: of the store it is made from, the address, and what else it is made of."""
    parts = [
        store.version_text,
        request.url.path,
        request.url.query,
        request.headers.get("accept", ""),
        *made_of,
    ]
    return f'"{hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]}"'


def is_known(request: Request, tag: str) -> bool:
    """Return whether the caller has the answer with this tag (RFC 9110, 13.1.2)."""
    sent = [part.strip().removeprefix("W/") for part in request.headers.get("if-none-match", "").split(",")]
    return tag in sent or "*" in sent


def unchanged(tag: str) -> Response:
    """Return the answer to somebody who has it already."""
    return Response(status_code=304, headers=KEPT | {"ETag": tag})


def answer(request: Request, store: LoadedStore, body: Callable[[], Mapping[str, Any]], *made_of: str) -> Response:
    """Return a body as JSON under its tag; it is not made where the caller has it already."""
    tag = tag_of(request, store, *made_of)
    if is_known(request, tag):
        return unchanged(tag)
    return JSONResponse(body(), headers=KEPT | {"ETag": tag})


def scored_since(table: ir.Table, since: date | datetime | None) -> ir.Table:
    """Return the rows that were scored since a moment, or have an as-of date from a date on; all where it is None."""
    if since is None:
        return table
    if isinstance(since, datetime):
        return table.filter(table.scored_at > since.astimezone(UTC))
    return table.filter(table.as_of >= since)
