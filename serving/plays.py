"""Plays: the customers of a ready list, best first, each with a reason."""

from ibis.expr import types as ir

from serving.listing.contact import Contact
from serving.listing.definition import Definition
from serving.listing.playbook import PLAYS, Play, play_named
from serving.listing.ranking import ranked

__all__ = ["PLAYS", "Contact", "Play", "play_list", "play_named"]


def play_list(
    values: ir.Table, play: Play, contact: Contact | None = None, lifetime_days: float | None = None
) -> ir.Table:
    """Return the customers of a play, best first, with `expected_profit` and `reason`.

    Parameters
    ----------
    values
        Of `serving.economics.customer_values`, all customers: the rule compares them with one another. `Grow` also
        needs `breadth` and `breadth_of` (`serving.listing.breadth.with_breadth`).
    play
        One of `PLAYS`.
    contact
        Terms of contact: the customers of the play whom a contact is expected to pay for, by expected profit, as many
        as the budget allows. None: all customers of the play, and no expected profit.
    lifetime_days
        How far ahead `clv` counts, for words; None: not known.

    Returns
    -------
    Table
        The columns of `values` (without breadth), `expected_profit` and `reason`.
    """
    return ranked(values, Definition(play=play.slug, contact=contact), lifetime_days).rows()
