"""Consent: who may be contacted, where the customers table says so."""

from collections.abc import Sequence
from functools import reduce
from operator import and_

from ibis.expr import types as ir

from serving.listing.personal import letters

NAMES = frozenset(
    {
        "consent",
        "marketingconsent",
        "emailconsent",
        "optin",
        "optedin",
        "marketingoptin",
        "acceptsmarketing",
        "acceptsemailmarketing",
        "newsletter",
    }
)
"""What columns of consent are called, in lower-case letters."""
YES = ("yes", "y", "true", "t", "1", "1.0")


def consent_columns(columns: Sequence[str]) -> list[str]:
    """Return the columns that say who may be contacted, whatever their capitals, spaces and signs."""
    return [name for name in columns if letters(name) in NAMES]


def consents(customers: ir.Table) -> ir.BooleanValue | None:
    """Return, row by row, whether somebody consents: every column of consent says so; None where there is none."""
    answers = [_yes(customers[name]) for name in consent_columns(customers.columns)]
    return reduce(and_, answers) if answers else None


def consenting(customers: ir.Table) -> ir.Table:
    """Return the customers who consent: all of them where no column says who does."""
    consent = consents(customers)
    return customers if consent is None else customers.filter(consent)


def _yes(answers: ir.Column) -> ir.BooleanValue:
    """Return where an answer is true, yes or 1; anything else, and no answer at all, is no."""
    kind = answers.type()
    if kind.is_boolean():
        return answers.fill_null(False)
    if kind.is_numeric():
        return (answers == 1).fill_null(False)
    return answers.cast("string").strip().lower().isin(YES).fill_null(False)
