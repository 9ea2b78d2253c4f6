"""The shape of a feature family: what its features are called and mean, and how they come from the ledger."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Expressions = Mapping[str, Any]


@dataclass(frozen=True)
class Feature:
    """One column of the snapshot.

    Attributes
    ----------
    name
        Column name.
    unit
        ``days``, ``money``, ``count``, ``share``, ``ratio`` or ``level`` (an attribute's own).
    sentence
        What it is, in one sentence that needs no other.
    reason
        How a reason says it of one customer, a `str.format` template over the customer's own features; None for a
        feature that helps a model and tells a person nothing.
    """

    name: str
    unit: str
    sentence: str
    reason: str | None = None


@dataclass(frozen=True)
class Family:
    """Features that belong together.

    Attributes
    ----------
    name
        What catalogue and documentation call it.
    features
        Its features; every one is a column that `aggregates` or `ratios` makes.
    aggregates
        From the known days of every customer (the ledger before the as-of date, with `age` = as-of - day and what
        `of_days` and `ages` say of it) and the window length in days, aggregates over a customer.
    ratios
        From the table of all aggregates, expressions over one customer's row.
    of_days
        From the customer-days of a ledger, columns that depend on nothing but the day: they are worked out once,
        however many as-of dates see it.
    ages
        From a table of every `age` and the window length in days, columns that depend on nothing else: what is dear to
        work out is worked out once an age there, and not once a customer-day.
    requires
        Column of the ledger without which the family is left out.
    counted
        Sum of money -> the feature that counts the purchase days it is of: nothing bought is no day, and not no money,
        which may have come back.
    """

    name: str
    features: tuple[Feature, ...]
    aggregates: Callable[[Any, int], Expressions]
    ratios: Callable[[Any, int], Expressions] = lambda customers, window: {}
    of_days: Callable[[Any], Expressions] = lambda days: {}
    ages: Callable[[Any, int], Expressions] = lambda ages, window: {}
    requires: str | None = None
    counted: Mapping[str, str] = field(default_factory=dict)
