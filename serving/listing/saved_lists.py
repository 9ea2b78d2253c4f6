"""Saved lists: definitions under a name in the store's `service.db`, and the customers that a definition gives."""

import unicodedata
from dataclasses import dataclass
from datetime import UTC, date, datetime

from ibis.expr import types as ir

from regulars.errors import RegularsError, StoreError
from serving.economics import customer_values
from serving.listing.breadth import with_breadth
from serving.listing.definition import Definition
from serving.listing.personal import without_personal
from serving.listing.playbook import BREADTH, PLAYS, play_named
from serving.listing.ranking import Ranked, ranked
from serving.storage.service import service
from serving.store import Store

LONGEST_NAME = 80
FORBIDDEN = ("/", "\\")
RESERVED = ("all", "custom", "count", "save", "delete")
"""Names that addresses of pages and of the API have taken, beside those of plays."""


@dataclass(frozen=True)
class SavedList:
    """A definition under a name; who made it, and when (UTC)."""

    name: str
    definition: Definition
    created: str = ""
    created_by: str = ""


def list_name(text: str) -> str:
    """Return a name as it is kept: composed (Unicode NFC), without space around it.

    Names are keys of a table and never become paths; slashes are refused so that nobody takes them for one.

    Raises
    ------
    RegularsError
        It is empty, too long, or holds a slash or a character that cannot be seen.
    """
    name = unicodedata.normalize("NFC", text).strip()
    if not name or len(name) > LONGEST_NAME:
        raise RegularsError(f"A list's name has 1 to {LONGEST_NAME} characters, and {text[:100]!r} has {len(name)}.")
    # Control characters, surrogates, and format characters that hide or turn text around.
    hidden = [letter for letter in name if unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Zl", "Zp")]
    if hidden or any(letter in name for letter in FORBIDDEN) or name in (".", ".."):
        raise RegularsError(f"A list's name holds no slashes and nothing invisible, and {text!r} does: choose another.")
    return name


def save_list(store: Store, name: str, definition: Definition, who: str = "") -> SavedList:
    """Save a definition under a name; one of the same name is replaced.

    Raises
    ------
    RegularsError
        The name cannot be one, or is taken.
    """
    saved = SavedList(_free(list_name(name)), definition, datetime.now(UTC).isoformat(timespec="seconds"), who)
    with service(store.folder) as connection:
        connection.execute(
            "insert or replace into lists (name, definition, created, created_by) values (?, ?, ?, ?)",
            (saved.name, definition.to_json(), saved.created, who),
        )
    return saved


def _free(name: str) -> str:
    taken = {*RESERVED, *(text.casefold() for play in PLAYS for text in (play.slug, play.name))}
    if name.casefold() in taken or name.casefold().endswith(".csv"):
        raise RegularsError(
            f"A list cannot be saved as {name!r}: taken are {', '.join(sorted(taken))}, and names that end in .csv. "
            "Choose another."
        )
    return name


def saved_lists(store: Store) -> list[SavedList]:
    """Return all saved lists, by name."""
    with service(store.folder) as connection:
        rows = connection.execute("select name, definition, created, created_by from lists order by name").fetchall()
    return [SavedList(row[0], Definition.from_json(row[1]), row[2], row[3]) for row in rows]


def saved_list(store: Store, name: str) -> SavedList:
    """Return the saved list of a name.

    Raises
    ------
    StoreError
        There is none; the message names those there are.
    """
    wanted = list_name(name)
    known = saved_lists(store)
    found = next((one for one in known if one.name == wanted), None)
    if found is None:
        names = ", ".join(repr(one.name) for one in known[:20]) or "none yet"
        raise StoreError(f"There is no saved list {wanted!r}; there are: {names}.")
    return found


def delete_list(store: Store, name: str) -> None:
    """Delete a saved list; what was exported of it stays recorded.

    Raises
    ------
    StoreError
        There is none of this name.
    """
    known = saved_list(store, name)
    with service(store.folder) as connection:
        connection.execute("delete from lists where name = ?", (known.name,))


def list_rows(
    store: Store, wanted: SavedList | Definition, as_of: date | None = None, horizon_days: int | None = None
) -> ir.Table:
    """Return the customers on a list, best first, without personal data.

    This is a look at a list: nobody is held back, and neither consent nor a cap is asked for. `serving.exports` does
    that when a list leaves.

    Parameters
    ----------
    store
        Where the scores are.
    wanted
        A saved list or a definition.
    as_of, horizon_days
        Of the scores; None: the newest, and the only horizon.

    Raises
    ------
    StoreError, ExpressionError
        The store holds no such scores, or the definition cannot be evaluated over them.
    """
    definition = wanted.definition if isinstance(wanted, SavedList) else wanted
    return without_personal(evaluate(store, definition, as_of, horizon_days).rows())


def evaluate(
    store: Store, definition: Definition, as_of: date | None = None, horizon_days: int | None = None
) -> Ranked:
    """Return the customers on a list with all their columns, in no order yet; parameters as of `list_rows`."""
    values = values_for(store, definition, as_of, horizon_days)
    return ranked(values, definition, lifetime_of(store, *store.choose(as_of, horizon_days)))


def values_for(store: Store, definition: Definition, as_of: date | None, horizon_days: int | None) -> ir.Table:
    """Return all customers with the columns that a definition is evaluated over; parameters as of `list_rows`."""
    values = customer_values(store, as_of, horizon_days)
    if definition.play is not None and BREADTH in play_named(definition.play).rule:
        values = with_breadth(values, store.ledger())
    return values


def lifetime_of(store: Store, as_of: date, horizon_days: int) -> float | None:
    """Return how far ahead the `clv` of an as-of date and horizon counts; None where its scoring left no record."""
    for record in store.scorings():
        if str(record["as_of"]) == str(as_of) and record["horizon_days"] == horizon_days:
            return float(record["economics"]["lifetime_days"])
    return None
