"""Lists: the plays, a filter builder with live counts, and the saved lists."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, Response

from regulars.errors import RegularsError
from serving.listing.definition import Definition
from serving.listing.saved_lists import saved_lists
from serving.web.pages.builder import builder, in_short
from serving.web.pages.choice import Choice, choice_of
from serving.web.pages.definition_words import in_words
from serving.web.pages.list_size import size_of
from serving.web.pages.play_counts import play_counts
from serving.web.pages.visit import Visit, visit
from serving.web.rendering import render

router = APIRouter()
Reading = Annotated[Visit, Depends(visit("lists:read"))]


@router.get("/lists")
def lists(request: Request, here: Reading) -> Response:
    """Show all plays with their counts, the filter builder, and the saved lists."""
    return show_lists(request, here)


@router.get("/lists/count")
def live_count(request: Request, here: Reading) -> Response:
    """Count the customers of a filter that is being built."""
    try:
        size = size_of(here, Definition.of(choice_of(request.query_params).definition))
    except RegularsError as error:
        return JSONResponse({"words": str(error)[:300]}, 422)
    words = in_short(request, here, size)
    return JSONResponse({"customers": size.customers, "worth": size.worth, "words": words})


def show_lists(request: Request, here: Visit, problem: str = "", status: int = 200) -> Response:
    """Return the page of all lists, with what was wrong with the last filter."""
    kept = [(one, in_words(one.definition)) for one in saved_lists(here.reader.store)]
    context = {"problem": problem, "plays": play_counts(here), "kept": kept}
    return render(request, "lists.html", status, here=here, **context, **builder(request, here, Choice()))
