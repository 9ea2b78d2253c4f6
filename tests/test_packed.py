"""Packed sums: several small sums in one whole number come apart as if each had been added up alone."""

import ibis
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.engine import connect
from features.families.packed import MOST_BITS, added, bits, in_bits, only, unpacked

DAYS, WIDTH = 40, 12


@pytest.fixture(scope="module")
def connection():
    return connect(threads=1)


def found(connection, rows, **sums):
    table = connection.create_table("rows", rows, overwrite=True)
    return table.aggregate(**{name: sum_(table) for name, sum_ in sums.items()}).to_pyarrow().to_pylist()[0]


def sums_of(packed, places, width):
    return {
        f"sum_{place}": lambda table, at=place: unpacked(added(packed(table)), at, width) for place in range(places)
    }


@settings(max_examples=20, deadline=None)
@given(
    columns=st.integers(1, MOST_BITS // WIDTH).flatmap(
        lambda count: st.lists(st.tuples(*[st.integers(0, (2**WIDTH - 1) // DAYS)] * count), min_size=1, max_size=DAYS)
    )
)
def test_packed_columns_add_up_as_they_do_alone(connection, columns):
    rows = pd.DataFrame(columns, columns=[f"column_{place}" for place in range(len(columns[0]))])
    sums = sums_of(lambda table: bits([table[name] for name in rows], WIDTH), len(rows.columns), WIDTH)
    assert list(found(connection, rows, **sums).values()) == [float(total) for total in rows.sum()]


def test_a_sum_may_fill_its_bits_and_touches_none_of_the_next(connection):
    full = 2**21 - 1
    rows = pd.DataFrame({"first": [full - 1, 1], "second": [0, 0], "third": [1, full - 1]})
    sums = sums_of(lambda table: bits([table.first, table.second, table.third], 21), 3, 21)
    assert list(found(connection, rows, **sums).values()) == [full, 0.0, full]


def test_conditions_are_counted(connection):
    rows = pd.DataFrame({"age": np.arange(1, 31)})
    sums = sums_of(lambda table: bits([table.age <= 7, table.age > 28, table.age > 99], WIDTH), 3, WIDTH)
    assert list(found(connection, rows, **sums).values()) == [7.0, 2.0, 0.0]


def test_a_place_counts_one_and_a_place_beyond_the_last_counts_none(connection):
    rows = pd.DataFrame({"place": [1, 1, 1, 3, 12, 12, 13, 40]})
    sums = sums_of(lambda table: in_bits(table.place, 12, 5), 12, 5)
    assert list(found(connection, rows, **sums).values()) == [3, 0, 1, *[0] * 8, 2]


def test_rows_that_do_not_qualify_count_for_nothing(connection):
    rows = pd.DataFrame({"age": [1, 2, 3], "bought": [True, False, True]})
    sums = sums_of(lambda table: only(bits([table.age, table.age > 2], WIDTH), table.bought), 2, WIDTH)
    assert list(found(connection, rows, **sums).values()) == [4.0, 1.0]


def test_sums_that_have_no_room_are_refused():
    terms = [ibis.literal(1)] * 4
    assert bits(terms, 15) is not None
    with pytest.raises(ValueError, match="4 sums of 16 bits need more than 63"):
        bits(terms, 16)
