"""The terms of a list as a form sends them: how many, what a contact costs, and who is held back."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from regulars.errors import RegularsError
from serving.listing.contact import Contact
from serving.listing.definition import Definition
from serving.web.pages.choice import LIKELIEST, Query

FIELDS = ("top", "cost", "response", "budget", "hold")


@dataclass(frozen=True)
class Terms:
    """The fields, as they were typed; empty where nothing was.

    Attributes
    ----------
    top
        How many customers at most.
    cost, budget
        Of one contact and of all, in the currency of the log.
    response
        Customers who answer, in per cent.
    hold
        Customers who are held back, in per cent.
    """

    top: str = ""
    cost: str = ""
    response: str = ""
    budget: str = ""
    hold: str = ""

    @property
    def fields(self) -> list[tuple[str, str]]:
        """Names and values of the fields that hold something."""
        return [(name, getattr(self, name)) for name in FIELDS if getattr(self, name)]

    def on(self, definition: Definition) -> Definition:
        """Return a list on these terms; what is not typed stays as the list has it.

        Raises
        ------
        RegularsError
            A field holds no number or one too large, or a cost comes without a response rate or the other way round.
        """
        parts: dict[str, Any] = {}
        if self.top:
            parts["top"] = _read(self.top, "The number of customers", int)
            if parts["top"] > LIKELIEST:
                raise RegularsError(f"The number of customers is at most {LIKELIEST:,}.")
        if self.hold:
            parts["hold_back"] = _read(self.hold, "The share held back") / 100
        if bool(self.cost) != bool(self.response) or (self.budget and not self.cost):
            raise RegularsError("Give both the cost of a contact and the share who answer, or neither.")
        if self.cost:
            budget = _read(self.budget, "The budget") if self.budget else None
            parts["contact"] = Contact(
                _read(self.cost, "The cost"), _read(self.response, "The share who answer") / 100, budget
            )
        return replace(definition, **parts)


def terms_of(query: Query) -> Terms:
    """Read the fields of a form."""
    return Terms(**{name: next((str(text).strip()[:20] for text in query.getlist(name)), "") for name in FIELDS})


def shown_terms(definition: Definition) -> Terms:
    """Return the terms of a list as the form shows them."""
    contact = definition.contact
    return Terms(
        str(definition.top or ""),
        f"{contact.cost:g}" if contact else "",
        f"{contact.response_rate * 100:g}" if contact else "",
        f"{contact.budget:g}" if contact and contact.budget is not None else "",
        f"{definition.hold_back * 100:g}",
    )


def _read(text: str, what: str, kind: Callable[[str], Any] = float) -> Any:
    try:
        return kind(text.replace(",", "."))
    except ValueError:
        raise RegularsError(f"{what} needs a number, and {text!r} is none.") from None
