"""The size of a list: how many customers it holds, what they are worth, and how many must not be contacted."""

from dataclasses import dataclass

import ibis

from serving.listing.consent import consents
from serving.listing.definition import Definition
from serving.listing.ranking import Ranked
from serving.listing.saved_lists import evaluate
from serving.web.pages.visit import Visit


@dataclass(frozen=True)
class Size:
    """What a list comes to.

    Attributes
    ----------
    customers
        How many there are.
    worth
        The sum of their `clv`.
    silent
        How many of them have not consented to be contacted, as far as the customers table says so.
    """

    customers: int
    worth: float
    silent: int = 0


def on_list(here: Visit, definition: Definition) -> Ranked:
    """Evaluate a definition over the scoring that is looked at."""
    return evaluate(here.store(), definition, here.scored.as_of, here.scored.horizon_days)


def size_of(here: Visit, definition: Definition) -> Size:
    """Return the size of a list, worked out once for each version of the store."""
    return here.recall("size", lambda: _measured(on_list(here, definition)), definition.to_json())


def _measured(listed: Ranked) -> Size:
    rows = listed.customers if listed.limit is None else listed.rows()
    consent = consents(rows)
    silent = ibis.literal(0) if consent is None else ibis.ifelse(consent, 0, 1).sum()
    found = rows.aggregate(customers=rows.count(), worth=rows.clv.sum(), silent=silent).to_pyarrow().to_pylist()[0]
    return Size(int(found["customers"]), float(found["worth"] or 0.0), int(found["silent"] or 0))
