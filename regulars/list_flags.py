"""Flags of lists: who is on them, what a contact costs, and how they leave."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from regulars.errors import RegularsError

if TYPE_CHECKING:
    from serving.listing.contact import Contact
    from serving.listing.definition import Cap, Definition

Format = Literal["csv", "parquet", "json", "google", "meta", "klaviyo"]


@Parameter(name="*")
@dataclass(frozen=True)
class WhoFlags:
    """Who is on a list.

    Attributes
    ----------
    play
        Ready list: save, win-back, second-order, replenish-now, reward, grow, sleeping-whales or leave-alone.
    segment
        Segment, such as "At Risk"; may be given several times.
    where
        Filter over the columns of the scores, such as "clv > 200 and churn_probability < 0.5".
    top
        How many customers at most.
    by
        Column to rank by, highest first; by default the play's own order, else clv.
    """

    play: str | None = None
    segment: tuple[str, ...] = ()
    where: str | None = None
    top: int | None = None
    by: str | None = None

    @property
    def given(self) -> bool:
        """Whether anything was asked for."""
        return self != WhoFlags()


@Parameter(name="*")
@dataclass(frozen=True)
class ContactFlags:
    """What a contact costs and earns, and how many there may be.

    Attributes
    ----------
    contact_cost
        Cost of one contact, discounts included; with it, customers are ranked by expected profit.
    response_rate
        Share of contacted customers who buy because of it, such as 0.03.
    budget
        For all contacts of the list.
    max_contacts
        Leave out customers who were on so many exported lists within --within-days.
    within_days
        How far back --max-contacts looks.
    """

    contact_cost: float | None = None
    response_rate: float | None = None
    budget: float | None = None
    max_contacts: int | None = None
    within_days: int = 30

    def contact(self) -> "Contact | None":
        """Return the terms of contact; None where there are none."""
        from serving.listing.contact import Contact

        if (self.contact_cost is None) != (self.response_rate is None):
            raise RegularsError("Expected profit needs both --contact-cost and --response-rate.")
        if self.contact_cost is None or self.response_rate is None:
            if self.budget is not None:
                raise RegularsError("A --budget needs --contact-cost and --response-rate.")
            return None
        return Contact(self.contact_cost, self.response_rate, self.budget)

    def cap(self) -> "Cap | None":
        """Return how often a customer may be on exported lists; None: as often as you like."""
        from serving.listing.definition import Cap

        return None if self.max_contacts is None else Cap(self.max_contacts, self.within_days)


@Parameter(name="*")
@dataclass(frozen=True)
class LeaveFlags:
    """How a list leaves.

    Attributes
    ----------
    name
        Name of the list: what leaves is written down under it, and some are held back. Alone, it is a saved list.
    save
        Save who is on it under the name, to be asked for again.
    hold_back
        Share held back to measure against, by default 0.1; 0 for nobody.
    changes
        Only customers whose row has changed since the last export of this name and format.
    region
        Country of telephone numbers without a country code, such as GB, for google, meta and klaviyo.
    """

    name: str | None = None
    save: Annotated[bool, Parameter(negative="")] = False
    hold_back: float | None = None
    changes: Annotated[bool, Parameter(negative="")] = False
    region: str | None = None


def definition(who: WhoFlags, contact: ContactFlags, leave: LeaveFlags) -> "Definition":
    """Return the list that flags describe."""
    from serving.listing.definition import HOLD_BACK, Definition

    share = HOLD_BACK if leave.hold_back is None else leave.hold_back
    return Definition(who.play, who.segment, who.where, who.top, who.by, contact.contact(), contact.cap(), share)
