"""Packed sums: several small sums in one whole number, each in bits of its own; every sum less is time and memory."""

from collections.abc import Sequence
from functools import reduce
from operator import add
from typing import Any

import ibis

MOST_BITS = 63
"""Of a whole number with a sign."""


def bits(terms: Sequence[Any], width: int) -> Any:
    """Return several columns as one int64, of which `added` makes their sums, which `unpacked` tells apart.

    Parameters
    ----------
    terms
        Whole columns without nulls, never negative; or conditions, to be counted.
    width
        Bits that each of the sums has room in; together at most `MOST_BITS`.
    """
    if len(terms) * width > MOST_BITS:
        raise ValueError(f"{len(terms)} sums of {width} bits need more than {MOST_BITS}")
    return reduce(add, (_shifted(term, _whole(1 << place * width)) for place, term in enumerate(terms)))


def in_bits(place: Any, places: int, width: int) -> Any:
    """Return a column of places, from 1 on, as `bits` of which one counts 1, or none where it is beyond the last."""
    shift = (place.cast("int64") - 1) * width
    return (place <= places).ifelse(_whole(1) << shift, _whole(0))


def only(packed: Any, where: Any) -> Any:
    """Return packed columns of the rows that qualify; others count for nothing."""
    return where.ifelse(packed, _whole(0))


def added(packed: Any) -> Any:
    """Return the sums of packed columns."""
    return packed.sum().cast("int64")


def unpacked(sums: Any, place: int, width: int) -> Any:
    """Return the sum of the column at a place, from 0 on, as float64."""
    return ((sums >> _whole(place * width)) & _whole((1 << width) - 1)).cast("float64")


def _shifted(term: Any, one: Any) -> Any:
    return term.ifelse(one, _whole(0)) if term.type().is_boolean() else term.cast("int64") * one


def _whole(value: int) -> Any:
    return ibis.literal(value, "int64")
