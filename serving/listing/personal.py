"""Personal data: which columns of a customers table reach a person, and lists without them."""

from collections.abc import Sequence

from ibis.expr import types as ir

from features.profiles import is_personal

IDENTITIES = {
    "email": ("email", "emailaddress", "mail"),
    "phone": ("phone", "phonenumber", "mobile", "mobilephone", "telephone", "tel"),
    "first_name": ("firstname", "givenname", "forename", "fn"),
    "last_name": ("lastname", "surname", "familyname", "ln"),
    "birth_date": ("dob", "birthdate", "dateofbirth", "birthday"),
    "city": ("city", "town", "ct"),
    "state": ("state", "province", "st"),
    "zip": ("zip", "zipcode", "postcode", "postalcode"),
    "country": ("country", "countrycode"),
}
"""What each identity is called in customers tables, in lower-case letters; the first that is there counts."""


def identities(columns: Sequence[str]) -> dict[str, str]:
    """Return, by identity, the column that holds it; identities that no column holds are left out."""
    named = {letters(column): column for column in reversed(columns)}
    found = {
        identity: next((named[name] for name in names if name in named), None) for identity, names in IDENTITIES.items()
    }
    return {identity: column for identity, column in found.items() if column is not None}


def without_personal(table: ir.Table) -> ir.Table:
    """Return a table without the columns that say who somebody is."""
    return table.drop(*[column for column in table.columns if is_personal(column)])


def letters(column: str) -> str:
    """Return a column's name without capitals, spaces and signs: what names are compared by."""
    return "".join(letter for letter in column.casefold() if letter.isalnum())
