"""R, F and M scores: ranks among all customers, where ties share and rows' order means nothing."""

import ibis
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.scoring.rfm_scores import rfm_scores

SCORES = ["r_score", "f_score", "m_score"]


@pytest.fixture(scope="module")
def engine():
    return ibis.duckdb.connect()


def scored(engine, recency, frequency, monetary) -> dict[str, list[int]]:
    customers = ibis.memtable(
        pa.table(
            {
                "row": range(len(recency)),
                "recency_days": pa.array(list(recency), pa.int64()),
                "frequency": pa.array(list(frequency), pa.int64()),
                "monetary": pa.array(list(monetary), pa.float64()),
            }
        )
    )
    return engine.to_pyarrow(customers.mutate(**rfm_scores(customers)).order_by("row")).select(SCORES).to_pydict()


def counted(values: list[float], worse_than) -> list[int]:
    """Return the scores by the definition itself: count who is worse, in whole numbers."""
    return [1 + 5 * sum(worse_than(other, mine) for other in values) // len(values) for mine in values]


tables = st.integers(1, 60).flatmap(
    lambda rows: st.tuples(
        st.lists(st.integers(0, 9) | st.integers(0, 10_000), min_size=rows, max_size=rows),
        st.lists(st.integers(1, 4), min_size=rows, max_size=rows),
        st.lists(st.floats(-1e6, 1e6) | st.sampled_from([0.0, 9.99]), min_size=rows, max_size=rows),
    )
)


@settings(max_examples=40, deadline=None)
@given(tables)
def test_a_score_is_one_plus_the_fifths_of_customers_who_are_strictly_worse(engine, table):
    recency, frequency, monetary = table
    got = scored(engine, recency, frequency, monetary)
    assert got["r_score"] == counted(recency, lambda other, mine: other > mine)
    assert got["f_score"] == counted(frequency, lambda other, mine: other < mine)
    assert got["m_score"] == counted(monetary, lambda other, mine: other < mine)


@settings(max_examples=20, deadline=None)
@given(tables, st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_no_score(engine, table, random):
    rows = list(zip(*table, strict=True))
    places = random.sample(range(len(rows)), len(rows))
    before = scored(engine, *zip(*rows, strict=True))
    after = scored(engine, *zip(*(rows[place] for place in places), strict=True))
    assert after == {score: [values[place] for place in places] for score, values in before.items()}


def test_a_hundred_different_customers_are_twenty_in_each_score(engine):
    got = scored(engine, range(100), range(1, 101), [float(row) for row in range(100)])
    rising = [score for score in range(1, 6) for _ in range(20)]
    assert got == {"r_score": rising[::-1], "f_score": rising, "m_score": rising}


def test_one_time_buyers_score_one_even_where_97_of_100_are(engine):
    got = scored(engine, [10] * 100, [1] * 97 + [2, 2, 3], [5.0] * 100)
    assert got["f_score"] == [1] * 97 + [5] * 3


def test_where_all_are_alike_all_score_one(engine):
    assert scored(engine, [7] * 9, [2] * 9, [1.5] * 9) == dict.fromkeys(SCORES, [1] * 9)


def test_a_missing_value_is_worse_than_any(engine):
    got = scored(engine, [None, 1, 2, 3, 4], [None, 1, 2, 3, 4], [None, -5.0, 0.0, 1.0, 2.0])
    assert got == {"r_score": [1, 5, 4, 3, 2], "f_score": [1, 2, 3, 4, 5], "m_score": [1, 2, 3, 4, 5]}


def test_scores_are_one_byte_each():
    customers = ibis.table({"recency_days": "int64", "frequency": "int64", "monetary": "float64"}, name="customers")
    assert {name: str(score.type()) for name, score in rfm_scores(customers).items()} == dict.fromkeys(SCORES, "int8")
