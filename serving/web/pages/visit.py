"""A visit: which scoring somebody looks at, and the tables behind it."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Annotated, Any, TypeVar
from urllib.parse import quote, unquote, urlencode

from fastapi import Depends, HTTPException, Query, Request
from ibis.expr import types as ir

from regulars.errors import StoreError
from serving.store import MARGIN, REVENUE, Store
from serving.web.access import Caller, page_caller
from serving.web.pages.memory import Memory, memory_of
from serving.web.reader import Reader, reader_of

Answer = TypeVar("Answer")
VALUE_NAMES = {MARGIN: "CLV", REVENUE: "discounted revenue"}
UNKNOWN_VALUE = "discounted value"
"""What the column `clv` is called where the store is too old to say what it holds."""
MARGIN_HINT = (
    "No margin was given, so value is revenue, discounted to today; it is not customer lifetime value. "
    "Score with --margin 0.35 (or margins by category) to see CLV."
)
OLD_HINT = (
    "This store was scored by an older version, which did not say whether value is margin or revenue: score again."
)
MOST_SCORINGS = 12
"""How many scorings a trend looks back on."""


@dataclass(frozen=True, order=True)
class Scored:
    """One scoring of the store."""

    as_of: date
    horizon_days: int

    @property
    def text(self) -> str:
        """As it stands in addresses."""
        return f"{self.as_of}.{self.horizon_days}"


@dataclass(frozen=True)
class Visit:
    """One request for a page.

    Attributes
    ----------
    request, caller
        What is asked, and by whom.
    reader
        Reads the store.
    scored
        The scoring that is looked at.
    held
        All there are, oldest first.
    """

    request: Request
    caller: Caller
    reader: Reader
    scored: Scored
    held: tuple[Scored, ...]

    def values(self, scored: Scored | None = None) -> ir.Table:
        """Return what every customer is worth, in this or another scoring."""
        wanted = scored or self.scored
        return self.reader.values(wanted.as_of, wanted.horizon_days)

    def scores(self, scored: Scored | None = None) -> ir.Table:
        """Return the scores of this or another scoring."""
        wanted = scored or self.scored
        return self.reader.scores(wanted.as_of, wanted.horizon_days)

    def store(self) -> Store:
        """Return the store, loaded, for this thread."""
        return self.reader.here()

    def ledger(self) -> ir.Table | None:
        """Return the customer-days of the store; None where it holds none."""
        try:
            return self.store().ledger()
        except StoreError:
            return None

    def recall(self, name: str, work_out: Callable[[], Answer], *depends_on: Hashable) -> Answer:
        """Return an answer over all customers of this scoring, worked out once for each version of the store."""
        memory: Memory = memory_of(self.request)
        return memory.recall((self.reader.version, self.scored, name, *depends_on), work_out)

    @property
    def earlier(self) -> tuple[Scored, ...]:
        """The scorings of the same horizon up to this one, oldest first."""
        same = [one for one in self.held if one.horizon_days == self.scored.horizon_days]
        return tuple(one for one in same if one <= self.scored)[-MOST_SCORINGS:]

    @property
    def previous(self) -> Scored | None:
        """The scoring before this one, of the same horizon."""
        return self.earlier[-2] if len(self.earlier) > 1 else None

    @cached_property
    def record(self) -> dict[str, Any]:
        """What was remembered of this scoring; empty where it left no record."""
        return self.record_of(self.scored)

    def record_of(self, scored: Scored) -> dict[str, Any]:
        """Return what was remembered of a scoring; empty where it left no record."""
        records = self.recall("records", self.store().scorings)
        wanted = (str(scored.as_of), scored.horizon_days)
        return next((one for one in records if (str(one["as_of"]), one["horizon_days"]) == wanted), {})

    @cached_property
    def basis(self) -> str | None:
        """What `clv` holds: margin, revenue, or None where the store does not say."""
        return self.recall("basis", lambda: _basis(self.values()))

    @property
    def value_name(self) -> str:
        """What `clv` is called."""
        return VALUE_NAMES.get(self.basis or "", UNKNOWN_VALUE)

    @property
    def value_hint(self) -> str:
        """What to do where `clv` is no customer lifetime value; empty where it is."""
        return {MARGIN: "", REVENUE: MARGIN_HINT}.get(self.basis or "", OLD_HINT)

    def customer(self, customer_id: str) -> str:
        """Return the address of a customer's page; the id may hold anything, slashes too."""
        return self._kept(f"/customers/{quote(customer_id, safe='')}", [])

    def link(self, path: str, *fields: tuple[str, str], **more: Any) -> str:
        """Return an address within the pages that stays with the scoring that is looked at."""
        return self._kept(quote(path), [*fields, *((name, str(value)) for name, value in more.items())])

    def _kept(self, address: str, pairs: list[tuple[str, str]]) -> str:
        kept = [("scored", self.scored.text)] if self.scored != _newest(self.held) else []
        return address + (f"?{urlencode(pairs + kept)}" if pairs + kept else "")


def _basis(values: ir.Table) -> str | None:
    if "clv_basis" not in values.columns:
        return None
    found = values.aggregate(basis=values.clv_basis.max()).to_pyarrow()["basis"][0].as_py()
    return None if found is None else str(found)


def visit(scope: str) -> Callable[..., Visit]:
    """Return the dependency of a page: who is allowed to see it looks at the newest scoring, or the one asked for."""

    def begin(
        request: Request,
        caller: Annotated[Caller, Depends(page_caller(scope))],
        scored: Annotated[str, Query(max_length=40)] = "",
    ) -> Visit:
        if "\x00" in unquote(f"{request.url.path}?{request.url.query}"):
            # Engines end a text there; nothing in a store is called so.
            raise HTTPException(404, "Nothing has a NUL character in its name.")
        reader = reader_of(request)
        held = tuple(sorted(Scored(*one) for one in reader.held()))
        if not held:
            raise StoreError("This store holds no scores yet; run `regulars score` first.")
        return Visit(request, caller, reader, _chosen(scored, held), held)

    return begin


def _chosen(text: str, held: tuple[Scored, ...]) -> Scored:
    if not text:
        return _newest(held)
    found = next((one for one in held if one.text == text), None)
    if found is None:
        raise HTTPException(404, f"The store holds no scores of {text!r}; it may have been cleared.")
    return found


def _newest(held: tuple[Scored, ...]) -> Scored:
    """Return the newest scoring; of several horizons, the shortest."""
    return next(one for one in held if one.as_of == held[-1].as_of)
