"""Emptiness: why nobody is on a list, and what to loosen."""

from dataclasses import dataclass
from datetime import date

import ibis

from serving.listing.consent import consent_columns, consents
from serving.listing.definition import Definition
from serving.listing.playbook import play_named
from serving.listing.ranking import CONTACT, PLAY, SEGMENT, WHERE, compared, conditions
from serving.listing.saved_lists import values_for
from serving.store import Store

CONSENT = "consent"


@dataclass(frozen=True)
class Hurdle:
    """What a condition is called: of those who pass it, of nobody passing it, and what can be done then."""

    those: str
    nobody: str
    hint: str


def why_empty(
    store: Store, definition: Definition, as_of: date | None = None, horizon_days: int | None = None
) -> str | None:
    """Return in one sentence at which of its conditions a list loses its last customer; None: it has some.

    Parameters and errors as of `serving.listing.saved_lists.evaluate`.
    """
    base = compared(values_for(store, definition, as_of, horizon_days), definition)
    asked = conditions(base, definition)
    if (consent := consents(base)) is not None:
        asked[CONSENT] = consent
    counts, held = {"": base.count()}, ibis.literal(True)
    for name, condition in asked.items():
        held = held & condition
        counts[name] = ibis.ifelse(held, 1, 0).sum()
    found = base.aggregate(**{f"n{name}": count for name, count in counts.items()}).to_pyarrow().to_pylist()[0]
    left, those = int(found["n"]), list[str]()
    for name in asked:
        hurdle = _hurdle(name, definition, consent_columns(base.columns))
        if not found[f"n{name}"]:
            return f"of {left:,} customers {' and '.join(those)}".rstrip() + f" {hurdle.nobody}: {hurdle.hint}"
        left = int(found[f"n{name}"])
        those.append(hurdle.those)
    return None


def _hurdle(name: str, definition: Definition, consent: list[str]) -> Hurdle:
    if name == PLAY:
        play = play_named(str(definition.play))
        widen = f'To widen it, loosen its rule, and give that instead of --play: --where "{play.rule}"'
        return Hurdle(f"on {play.name}", f"none is on {play.name}", f"{play.meaning} {widen}")
    if name == SEGMENT:
        segments = " or ".join(definition.segment)
        return Hurdle(f"in {segments}", f"none is in {segments}", "name another --segment, or none")
    if name == WHERE:
        return Hurdle(f"with {definition.where}", f"none has {definition.where}", "loosen --where")
    if name == CONTACT:
        return Hurdle(
            "worth a contact",
            "none is expected to bring more than a contact costs",
            "lower --contact-cost, raise --response-rate if you can expect more answers, or leave both out",
        )
    columns = ", ".join(consent)
    return Hurdle("who consent", "none consents to be contacted", f"{columns} of the customers table says who does")
