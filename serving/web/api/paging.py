"""Paging: one page of a list after another, each found by where the last one ended, so that page 9,000 is as quick.

A cursor holds the version of the store, a hash of what was asked for, how many rows came before, how many there are in
all, and the key and customer of the last row. It is no secret and no right: whoever writes one by hand gets rows that
they may see anyway.
"""

import base64
import hashlib
import json
from dataclasses import astuple, dataclass, replace
from datetime import date
from typing import Any

import ibis
import pyarrow as pa
from fastapi import HTTPException
from ibis.expr import types as ir

from serving.listing.ranking import KEY, Ranked, in_order


@dataclass(frozen=True)
class Cursor:
    """Where a page ended.

    Attributes
    ----------
    version
        Of the store.
    asked
        Hash of the list and the parameters.
    before
        Rows of the pages so far.
    total
        Rows of the whole list.
    key, customer_id
        Of the last row.
    """

    version: str
    asked: str
    before: int
    total: int
    key: float | str | None
    customer_id: str

    def to_text(self) -> str:
        """Return the cursor as it stands in an address."""
        return base64.urlsafe_b64encode(json.dumps(astuple(self)).encode()).decode().rstrip("=")

    @staticmethod
    def from_text(text: str) -> "Cursor":
        """Return the cursor of a text.

        Raises
        ------
        HTTPException
            422: it is none.
        """
        kinds: tuple[Any, ...] = (str, str, int, int, (int, float, str, type(None)), str)
        try:
            parts = json.loads(base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4)))
            fits = len(parts) == len(kinds) and all(map(isinstance, parts, kinds))
            texts = "".join(part for part in parts if isinstance(part, str))
            # Engines take neither NUL characters, nor what UTF-8 cannot write, nor numbers of any size.
            if not fits or b"\x00" in texts.encode():
                raise ValueError("not the parts of a cursor")
            cursor = Cursor(*parts)
            return replace(cursor, key=float(cursor.key)) if isinstance(cursor.key, int) else cursor
        except (ValueError, TypeError, OverflowError, RecursionError) as error:
            raise HTTPException(422, "The cursor is none of this server's; take `next` of the page before.") from error


@dataclass(frozen=True)
class Page:
    """Rows, how many there are on all pages, and where the next page begins; None where this is the last."""

    rows: pa.Table
    total: int
    next: Cursor | None


def page_of(listed: Ranked, limit: int, cursor: Cursor | None, version: str, asked: str) -> Page:
    """Return one page of a list.

    Parameters
    ----------
    listed
        The list.
    limit
        Rows of a page at most.
    cursor
        Where the page before ended; None: the first page.
    version, asked
        What a cursor of this list holds.

    Raises
    ------
    HTTPException
        409: the store has changed since the first page. 422: the cursor belongs to another list.
    """
    if cursor is not None and cursor.asked != asked:
        raise HTTPException(422, "The cursor belongs to a list with other parameters; leave them as they were.")
    if cursor is not None and cursor.version != version:
        raise HTTPException(409, "The scores were replaced since the first page; begin again without a cursor.")
    before = cursor.before if cursor else 0
    most = cursor.total if cursor else listed.limit
    size = limit if most is None else max(0, min(limit, most - before))
    customers = _with_plain_key(listed.customers)
    customers = customers if cursor is None else customers.filter(_after(customers, cursor))
    rows = in_order(customers).limit(size).to_pyarrow()
    # Who is counted has to be found again; a first page that is not full has everybody.
    total = cursor.total if cursor else rows.num_rows if rows.num_rows < limit else _total(listed)
    if before + rows.num_rows >= total or not rows.num_rows:
        return Page(rows.drop_columns(KEY), total, None)
    last = rows.slice(rows.num_rows - 1)
    key = last[KEY][0].as_py()
    plain = key if isinstance(key, (float, type(None))) else key.isoformat()
    following = Cursor(version, asked, before + rows.num_rows, total, plain, last["customer_id"][0].as_py())
    return Page(rows.drop_columns(KEY), total, following)


def hash_of(*parts: str) -> str:
    """Return a short text that stands for what was asked."""
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]


def _total(listed: Ranked) -> int:
    total = int(listed.customers.count().to_pyarrow().as_py())
    return total if listed.limit is None else min(total, listed.limit)


def _with_plain_key(customers: ir.Table) -> ir.Table:
    # JSON has neither decimals nor large whole numbers.
    key = customers[KEY]
    return customers.mutate(**{KEY: key.cast("float64")}) if key.type().is_numeric() else customers


def _after(customers: ir.Table, cursor: Cursor) -> ir.BooleanValue:
    key, later = customers[KEY], customers.customer_id > cursor.customer_id
    if cursor.key is None:
        return key.isnull() & later
    last = _literal(cursor.key, key.type())
    return (key < last) | ((key == last) & later) | key.isnull()


def _literal(key: float | str, dtype: Any) -> Any:
    try:
        if dtype.is_numeric() and not isinstance(key, str):
            return ibis.literal(key)
        if dtype.is_date() and isinstance(key, str):
            return ibis.literal(date.fromisoformat(key))
        if dtype.is_timestamp() and isinstance(key, str):
            return ibis.literal(key).try_cast(dtype)
    except ValueError:
        pass
    raise HTTPException(422, "The cursor is none of this list's; take `next` of the page before.")
