"""Purchase histories as arrays: checked, and reduced to the distinct ones with their counts."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]

DAYS, RECENCY, TENURE, SPEND, COUNT = "purchase_days", "recency_days", "tenure_days", "spend", "customers"
"""Columns of a purchase summary."""
DAYS_A_WEEK = 7


def columns(**named: ArrayLike) -> tuple[FloatArray, ...]:
    """Turn named sequences into float columns of one length.

    Parameters
    ----------
    **named
        Sequences of shape (rows,), none of whose values may be negative, missing or infinite.

    Returns
    -------
    tuple of arrays, shape (rows,)
        In the order of the arguments.

    Raises
    ------
    ValueError
        If a column is not one-dimensional, lengths differ, or a value is negative or not finite.
    """
    arrays = tuple(np.asarray(values, dtype=np.float64) for values in named.values())
    shapes = {name: array.shape for name, array in zip(named, arrays, strict=True)}
    if len(set(shapes.values())) > 1 or any(len(shape) != 1 for shape in shapes.values()):
        raise ValueError(f"columns must be one-dimensional and of one length, found shapes {shapes}")
    for name, array in zip(named, arrays, strict=True):
        wrong = ~(np.isfinite(array) & (array >= 0))
        if wrong.any():
            row = int(wrong.argmax())
            raise ValueError(f"{name} must be finite and not negative, found {array[row]} in row {row}")
    return arrays


def histories(x: ArrayLike, t_x: ArrayLike, T: ArrayLike) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Check the purchase histories that the dropout models read.

    Parameters
    ----------
    x, t_x, T : array-like, shape (rows,)
        Repeat purchase days, weeks from the first to the last one, weeks from the first one to the as-of date.

    Returns
    -------
    x, t_x, T : arrays, shape (rows,)

    Raises
    ------
    ValueError
        As `columns` does, if an x is not a whole number, and if a last purchase lies after the as-of date (t_x > T).
    """
    x, t_x, T = columns(x=x, t_x=t_x, T=T)
    broken = x % 1 > 0
    if broken.any():
        row = int(broken.argmax())
        raise ValueError(f"x must count purchase days, found {x[row]} in row {row}")
    late = t_x > T
    if late.any():
        row = int(late.argmax())
        raise ValueError(f"t_x must not exceed T, found t_x {t_x[row]} and T {T[row]} in row {row}")
    return x, t_x, T


def distinct(*values: FloatArray) -> tuple[tuple[FloatArray, ...], NDArray[np.intp]]:
    """Find the distinct rows of some columns.

    Parameters
    ----------
    *values : arrays, shape (rows,)
        Finite.

    Returns
    -------
    distinct : tuple of arrays, shape (distinct rows,)
        Sorted by the first column, then the second, and so on, so that no result depends on the order of the rows.
    inverse : integer array, shape (rows,)
        Position of every row among the distinct ones.
    """
    # A place among the column's own values takes few bits, which are sorted one after the other in no time.
    ranks = [_ranks(column) for column in values]
    order = np.lexsort(ranks[::-1])
    begins = np.zeros(len(order), dtype=np.bool_)
    begins[:1] = True
    for rank in ranks:
        ordered = rank[order]
        begins[1:] |= ordered[1:] != ordered[:-1]
    inverse = np.empty(len(order), dtype=np.intp)
    inverse[order] = np.cumsum(begins) - 1
    firsts = order[begins]
    return tuple(column[firsts] for column in values), inverse


def _ranks(column: FloatArray) -> NDArray[np.unsignedinteger]:
    """Return the place of every value among the different ones of its column, in the smallest type that holds it."""
    codes, found = pd.factorize(column)
    place = np.empty(len(found), dtype=np.min_scalar_type(len(found)))
    place[np.argsort(found)] = np.arange(len(found), dtype=place.dtype)
    ranks: NDArray[np.unsignedinteger] = place[codes]
    return ranks


def counted(weights: ArrayLike | None, *values: FloatArray) -> tuple[tuple[FloatArray, ...], FloatArray]:
    """Find the distinct rows of some columns and the number of customers in each.

    Parameters
    ----------
    weights : array-like, shape (rows,), or None
        Customers that a row stands for; one a row if None.
    *values : arrays, shape (rows,)

    Returns
    -------
    distinct : tuple of arrays, shape (distinct rows,)
    counts : array, shape (distinct rows,)
        All positive: rows that stand for nobody are left out.

    Raises
    ------
    ValueError
        If the weights do not match the rows, or there is no customer at all.
    """
    (weight,) = columns(weights=np.ones(len(values[0])) if weights is None else weights)
    if len(weight) != len(values[0]):
        raise ValueError(f"weights must have one value a row, found {len(weight)} for {len(values[0])} rows")
    if not weight.sum() > 0:
        raise ValueError(f"a fit needs at least one customer, found none in {len(weight)} rows")
    rows, inverse = distinct(*(column[weight > 0] for column in values))
    counts = np.bincount(inverse, weights=weight[weight > 0]).astype(np.float64, copy=False)
    return rows, counts
