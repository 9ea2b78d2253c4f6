"""Lists as JSON: which there are, and their rows page by page."""

import json
from dataclasses import replace
from datetime import date
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import Response

from serving.listing.consent import consenting
from serving.listing.definition import Definition
from serving.listing.personal import without_personal
from serving.listing.ranking import Ranked
from serving.listing.saved_lists import SavedList, evaluate, saved_lists
from serving.plays import PLAYS
from serving.store import Store
from serving.web.access import caller
from serving.web.api.answers import ListPage, Lists
from serving.web.api.asked import PageAsked, Plain
from serving.web.api.documented import found, problems
from serving.web.api.freshness import answer, scored_since
from serving.web.api.naming import ALL, list_named
from serving.web.api.paging import Cursor, hash_of, page_of
from serving.web.api.rows import json_rows
from serving.web.reader import reader_of

router = APIRouter(tags=["lists"])
Name = Annotated[
    Plain, Path(description="`all`, the slug of a play, or a saved list.", max_length=100, examples=["win-back"])
]
WHOLE = "Everybody; or those who consent, of whom where, segment and top ask for."


@router.get(
    "/lists", dependencies=[Depends(caller("lists:read"))], response_model=Lists, responses=found() | problems()
)
def lists(request: Request) -> Response:
    """Return the lists that there are: everybody, the plays, and those that were saved."""
    store = reader_of(request).here()
    saved = saved_lists(store)
    entries = [
        _entry(ALL, "all", WHOLE, "", Definition()),
        *(_entry(play.slug, "play", play.meaning, play.action, Definition(play=play.slug)) for play in PLAYS),
        *(_entry(one.name, "saved", "", "", one.definition) for one in saved),
    ]
    return answer(request, store, lambda: {"lists": entries}, json.dumps(entries))


@router.get(
    "/lists/{name}",
    dependencies=[Depends(caller("lists:read"))],
    response_model=ListPage,
    responses=found() | problems(404, 409, 422),
)
def list_page(request: Request, name: Name, asked: Annotated[PageAsked, Query()]) -> Response:
    """Return a page of a list, best first. This is a look at it: nobody is held back, and no contact is remembered.

    Who does not consent is on no list, and in the whole of `all` only.
    """
    store = reader_of(request).here()
    named = list_named(store, name, asked)
    definition = named.definition.to_json()

    def body() -> dict[str, Any]:
        as_of, horizon = store.choose(asked.as_of, asked.horizon)
        listed = listed_of(store, named, as_of, horizon)
        shown = without_personal(scored_since(listed.customers, asked.since))
        hashed = hash_of(named.name, definition, str(as_of), str(horizon), str(asked.since))
        cursor = Cursor.from_text(asked.cursor) if asked.cursor is not None else None
        page = page_of(Ranked(shown, listed.limit), asked.limit, cursor, store.version_text, hashed)
        return {
            "name": named.name,
            "as_of": as_of.isoformat(),
            "horizon_days": horizon,
            "customers": page.total,
            "rows": json_rows(page.rows),
            "next": page.next.to_text() if page.next else None,
        }

    return answer(request, store, body, definition)


def listed_of(store: Store, named: SavedList, as_of: date | None, horizon_days: int | None) -> Ranked:
    """Return who is on a list and consents; `all`, unless a part of it is asked for, is a copy and has everybody."""
    listed = evaluate(store, named.definition, as_of, horizon_days)
    if named.name == ALL and replace(named.definition, by=None) == Definition():
        return listed
    return replace(listed, customers=consenting(listed.customers))


def _entry(name: str, kind: str, meaning: str, action: str, definition: Definition) -> dict[str, Any]:
    address = f"/api/v1/lists/{quote(name, safe='')}"
    return {
        "name": name,
        "kind": kind,
        "meaning": meaning,
        "action": action,
        "definition": json.loads(definition.to_json()),
        "rows": address,
        "csv": f"{address}.csv",
    }
