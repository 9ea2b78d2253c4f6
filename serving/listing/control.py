"""Control groups: who of a list is held back, decided by a hash of customer and list, the same at every export."""

import hashlib
import math

import ibis
from ibis.expr import types as ir

DIGITS = 16
"""Hexadecimal digits of the hash that are compared: 64 bits."""


def is_held_back(customer_id: str, name: str, share: float) -> bool:
    """Return whether a customer is held back from a list; the same as `held_back`, for one customer."""
    digest = hashlib.sha256(f"{name}\n{customer_id}".encode()).hexdigest()
    return _everybody(share) or digest[:DIGITS] < _threshold(share)


def held_back(customer_id: ir.StringValue, name: str, share: float) -> ir.BooleanValue:
    """Return, customer by customer, whether they are held back from a list.

    A customer is held back where the first 64 bits of SHA-256 of list name, line feed and customer id, as a number, are
    below the share of 2^64. So each customer is in the control group with the probability `share`, independently of all
    others and of other lists; the same customer always is or always is not, at every export, in every order and on
    every machine; and raising the share keeps those who were held back before.

    Parameters
    ----------
    customer_id
        Text.
    name
        Of the list; it holds no line feed.
    share
        From 0, nobody, to 1.
    """
    if _everybody(share):
        return ibis.literal(True)
    return _sha256(ibis.literal(f"{name}\n") + customer_id).substr(0, DIGITS) < _threshold(share)


def _everybody(share: float) -> bool:
    return share >= 1


def _threshold(share: float) -> str:
    # Digits of the same length are ordered as text as they are as numbers.
    return f"{math.ceil(max(share, 0.0) * 16**DIGITS):0{DIGITS}x}"


@ibis.udf.scalar.builtin(name="sha256", signature=(("string",), "string"))  # type: ignore[untyped-decorator,unused-ignore]
def _sha256(text):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Return the hexadecimal SHA-256 of a text in UTF-8."""
