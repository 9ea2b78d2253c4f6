"""The answer of a measurement, in words that claim no more than the groups can show."""

from datetime import date

from serving.listing.effect import Effect, Group, enough_for_rates, enough_for_spend


def nothing(window: int, contacted: Group | None, held: Group | None, days: tuple[date, date]) -> str:
    """Say why there is nothing to compare.

    Parameters
    ----------
    window
        Days seen.
    contacted, held
        The groups; None where there are none of them.
    days
        Last day of the log, and first day that counts.
    """
    if window <= 0:
        return f"Nothing can be said yet: the log ends on {days[0]}, and the list counts from {days[1]}."
    if held is None:
        return "Nothing can be said: nobody was held back from this list. Hold some back from now on: --hold-back 0.1."
    if contacted is None:
        return "Nothing can be said: everybody on this list was held back."
    return "Nothing can be said: a group has fewer than two customers."


def said(spend: Effect, returned: Effect, contacted: Group, held: Group) -> str:
    """Say what came of a list: whether spend and return differ, and by how much."""
    return f"{_spend_words(spend, contacted, held)} {_rate_words(returned, contacted, held)}"


def left_out(unseen: int, moved: int) -> str:
    """Say how many customers of a list are in no group, and why; nothing where all are in one.

    Parameters
    ----------
    unseen
        Customers who were first on the list when the log had ended.
    moved
        Customers whom some exports of the list hold back and others contact.
    """
    words = ""
    if unseen:
        words += f" Not counted: {unseen} first on the list after the end of the log, not observed yet."
    if moved:
        words += f" Not counted: {moved} in no one group, as the share held back was not the same at every export."
    return words


def _spend_words(effect: Effect, contacted: Group, held: Group) -> str:
    between = f"between {effect.low:+,.2f} and {effect.high:+,.2f} a customer"
    if not enough_for_spend(contacted, held):
        return f"Spend: too few customers to tell ({held.customers} held back)."
    if effect.clear:
        return f"Spend: those contacted spent {'more' if effect.difference > 0 else 'less'}, {between}."
    return (
        f"Spend: no difference can be told; it is {between}. Groups of this size show one of "
        f"{effect.detectable:,.2f} or more."
    )


def _rate_words(effect: Effect, contacted: Group, held: Group) -> str:
    between = f"between {effect.low:+.1%} and {effect.high:+.1%} of customers"
    if not enough_for_rates(contacted, held):
        return "Return: too few came back, or stayed away, to tell."
    if effect.clear:
        return f"Return: {'more' if effect.difference > 0 else 'fewer'} of those contacted came back, {between}."
    return (
        f"Return: no difference can be told; it is {between}. Groups of this size show one of "
        f"{effect.detectable:.1%} or more."
    )
