"""Definition: what a list is, as data that can be saved, sent and evaluated again."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from regulars.errors import RegularsError
from serving.listing.contact import Contact
from serving.listing.playbook import play_named
from serving.segments import segment_named

HOLD_BACK = 0.1
"""Share of a list that is held back where nothing else is said."""


@dataclass(frozen=True)
class Cap:
    """No customer is on more than `contacts` exported lists within `days` days."""

    contacts: int
    days: int

    def __post_init__(self) -> None:
        if not all(isinstance(number, int) and number >= 1 for number in (self.contacts, self.days)):
            raise RegularsError(
                "A cap is of one list or more within one day or more, in whole numbers, not "
                f"{self.contacts} in {self.days}."
            )


@dataclass(frozen=True)
class Definition:
    """A list: a play or segments, a filter, an order, and the terms on which it leaves.

    Attributes
    ----------
    play
        Slug of a play; None: all customers.
    segment
        Names of segments; none: all.
    where
        Filter over the columns of `serving.economics.customer_values` and `serving.listing.standing`.
    top
        How many customers at most are contacted.
    by
        Column to rank by, highest first; None: expected profit where there are terms of contact, else the play's order,
        else `clv`.
    contact
        Terms of contact; None: every customer, whatever a contact costs.
    cap
        How often a customer may be on exported lists; None: as often as you like.
    hold_back
        Share of customers that is held back at every export, to measure against.
    """

    play: str | None = None
    segment: tuple[str, ...] = ()
    where: str | None = None
    top: int | None = None
    by: str | None = None
    contact: Contact | None = None
    cap: Cap | None = None
    hold_back: float = HOLD_BACK

    def __post_init__(self) -> None:
        if not (math.isfinite(self.hold_back) and 0 <= self.hold_back < 1):
            raise RegularsError(f"The share held back is from 0 to below 1, and {self.hold_back} is not: 10 % is 0.1.")
        if self.top is not None and self.top < 1:
            raise RegularsError(f"A list needs at least one customer, and top is {self.top}.")
        # Refused when it is written down, not when it is used.
        if self.play is not None:
            object.__setattr__(self, "play", play_named(self.play).slug)
        object.__setattr__(self, "segment", tuple(segment_named(name).name for name in self.segment))

    @property
    def limit(self) -> int | None:
        """How many customers can be contacted: `top` or what the budget pays for, whichever is less."""
        limits = [self.top, self.contact.affordable if self.contact else None]
        return min((limit for limit in limits if limit is not None), default=None)

    def to_json(self) -> str:
        """Return the definition as JSON; what is not set is left out."""
        return json.dumps({name: value for name, value in asdict(self).items() if value not in (None, (), [])})

    @staticmethod
    def from_json(text: str) -> "Definition":
        """Return the definition that `to_json` wrote.

        Raises
        ------
        RegularsError
            The text is no JSON object, or holds what no list has.
        """
        try:
            found = json.loads(text)
        except ValueError as error:
            raise RegularsError(f"This is no definition of a list, but {text[:80]!r}.") from error
        return Definition.of(found)

    @staticmethod
    def of(found: Any) -> "Definition":
        """Return the definition that plain data describes.

        Raises
        ------
        RegularsError
            It holds what no list has, or something of another kind.
        """
        if not isinstance(found, Mapping):
            raise RegularsError("A definition of a list is a JSON object.")
        known = {field.name for field in fields(Definition)}
        if extra := sorted(set(found) - known):
            raise RegularsError(f"A list has no {', '.join(map(str, extra))}; it has {', '.join(sorted(known))}.")
        parts: dict[str, Any] = {name: value for name, value in found.items() if value is not None}
        _check_kinds(parts)
        try:
            if "contact" in parts:
                parts["contact"] = Contact(**parts["contact"])
            if "cap" in parts:
                parts["cap"] = Cap(**parts["cap"])
        except TypeError as error:
            raise RegularsError(f"Terms of a list cannot be read: {error}.") from error
        segments = parts.get("segment", ())
        parts["segment"] = (segments,) if isinstance(segments, str) else tuple(segments)
        return Definition(**parts)


_KINDS: dict[str, tuple[type, ...]] = {
    "play": (str,),
    "segment": (str, list, tuple),
    "where": (str,),
    "top": (int,),
    "by": (str,),
    "contact": (Mapping,),
    "cap": (Mapping,),
    "hold_back": (int, float),
}


def _check_kinds(parts: Mapping[str, Any]) -> None:
    for name, value in parts.items():
        inside = value.values() if isinstance(value, Mapping) else ()
        if not isinstance(value, _KINDS[name]) or isinstance(value, bool) or not all(_is_number(v) for v in inside):
            raise RegularsError(f"The {name} of a list cannot be {value!r}.")
        if isinstance(value, (list, tuple)) and not all(isinstance(item, str) for item in value):
            raise RegularsError(f"The {name} of a list cannot be {value!r}.")


def _is_number(value: Any) -> bool:
    return value is None or (isinstance(value, (int, float)) and not isinstance(value, bool))
