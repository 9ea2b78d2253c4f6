"""Histories reduced to the distinct ones, against numpy's own."""

import numpy as np
import pytest

from models.histories import counted, distinct


def random_columns(rows, *kinds):
    """Return columns of whole numbers over seven, each of so many kinds."""
    rng = np.random.default_rng(5)
    return [rng.integers(0, kind, rows) / 7 for kind in kinds]


@pytest.mark.parametrize("kinds", [(3,), (200, 300), (4, 700, 700), (2, 1_000_000)], ids=str)
def test_distinct_rows_come_in_order_and_every_row_knows_its_own(kinds):
    columns = random_columns(150_000, *kinds)
    found, inverse = distinct(*columns)
    expected, places = np.unique(np.column_stack(columns), axis=0, return_inverse=True)
    assert (np.column_stack(found) == expected).all()
    assert (inverse == places.ravel()).all()


def test_the_order_of_rows_changes_neither_what_is_distinct_nor_how_many_there_are():
    columns, weights = random_columns(5_000, 9, 40), np.arange(5_000) % 4
    order = np.random.default_rng(6).permutation(5_000)
    rows, counts = counted(weights, *columns)
    again, recounted = counted(weights[order], *(column[order] for column in columns))
    assert all((one == other).all() for one, other in zip(rows, again, strict=True))
    assert (counts == recounted).all()
    assert counts.sum() == weights.sum()


def test_of_no_rows_none_is_distinct():
    found, inverse = distinct(np.array([]), np.array([]))
    assert [len(column) for column in found] == [0, 0]
    assert len(inverse) == 0
