"""Ranking: a definition over customers, as a condition, a key to rank by, and how many of them at most."""

from dataclasses import dataclass
from typing import Any

import ibis
from ibis.expr import types as ir

from features.expression import compile_filter, compile_value
from serving.listing.contact import PROFIT
from serving.listing.definition import Definition
from serving.listing.headings import DISCOUNTED_REVENUE, aliased, rankable
from serving.listing.personal import without_personal
from serving.listing.playbook import REWARDED, Play, on_play, play_named
from serving.listing.standing import MEANINGS, standing
from serving.listing.wording import worded

KEY = "_key"
PLAY, SEGMENT, WHERE, CONTACT = "play", "segment", "where", "contact"
REASON = "reason"
BREADTH_COLUMNS = ("breadth", "breadth_of")


@dataclass(frozen=True)
class Ranked:
    """Customers on a list, in no order yet.

    Attributes
    ----------
    customers
        Those on the list, all of them, with a column `_key` to rank by, highest first, then by customer.
    limit
        How many of them at most are contacted; None: all.
    """

    customers: ir.Table
    limit: int | None

    def rows(self) -> ir.Table:
        """Return the list, best first."""
        ordered = in_order(self.customers)
        return (ordered if self.limit is None else ordered.limit(self.limit)).drop(KEY)


def in_order(customers: ir.Table) -> ir.Table:
    """Return ranked customers best first; those without a key come last, those alike by customer."""
    return customers.order_by(ibis.desc(customers[KEY]), ibis.asc(customers.customer_id))


def ranked(values: ir.Table, definition: Definition, lifetime_days: float | None = None) -> Ranked:
    """Evaluate a definition.

    Parameters
    ----------
    values
        Of `serving.economics.customer_values`, all customers.
    definition
        What the list is.
    lifetime_days
        How far ahead `clv` counts, for words; None: not known.

    Raises
    ------
    ExpressionError
        The filter or the order cannot be read, or names personal data, or the play needs what the log did not have.
    """
    play = _play(definition)
    base = compared(values, definition, lifetime_days)
    asked = conditions(base, definition)
    chosen = base.filter(*asked.values()) if asked else base
    chosen = chosen.mutate(**{PROFIT: _profit(chosen, definition, play)})
    chosen = chosen.mutate(**{KEY: _key(chosen, definition, play)})
    if play is not None:
        chosen = chosen.mutate(**{REASON: worded(play.reason, chosen)})
    shown = [PROFIT] if play is not None or definition.contact is not None else []
    added = {*MEANINGS, DISCOUNTED_REVENUE, *BREADTH_COLUMNS, PROFIT} - set(shown)
    limit = definition.limit if play is None or play.contacted else definition.top
    return Ranked(chosen.drop(*[name for name in chosen.columns if name in added]), limit)


def compared(values: ir.Table, definition: Definition, lifetime_days: float | None = None) -> ir.Table:
    """Return all customers with what a definition compares; parameters as of `ranked`."""
    # Comparing all customers with one another takes longer than any filter.
    written = f"{definition.where or ''} {definition.by or ''}".casefold()
    needed = definition.play is not None or definition.contact is not None or any(name in written for name in MEANINGS)
    return aliased(standing(values, lifetime_days) if needed else values)


def conditions(base: ir.Table, definition: Definition) -> dict[str, Any]:
    """Return what a definition asks of customers, all of which must hold, by what asks it; parameters of `compared`."""
    play, asked = _play(definition), {}
    if play is not None:
        asked[PLAY] = on_play(base, play)
    if definition.segment:
        asked[SEGMENT] = base.segment.isin(list(definition.segment))
    if definition.where is not None:
        # Who may not see an address may not ask either whether it begins with an a.
        compile_filter(definition.where, without_personal(base))
        asked[WHERE] = compile_filter(definition.where, base)
    if definition.contact is not None:
        profit = _profit(base, definition, play)
        if play is None or play.contacted:
            asked[CONTACT] = profit > 0
        else:
            # A reward sells something more: what a contact earns by bringing an order forth says nothing of it.
            asked[PLAY] = asked[PLAY] | ((profit <= 0) & ~compile_filter(REWARDED, base))
    return asked


def _play(definition: Definition) -> Play | None:
    return play_named(definition.play) if definition.play else None


def _profit(base: ir.Table, definition: Definition, play: Play | None) -> Any:
    if definition.contact is None:
        return ibis.null("float64")
    return definition.contact.profit(base, extra=play is not None and play.extra)


def _key(chosen: ir.Table, definition: Definition, play: Play | None) -> Any:
    if definition.by is not None:
        return chosen[rankable(without_personal(chosen), definition.by).get_name()]
    if definition.contact is not None and (play is None or play.contacted):
        return chosen[PROFIT]
    return compile_value(play.by, chosen) if play is not None else chosen.clv
