"""Saving lists: under a name, so that they are evaluated anew with every scoring; and deleting them."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.datastructures import FormData
from fastapi.responses import RedirectResponse, Response

from serving.listing.saved_lists import delete_list, list_name, save_list
from serving.web.access import check_csrf
from serving.web.pages.one_list import CUSTOM, named_list
from serving.web.pages.terms_form import terms_of
from serving.web.pages.visit import Visit, visit

router = APIRouter()
Writing = Annotated[Visit, Depends(visit("lists:write"))]


async def sent_form(request: Request) -> FormData:
    """Return the fields of a form."""
    return await request.form()


@router.post("/lists/save", dependencies=[Depends(check_csrf)])
def save(here: Writing, form: Annotated[FormData, Depends(sent_form)]) -> Response:
    """Save a list under a name: a filter, or a play on other terms."""
    name = list_name(str(form.get("name") or ""))
    source = named_list(here, str(form.get("of") or CUSTOM), form).definition
    save_list(here.reader.store, name, terms_of(form).on(source), here.caller.who)
    return RedirectResponse(here.link(f"/lists/{name}"), 303)


@router.post("/lists/{name}/delete", dependencies=[Depends(check_csrf)])
def delete(here: Writing, name: str) -> Response:
    """Delete a saved list; what was exported of it stays recorded."""
    delete_list(here.reader.store, name)
    return RedirectResponse("/lists#saved", 303)
