"""Downloading a list: the one road by which lists leave, streamed, with consent, hold-back and the record of it."""

import hashlib
from collections.abc import Iterator
from typing import Annotated, Literal
from urllib.parse import quote

from fastapi import APIRouter, Depends, HTTPException, Query, Request
from fastapi.responses import Response, StreamingResponse

from serving.exports import Delivery, Stream, stream_list
from serving.listing.definition import Definition
from serving.web.access import check_site
from serving.web.pages.file_kinds import KINDS, PERSONAL_SCOPE
from serving.web.pages.one_list import CUSTOM, named_list
from serving.web.pages.terms_form import terms_of
from serving.web.pages.visit import Visit, visit

Format = Literal["csv", "parquet", "json", "google", "meta", "klaviyo"]


router = APIRouter()


@router.get("/lists/{name}.csv", dependencies=[Depends(check_site)])
def download(
    request: Request,
    here: Annotated[Visit, Depends(visit("lists:read"))],
    name: str,
    format: Annotated[Format, Query()] = "csv",  # noqa: A002
) -> Response:
    """Stream a list as a file."""
    kind = KINDS[format]
    if kind.personal and PERSONAL_SCOPE not in here.caller.scopes:
        raise HTTPException(403, f"{kind.name} carries e-mail addresses: this credential needs {PERSONAL_SCOPE}.")
    shown = named_list(here, name, request.query_params)
    definition = terms_of(request.query_params).on(shown.definition)
    delivered = shown.name if shown.name != CUSTOM else f"{CUSTOM} {_digest(definition)}"
    delivery = Delivery(
        delivered, here.caller.who, format, as_of=here.scored.as_of, horizon_days=here.scored.horizon_days
    )
    stream = stream_list(here.store(), definition, delivery)
    headers = {"content-disposition": _disposition(f"{delivered}-{here.scored.as_of}.{kind.ending}")}
    return StreamingResponse(_whole(stream), media_type=kind.media_type, headers=headers)


def _whole(stream: Stream) -> Iterator[bytes]:
    try:
        yield from stream
    finally:
        stream.close()


def _digest(definition: Definition) -> str:
    """Return a name for a list without one: the same filter always holds back the same customers."""
    return hashlib.sha256(definition.to_json().encode()).hexdigest()[:8]


def _disposition(file: str) -> str:
    plain = "".join(letter if letter.isascii() and (letter.isalnum() or letter in "-_. ") else "_" for letter in file)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(file, safe='')}"
