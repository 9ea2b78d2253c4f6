"""A definition in words: what a saved list holds."""

from serving.listing.definition import Definition
from serving.listing.playbook import play_named
from serving.web.charts.numerals import count, share
from serving.web.pages.choice import ORDERS


def in_words(definition: Definition) -> str:
    """Return who is on a list, how it is ranked, and on which terms."""
    parts = [f"play {play_named(definition.play).name}"] if definition.play else []
    parts += [", ".join(definition.segment)] if definition.segment else []
    parts += [definition.where] if definition.where else []
    who = "; ".join(parts) or "all customers"
    terms = [f"the first {count(definition.top)}"] if definition.top else []
    terms += [f"ranked by {ORDERS.get(definition.by, definition.by)}"] if definition.by else []
    if definition.contact is not None:
        contact = definition.contact
        terms.append(f"{contact.cost:g} a contact, {share(contact.response_rate, 1)} answer")
    if definition.cap is not None:
        terms.append(f"at most {definition.cap.contacts} contacts in {definition.cap.days} days")
    return who[:1].upper() + who[1:] + (f" ({'; '.join(terms)})" if terms else "")
