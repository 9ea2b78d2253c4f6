"""Scopes: what a credential may be good for."""

from collections.abc import Sequence

from features.expression_tree import did_you_mean
from regulars.errors import RegularsError

Scopes = frozenset[str]

SCOPES = ("lists:read", "customers:read", "economics:read", "model:read", "lists:write")


def checked_scopes(scopes: Sequence[str]) -> Scopes:
    """Return scopes as a set.

    Raises
    ------
    RegularsError
        For none at all, or an unknown one; the message lists all.
    """
    for scope in scopes:
        if scope not in SCOPES:
            hint = did_you_mean(scope, SCOPES)
            raise RegularsError(f"There is no scope {scope!r}.{hint} The scopes are: {', '.join(SCOPES)}.")
    if not scopes:
        raise RegularsError(f"A credential needs at least one scope of: {', '.join(SCOPES)}.")
    return frozenset(scopes)
