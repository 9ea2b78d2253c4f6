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
from serving.listing.playbook import Play, on_play, play_named
from serving.listing.standing import MEANINGS, standing
from serving.listing.wording import worded

KEY = "_key"
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
    play = play_named(definition.play) if definition.play else None
    base = standing(values, lifetime_days) if play is not None or _needs_standing(definition) else values
    base = aliased(base)
    chosen = base.filter(_condition(base, definition, play))
    chosen = chosen.mutate(**{PROFIT: _profit(chosen, definition, play)})
    chosen = chosen.mutate(**{KEY: _key(chosen, definition, play)})
    if play is not None:
        chosen = chosen.mutate(**{REASON: worded(play.reason, chosen)})
    shown = [PROFIT] if play is not None or definition.contact is not None else []
    added = {*MEANINGS, DISCOUNTED_REVENUE, *BREADTH_COLUMNS, PROFIT} - set(shown)
    limit = definition.limit if play is None or play.contacted else definition.top
    return Ranked(chosen.drop(*[name for name in chosen.columns if name in added]), limit)


def _needs_standing(definition: Definition) -> bool:
    # Comparing all customers with one another takes longer than any filter.
    written = f"{definition.where or ''} {definition.by or ''}".casefold()
    return definition.contact is not None or any(name in written for name in MEANINGS)


def _condition(base: ir.Table, definition: Definition, play: Play | None) -> Any:
    condition = _rule(base, definition, play)
    if definition.segment:
        condition = condition & base.segment.isin(list(definition.segment))
    if definition.where is not None:
        # Who may not see an address may not ask either whether it begins with an a.
        compile_filter(definition.where, without_personal(base))
        condition = condition & compile_filter(definition.where, base)
    return condition


def _rule(base: ir.Table, definition: Definition, play: Play | None) -> Any:
    rule: Any = on_play(base, play) if play is not None else ibis.literal(True)
    if definition.contact is None:
        return rule
    profit = _profit(base, definition, play)
    return rule & (profit > 0) if play is None or play.contacted else rule | (profit <= 0)


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
