"""Naming: which list a name in an address means."""

import unicodedata

from fastapi import HTTPException

from serving.listing.definition import Definition
from serving.listing.saved_lists import SavedList, saved_lists
from serving.plays import PLAYS
from serving.store import Store
from serving.web.api.asked import ListAsked

ALL = "all"


def list_named(store: Store, name: str, asked: ListAsked) -> SavedList:
    """Return the list of a name: `all`, the slug of a play, or a saved list.

    A name is looked up among those that there are and is never part of a path.

    Raises
    ------
    HTTPException
        404: there is no such list. 422: a filter for another list than `all`.
    """
    if name == ALL:
        ad_hoc = Definition(segment=tuple(asked.segment), where=asked.where, by=asked.by, top=asked.top)
        return SavedList(ALL, ad_hoc)
    if asked.where or asked.segment or asked.by or asked.top:
        raise HTTPException(422, "where, segment, by and top belong to the list 'all'; other lists have their own.")
    known = {play.slug: SavedList(play.slug, Definition(play=play.slug)) for play in PLAYS}
    # What is ours wins: nobody can save a list that another caller then takes for a play.
    known = {one.name: one for one in saved_lists(store)} | known
    found = known.get(unicodedata.normalize("NFC", name))
    if found is None:
        raise HTTPException(404, f"There is no list {name!r}; /api/v1/lists has those that there are.")
    return found
