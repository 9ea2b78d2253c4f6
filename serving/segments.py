"""The eleven segments that marketing knows, from the scores R, F and M, and the value tier from the lifetime value.

The names are those of Putler's RFM segments, https://www.putler.com/rfm-analysis/ .
"""

from dataclasses import dataclass

import ibis
from ibis.expr import types as ir

from features.expression_tree import did_you_mean
from regulars.errors import ExpressionError
from serving.scoring.rfm_scores import BEST_SCORE, strictly_worse


@dataclass(frozen=True)
class Segment:
    """One segment: its name, what its customers have in common, and what is usually done for them."""

    name: str
    meaning: str
    action: str


SEGMENTS = (
    Segment(
        "Champions",
        "They bought very recently, buy often and spend the most.",
        "Thank them: early access, rewards, requests for reviews and referrals; no discounts.",
    ),
    Segment(
        "Loyal",
        "They buy often or spend well (one large order is enough), and have been here not long ago.",
        "Offer what goes with their purchases and a place in the loyalty programme.",
    ),
    Segment(
        "Potential Loyalist",
        "They bought recently and have begun to come back or to spend more.",
        "Recommend related products and invite them to the loyalty programme.",
    ),
    Segment(
        "New",
        "They bought very recently, seldom and little so far: most of them for the first time.",
        "Welcome them, help them get the most from the purchase, and lead to the second one.",
    ),
    Segment(
        "Promising",
        "They bought fairly recently, but seldom and little so far.",
        "Make the brand known with useful content and a small reason to return.",
    ),
    Segment(
        "Needs Attention",
        "They are middling in recency, frequency and spend, and may turn either way.",
        "Send a limited offer based on what they bought.",
    ),
    Segment(
        "About To Sleep",
        "Their purchases were small and few, and the last is some time ago.",
        "Remind them with popular products or a first small discount.",
    ),
    Segment(
        "At Risk",
        "They used to buy well, and have not for a long time.",
        "Write personally, with renewals and offers based on what they bought.",
    ),
    Segment(
        "Can't Lose Them",
        "They were among the best, and have been away longer than nearly everybody.",
        "Win them back in person: call, ask what went wrong, make a strong offer.",
    ),
    Segment(
        "Hibernating",
        "They bought seldom and little, and long ago.",
        "Include them in seasonal mailings at low cost.",
    ),
    Segment(
        "Lost",
        "They bought seldom and little, and longer ago than nearly everybody.",
        "Make one last attempt to win them back, then leave them in peace.",
    ),
)

# By recency score (rows) and by the rounded-up mean of the frequency and monetary scores, 1 to 5 (columns).
# fmt: off
GRID = {
    5: ("New",            "Potential Loyalist", "Potential Loyalist", "Champions",       "Champions"),
    4: ("Promising",      "Potential Loyalist", "Loyal",              "Champions",       "Champions"),
    3: ("About To Sleep", "Needs Attention",    "Needs Attention",    "Loyal",           "Loyal"),
    2: ("Hibernating",    "Hibernating",        "At Risk",            "At Risk",         "At Risk"),
    1: ("Lost",           "Lost",               "At Risk",            "Can't Lose Them", "Can't Lose Them"),
}
# fmt: on

# The share of all customers, in per cent, of whom a customer has to be strictly better, from the highest tier down.
TIERS = {"Top": 95, "High": 80, "Medium": 50}
LOWEST_TIER = "Low"


def segment_of(r: int, f: int, m: int) -> Segment:
    """Return the segment of one customer with these scores, each 1 to 5."""
    if not all(1 <= score <= BEST_SCORE for score in (r, f, m)):
        raise ValueError(f"scores are from 1 to {BEST_SCORE}, not {r}, {f}, {m}")
    return segment_named(_segment_name(r, f + m))


def segment(r: ir.IntegerValue, f: ir.IntegerValue, m: ir.IntegerValue) -> ir.StringValue:
    """Return the names of the segments for columns of scores, each 1 to 5; null where a score is null."""
    both = f.cast("int64") + m.cast("int64")
    sums = range(2, 2 * BEST_SCORE + 1)
    return r.cases(*((row, both.cases(*((total, _segment_name(row, total)) for total in sums))) for row in GRID))


def segment_named(text: str) -> Segment:
    """Return the segment with this name, whatever its capitals, spaces and apostrophes.

    Raises
    ------
    ExpressionError
        Where there is none; the message lists all names.
    """
    found = {_letters(known.name): known for known in SEGMENTS}.get(_letters(text))
    if found is None:
        names = [known.name for known in SEGMENTS]
        raise ExpressionError(
            f"There is no segment {text!r}.{did_you_mean(text, names)} The segments are: {', '.join(names)}."
        )
    return found


def value_tier(customers: ir.Table) -> ir.StringValue:
    """Return the value tier of every customer by `clv`: the best 5 % are Top, the next 15 % High, the next 30 % Medium.

    A tier needs 95, 80 or 50 % of all customers to be strictly worse. So customers with the same `clv` share a tier, no
    tier is ever larger than it says (with ties or fewer than 20 customers, Top may be empty), and where nobody is worth
    more than anybody else, all are Low. A null is worse than any value.
    """
    worse, everybody = strictly_worse(ibis.asc(customers.clv, nulls_first=True), customers)
    return ibis.cases(*((worse * 100 >= everybody * share, tier) for tier, share in TIERS.items()), else_=LOWEST_TIER)


def _segment_name(r: int, frequency_plus_monetary: int) -> str:
    return GRID[r][(frequency_plus_monetary + 1) // 2 - 1]


def _letters(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter.isalnum())
