"""One list: who is on it and why, to be downloaded, saved, and put on other terms."""

from dataclasses import dataclass, replace
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import Response

from regulars.errors import ExpressionError, RegularsError
from serving.listing.definition import Definition
from serving.listing.personal import without_personal
from serving.listing.playbook import PLAYS, Play
from serving.listing.saved_lists import SavedList, saved_lists
from serving.web.pages.builder import builder
from serving.web.pages.choice import Choice, Query, choice_of
from serving.web.pages.definition_words import in_words
from serving.web.pages.file_kinds import offered
from serving.web.pages.list_size import on_list, size_of
from serving.web.pages.lists import show_lists
from serving.web.pages.terms_form import Terms, shown_terms, terms_of
from serving.web.pages.visit import Visit, visit
from serving.web.rendering import render

CUSTOM = "custom"
PREVIEWED = 25
router = APIRouter()


@dataclass(frozen=True)
class Shown:
    """A list as its page shows it.

    Attributes
    ----------
    name
        In its address: of a saved list, a play's slug, or `custom`.
    title, meaning
        What it is called and who is on it.
    definition
        What it is.
    play, saved, choice
        Where it comes from.
    """

    name: str
    title: str
    meaning: str
    definition: Definition
    play: Play | None = None
    saved: SavedList | None = None
    choice: Choice | None = None


@router.get("/lists/{name}")
def one_list(request: Request, here: Annotated[Visit, Depends(visit("lists:read"))], name: str) -> Response:
    """Show a play, a saved list, or what a filter gives."""
    try:
        return _page(request, here, named_list(here, name, request.query_params))
    except ExpressionError as error:
        return show_lists(request, here, str(error), 422)


def named_list(here: Visit, name: str, query: Query) -> Shown:
    """Return the list of an address: a play by its slug, a saved list by its name, or `custom`, a filter's.

    Raises
    ------
    HTTPException
        404, where there is none of this name.
    ExpressionError
        The filter cannot be read.
    """
    if name == CUSTOM:
        choice = choice_of(query)
        return Shown(CUSTOM, "Your filter", choice.words, Definition.of(choice.definition), choice=choice)
    play = next((play for play in PLAYS if play.slug == name), None)
    if play is not None:
        return Shown(play.slug, play.name, play.meaning, Definition(play=play.slug), play=play)
    known = next((one for one in saved_lists(here.reader.store) if one.name == name), None)
    if known is None:
        raise HTTPException(404, f"There is no list {name[:100]!r}. The lists page shows those there are.")
    return Shown(known.name, known.name, in_words(known.definition), known.definition, saved=known)


def _page(request: Request, here: Visit, shown: Shown) -> Response:
    problem, terms = "", terms_of(request.query_params)
    definition = shown.definition
    try:
        definition = terms.on(definition)
    except RegularsError as error:
        problem = str(error)
    rows, columns = here.recall("preview", lambda: _preview(here, definition), definition.to_json())
    return render(
        request,
        "list.html",
        here=here,
        shown=shown,
        definition=definition,
        terms=replace(shown_terms(definition), **dict(terms.fields)),
        problem=problem,
        size=size_of(here, definition),
        rows=rows,
        fields=_fields(here, shown, terms),
        kinds=offered(here, columns),
        **builder(request, here, shown.choice or Choice()),
    )


def _preview(here: Visit, definition: Definition) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the first customers of a list, without what says who they are, and all its columns."""
    rows = on_list(here, definition).rows()
    shown: list[dict[str, Any]] = without_personal(rows).limit(PREVIEWED).to_pandas().to_dict("records")
    return shown, list(rows.columns)


def _fields(here: Visit, shown: Shown, terms: Terms) -> list[tuple[str, str]]:
    """Return the fields by which a download is of the very list that is shown."""
    chosen = shown.choice.fields if shown.choice else []
    given = terms.fields
    return [pair for pair in chosen if pair[0] not in dict(given)] + given + [("scored", here.scored.text)]
