"""Segments and value tiers: every customer has exactly one, whoever the others are."""

import math
from itertools import product

import ibis
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regulars.errors import ExpressionError
from serving.scoring.rfm_scores import rfm_scores
from serving.segments import GRID, SEGMENTS, segment, segment_named, segment_of, value_tier

SCORES = range(1, 6)
NAMES = [
    "Champions",
    "Loyal",
    "Potential Loyalist",
    "New",
    "Promising",
    "Needs Attention",
    "About To Sleep",
    "At Risk",
    "Can't Lose Them",
    "Hibernating",
    "Lost",
]


@pytest.fixture(scope="module")
def engine():
    return ibis.duckdb.connect()


def tiers(engine, values: list[float | None]) -> list[str]:
    customers = ibis.memtable(pa.table({"row": range(len(values)), "clv": pa.array(values, pa.float64())}))
    return engine.to_pyarrow(customers.mutate(tier=value_tier(customers)).order_by("row"))["tier"].to_pylist()


def test_there_are_eleven_and_each_says_what_it_means_and_what_to_do():
    assert [known.name for known in SEGMENTS] == NAMES
    assert all(known.meaning.endswith(".") and known.action.endswith(".") for known in SEGMENTS)


def test_the_grid_uses_all_eleven_and_no_other_name():
    assert {name for row in GRID.values() for name in row} == set(NAMES)
    assert sorted(GRID) == list(SCORES)
    assert {len(row) for row in GRID.values()} == {5}


def test_each_of_the_125_scores_has_the_same_one_segment_for_a_row_and_for_a_column(engine):
    scores = ibis.memtable(pa.table(list(zip(*product(SCORES, repeat=3), strict=True)), names=["r", "f", "m"]))
    got = engine.to_pyarrow(scores.mutate(segment=segment(scores.r, scores.f, scores.m))).to_pylist()
    assert len(got) == 125
    assert [row["segment"] for row in got] == [segment_of(row["r"], row["f"], row["m"]).name for row in got]
    assert {row["segment"] for row in got} == set(NAMES)


CELLS = {
    "Champions": {(5, 4), (5, 5), (4, 4), (4, 5)},
    "Loyal": {(4, 3), (3, 4), (3, 5)},
    "Potential Loyalist": {(5, 2), (5, 3), (4, 2)},
    "New": {(5, 1)},
    "Promising": {(4, 1)},
    "Needs Attention": {(3, 2), (3, 3)},
    "About To Sleep": {(3, 1)},
    "At Risk": {(2, 3), (2, 4), (2, 5), (1, 3)},
    "Can't Lose Them": {(1, 4), (1, 5)},
    "Hibernating": {(2, 1), (2, 2)},
    "Lost": {(1, 1), (1, 2)},
}


@pytest.mark.parametrize("name", NAMES)
def test_a_segment_is_where_marketing_knows_it_by_recency_and_the_mean_of_the_others_rounded_up(name):
    found = {scores for scores in product(SCORES, repeat=3) if segment_of(*scores).name == name}
    assert found == {(r, f, m) for r, f, m in product(SCORES, repeat=3) if (r, math.ceil((f + m) / 2)) in CELLS[name]}


def test_a_single_large_order_can_make_a_customer_loyal_and_nothing_higher_and_the_meaning_says_so():
    once = {segment_of(r, 1, m).name for r, m in product(SCORES, repeat=2)}
    assert "Loyal" in once
    assert "one large order" in segment_named("Loyal").meaning
    assert not once & {"Champions", "Can't Lose Them"}


@given(st.sampled_from(SCORES), st.sampled_from(SCORES), st.sampled_from(SCORES))
def test_frequency_and_monetary_weigh_the_same(r, f, m):
    assert segment_of(r, f, m) == segment_of(r, m, f)


@pytest.mark.parametrize("scores", [(0, 1, 1), (6, 1, 1), (3, 0, 5), (3, 5, 6)])
def test_scores_outside_one_to_five_have_no_segment(scores):
    with pytest.raises(ValueError, match="from 1 to 5"):
        segment_of(*scores)


def test_where_97_of_100_bought_once_none_of_them_is_a_champion(engine):
    customers = ibis.memtable(
        pa.table(
            {
                "recency_days": [day * 7 % 100 for day in range(100)],
                "frequency": [1] * 97 + [2, 3, 9],
                "monetary": [float(row * 13 % 100) for row in range(100)],
            }
        )
    )
    scored = customers.mutate(**rfm_scores(customers))
    got = engine.to_pyarrow(scored.mutate(segment=segment(scored.r_score, scored.f_score, scored.m_score))).to_pylist()
    once = {row["segment"] for row in got if row["frequency"] == 1}
    assert not once & {"Champions", "Can't Lose Them"}
    assert {"New", "Promising", "About To Sleep", "Hibernating", "Lost"} <= once


def test_a_customer_without_a_score_has_no_segment(engine):
    scores = ibis.memtable(pa.table({"r": pa.array([None, 5], pa.int8()), "f": [5, 5], "m": [5, 5]}))
    got = engine.to_pyarrow(segment(scores.r, scores.f, scores.m).name("segment"))
    assert sorted(got.to_pylist(), key=str) == ["Champions", None]


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("at risk", "At Risk"),
        ("AT-RISK", "At Risk"),
        ("cant lose them", "Can't Lose Them"),
        ("Can\u2019t Lose Them", "Can't Lose Them"),
        ("can't_lose_them", "Can't Lose Them"),
        (" potential loyalist ", "Potential Loyalist"),
    ],
)
def test_a_name_is_found_whatever_its_capitals_and_apostrophes(written, name):
    assert segment_named(written).name == name


@pytest.mark.parametrize("written", ["At Rsk", "Loyal Champions", "", "risk"])
def test_an_unknown_name_is_answered_with_all_eleven(written):
    with pytest.raises(ExpressionError) as caught:
        segment_named(written)
    assert all(name in str(caught.value) for name in NAMES)


def test_a_misspelt_name_is_answered_with_the_nearest():
    with pytest.raises(ExpressionError, match="Did you mean 'Hibernating'"):
        segment_named("Hibernatin")


def test_a_hundred_different_values_are_5_top_15_high_30_medium_and_50_low(engine):
    expected = ["Low"] * 50 + ["Medium"] * 30 + ["High"] * 15 + ["Top"] * 5
    assert tiers(engine, [float(value) for value in range(100)]) == expected


def test_where_nobody_is_worth_more_than_anybody_else_all_are_low(engine):
    assert set(tiers(engine, [12.5] * 40)) == {"Low"}


def test_a_mass_of_customers_worth_nothing_is_low_and_not_medium(engine):
    assert tiers(engine, [0.0] * 60 + [float(value) for value in range(1, 41)])[:60] == ["Low"] * 60


def test_a_customer_without_a_value_is_low(engine):
    assert tiers(engine, [None, -3.0, -2.0, -1.0])[0] == "Low"


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(-3, 12), min_size=1, max_size=80))
def test_no_tier_is_larger_than_it_says_and_equal_values_share_one(engine, values):
    got = tiers(engine, [float(value) for value in values])
    for above, share in ((("Top",), 5), (("Top", "High"), 20), (("Top", "High", "Medium"), 50)):
        assert 100 * sum(tier in above for tier in got) <= share * len(values)
    assert len(set(zip(values, got, strict=True))) == len(set(values))
    order = ["Low", "Medium", "High", "Top"]
    by_value = [order.index(tier) for _, tier in sorted(zip(values, got, strict=True))]
    assert by_value == sorted(by_value)
