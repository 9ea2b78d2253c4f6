"""Downloading a list: the one road by which lists leave, streamed, with consent, hold-back and the record of it."""

import hashlib
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, HTTPException, Query, Request
from fastapi.responses import Response

from serving.exports import Delivery, stream_list
from serving.listing.definition import Definition
from serving.web.access import check_site
from serving.web.download import download as send
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
    return send(iter(stream), f"{delivered}-{here.scored.as_of}.{kind.ending}")


def _digest(definition: Definition) -> str:
    """Return a name for a list without one: the same filter always holds back the same customers."""
    return hashlib.sha256(definition.to_json().encode()).hexdigest()[:8]
