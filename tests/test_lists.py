"""Lists: who is on them and in which order; the same scores give the same list."""

from datetime import date

import ibis
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regulars.errors import RegularsError
from serving.exports import write_list
from serving.listing.definition import Definition
from serving.listing.ranking import ranked

SCORES = pa.table(
    {
        "customer_id": ["007", "c2", "c3", "c4", "c5", "c6"],
        "segment": ["At Risk", "Can't Lose Them", "At Risk", "Lost", "Champions", "At Risk"],
        "clv": [10.0, 300.0, 300.0, None, 55.5, 300.0],
        "churn_probability": [0.9, 0.8, 0.7, 0.6, 0.1, 0.2],
        "next_order_date": [date(2026, 12, 1), None, date(2027, 1, 1), None, date(2026, 11, 22), date(2026, 12, 1)],
        "reasons": [["far away", "one order"], [], None, ["=1+1"], ["often here"], ["a"]],
    }
)


@pytest.fixture(scope="module")
def engine():
    return ibis.duckdb.connect()


@pytest.fixture(scope="module")
def scores(engine):
    return engine.create_table("scores", SCORES)


def chosen(scores, **selection) -> list[str]:
    return ranked(scores, Definition(**selection)).rows().to_pyarrow()["customer_id"].to_pylist()


def test_a_list_goes_from_the_best_down_and_ties_by_customer(scores):
    assert chosen(scores) == ["c2", "c3", "c6", "c5", "007", "c4"]


def test_a_list_can_be_ranked_by_any_number_or_date_with_the_missing_last(scores):
    assert chosen(scores, by="churn_probability") == ["007", "c2", "c3", "c4", "c6", "c5"]
    assert chosen(scores, by="next_order_date") == ["c3", "007", "c6", "c5", "c2", "c4"]


def test_segments_filters_and_top_work_together(scores):
    assert chosen(scores, segment=("at risk",)) == ["c3", "c6", "007"]
    assert chosen(scores, segment=("cant lose them", "CHAMPIONS")) == ["c2", "c5"]
    assert chosen(scores, where="clv >= 300") == ["c2", "c3", "c6"]
    assert chosen(scores, segment=("At Risk",), where="clv > 200 and churn_probability < 0.5") == ["c6"]
    assert chosen(scores, segment=("At Risk",), top=2) == ["c3", "c6"]
    assert chosen(scores, top=100) == chosen(scores)


@settings(max_examples=25, deadline=None)
@given(st.permutations(range(len(SCORES))), st.integers(1, 7), st.sampled_from(["clv", "next_order_date"]))
def test_the_order_of_the_scores_changes_no_list(scores, order, top, by):
    shuffled = ibis.memtable(SCORES.take(order))
    rows = ibis.duckdb.connect().to_pyarrow(ranked(shuffled, Definition(top=top, by=by)).rows())
    assert rows["customer_id"].to_pylist() == chosen(scores, top=top, by=by)


@pytest.mark.parametrize(
    ("selection", "problem"),
    [
        ({"segment": ("At Rsk",)}, "no segment 'At Rsk'. Did you mean 'At Risk'.*Hibernating"),
        ({"by": "clvv"}, "no column 'clvv'. Did you mean 'clv'.*churn_probability"),
        ({"by": "segment"}, "ranked by numbers or dates, and 'segment' holds string"),
        ({"by": "reasons"}, "ranked by numbers or dates"),
        ({"by": "clv; DROP TABLE scores"}, "There is no column"),
        ({"top": 0}, "at least one customer"),
        ({"top": -5}, "at least one customer"),
        ({"where": "clv > 1; DROP TABLE scores"}, "';' is not allowed"),
        ({"where": ""}, "Nothing is written"),
    ],
)
def test_a_list_that_means_nothing_is_refused(scores, selection, problem):
    with pytest.raises(RegularsError, match=problem):
        ranked(scores, Definition(**selection)).rows()


@pytest.mark.filterwarnings("ignore:fetch_record_batch:DeprecationWarning")  # how Ibis 12 reads from DuckDB 1.5
def test_a_list_is_written_in_its_order(tmp_path, scores):
    path = tmp_path / "list.csv"
    assert write_list(ranked(scores, Definition(segment=("At Risk",))).rows(), path, "csv") == 3
    assert [line.split(",")[0] for line in path.read_text().splitlines()] == [
        '"customer_id"',
        '"c3"',
        '"c6"',
        '"007"',
    ]
