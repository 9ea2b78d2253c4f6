"""The playbook: ready lists, each with a stated rule, a stated action, and a reason a customer."""

from dataclasses import dataclass

from ibis.expr import types as ir

from features.expression import compile_filter
from features.expression_tree import did_you_mean
from regulars.errors import ExpressionError

BREADTH = "breadth"


@dataclass(frozen=True)
class Play:
    """One ready list.

    Attributes
    ----------
    name, slug
        For people, and for commands and addresses.
    meaning
        Who is on the list.
    rule
        The same as a filter over the columns of `standing`.
    action
        What is usually done for them.
    by
        What the list is ranked by, best first, where no terms of contact are given: a value over the same columns.
    reason
        Template of the reason (`serving.listing.wording`).
    extra
        Whether an answer adds an order to those that come anyway (`serving.listing.contact.Contact`).
    contacted
        Whether the list is of customers to contact.
    """

    name: str
    slug: str
    meaning: str
    rule: str
    action: str
    by: str
    reason: str
    extra: bool = False
    contacted: bool = True


VALUABLE = "(worth_so_far > worth_so_far_p80 or value_tier in ('Top', 'High'))"
AWAY = "churn_probability >= 0.2"
"""Where nearly everybody comes back, likelier to leave than most is not likely to leave."""
REWARDED = "value_tier = 'Top' and r_score >= 4 and f_score >= 4"

PLAYS = (
    Play(
        "Save",
        "save",
        "Valuable customers (top fifth by value so far or ahead) who are silent for longer than usual, though less "
        "than three times as long, and likelier to leave than most who order as often, with a chance of one in five "
        "or more.",
        f"{VALUABLE} and frequency >= 3 and overdue >= 1 and overdue < 3 and churn_probability > peer_churn and {AWAY}",
        "Write personally before a discount: ask, help, remind of what they usually buy.",
        "churn_probability * worth_so_far",
        "No order for {recency_days:days}, usually every {usual_gap_days:days}; {worth_ahead}",
    ),
    Play(
        "Win back",
        "win-back",
        "Customers with two purchase days or more who are silent for three times their usual pause or longer, and "
        "likelier to stay away than most who order as often, with a chance of one in five or more.",
        f"frequency >= 2 and overdue >= 3 and churn_probability > peer_churn and {AWAY}",
        "Make one strong offer with an end date; stop after the second silence.",
        "churn_probability * order_value",
        "Gone for {recency_days:days}, usually every {usual_gap_days:days}; "
        "{spent_so_far:money} spent so far on {frequency:number} purchase days",
    ),
    Play(
        "Second order",
        "second-order",
        "One purchase day so far, no longer ago than nine in ten of the customers who come back usually wait.",
        "frequency = 1 and recency_days <= usual_gap_days_p90",
        "Lead to the second order: how to use the first, what goes with it, a reason to return soon.",
        "expected_spend",
        "First order {recency_days:days} ago, {spent_so_far:money} spent so far; half of those who come back "
        "do so every {usual_gap_days_p50:days} or sooner",
    ),
    Play(
        "Replenish now",
        "replenish-now",
        "Three purchase days or more, in rhythm (half to one and a half times the usual pause), and the next order is "
        "due within three weeks.",
        "frequency >= 3 and due_in_days <= 21 and overdue >= 0.5 and overdue <= 1.5",
        "Remind in time: what they bought last, ready to order again.",
        "-due_in_days",
        "Last order {recency_days:days} ago, usually every {usual_gap_days:days}; next due by {next_order_date}",
    ),
    Play(
        "Reward",
        "reward",
        "The most valuable 5 % ahead, recent and frequent.",
        REWARDED,
        "Thank them: early access, service, a gift; no discount on what they buy anyway.",
        "expected_spend",
        "Among the best 5 %: {frequency:number} purchase days, last order {recency_days:days} ago; {worth_ahead}",
        extra=True,
    ),
    Play(
        "Grow",
        "grow",
        "Frequent customers in rhythm who buy from at most half as many categories (or products, where the log has no "
        "categories) as most who order as often.",
        "f_score >= 4 and overdue <= 2 and breadth <= 0.5 * peer_breadth",
        "Show what others who order as often also buy; a first order in a new category.",
        "expected_spend",
        "Ordered on {frequency:number} days from {breadth:number} {breadth_of}; customers who order as often buy from "
        "{peer_breadth:number}",
        extra=True,
    ),
    Play(
        "Sleeping whales",
        "sleeping-whales",
        "The top 5 % by value so far or by order size, silent for longer than three in five customers and, where they "
        "ordered more than once, for longer than their own usual pause.",
        # A single order has no pause after which the next one would be due.
        "(worth_so_far > worth_so_far_p95 or monetary > monetary_p95) and r_score <= 2 "
        "and (frequency = 1 or overdue >= 1)",
        "Call: a person, not a mailing.",
        "worth_so_far",
        "Among the top 5 %: {spent_so_far:money} spent so far, {monetary:money} a purchase day; no order for "
        "{recency_days:days}",
    ),
    Play(
        "Leave alone",
        "leave-alone",
        "Would buy anyway (the tenth of customers likeliest to buy, in rhythm), or not worth a contact (lowest value "
        "tier and the lowest fifth by expected spend; with terms of contact: expected profit of 0 or less); nobody "
        "whom Reward takes.",
        f"not ({REWARDED}) and ((churn_probability < churn_probability_p10 and overdue <= 1) "
        "or (value_tier = 'Low' and expected_spend < expected_spend_p20))",
        "Send nothing but what they asked for.",
        "expected_spend",
        "{churn_probability:percent} likely to stay away, expected to spend {expected_spend:money} in "
        "{horizon_days:days} without a contact",
        contacted=False,
    ),
)


def play_named(text: str) -> Play:
    """Return the play with this name or slug, whatever its capitals, spaces and hyphens.

    Raises
    ------
    ExpressionError
        Where there is none; the message lists all names.
    """
    found = {_letters(play.name): play for play in PLAYS}.get(_letters(text))
    if found is None:
        names = [play.name for play in PLAYS]
        raise ExpressionError(
            f"There is no play {text!r}.{did_you_mean(text, names)} The plays are: {', '.join(names)}."
        )
    return found


def on_play(base: ir.Table, play: Play) -> ir.BooleanValue:
    """Return the condition of a play over a table of `standing`.

    Raises
    ------
    ExpressionError
        The play needs products or categories, and the log had none.
    """
    if BREADTH in play.rule and BREADTH not in base.columns:
        raise ExpressionError(
            f"{play.name} compares how many categories or products customers buy, and the store's ledger has neither: "
            "score a log with --category or --product-id."
        )
    return compile_filter(play.rule, base)


def _letters(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter.isalnum())
