"""Play counts: how many customers are on each play now, and what they are worth."""

from dataclasses import dataclass
from typing import Any

import ibis
from ibis.expr import types as ir

from regulars.errors import ExpressionError
from serving.listing.breadth import with_breadth
from serving.listing.playbook import PLAYS, Play, on_play
from serving.listing.saved_lists import lifetime_of
from serving.listing.standing import standing
from serving.web.pages.visit import Visit


@dataclass(frozen=True)
class PlayCount:
    """A play and who is on it.

    Attributes
    ----------
    play
        The play.
    customers, worth
        How many, and the sum of their `clv`.
    problem
        Why it cannot be told; empty where it can.
    """

    play: Play
    customers: int = 0
    worth: float = 0.0
    problem: str = ""


def play_counts(here: Visit) -> list[PlayCount]:
    """Return all plays with their counts, in the order of the playbook."""
    return here.recall("plays", lambda: _counted(here))


def _counted(here: Visit) -> list[PlayCount]:
    """Count all plays in one query: comparing all customers with one another is what takes its time."""
    base = standing(_with_breadth(here), lifetime_of(here.store(), here.scored.as_of, here.scored.horizon_days))
    asked: dict[str, Any] = {"everybody": base.count()}
    problems = {}
    for play in PLAYS:
        try:
            holds = on_play(base, play)
        except ExpressionError as error:
            problems[play.slug] = str(error)
            continue
        asked[f"{play.slug} customers"] = ibis.ifelse(holds, 1, 0).sum()
        asked[f"{play.slug} worth"] = base.clv.sum(where=holds)
    found = base.aggregate(**asked).to_pyarrow().to_pylist()[0]
    return [
        PlayCount(play, problem=problems[play.slug])
        if play.slug in problems
        else PlayCount(play, int(found[f"{play.slug} customers"] or 0), float(found[f"{play.slug} worth"] or 0.0))
        for play in PLAYS
    ]


def _with_breadth(here: Visit) -> ir.Table:
    ledger = here.ledger()
    return here.values() if ledger is None else with_breadth(here.values(), ledger)
