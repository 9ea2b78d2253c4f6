"""Silence: what nothing bought lately moved is told by the last order, beside the rhythm where the two agree."""

import pandas as pd
import pytest

from features.catalogue import FAMILIES
from serving.scoring.silence import told_by_last_order


@pytest.fixture
def customers():
    """Two customers who ordered every 32 days: one 140 days ago, one 5 days ago."""
    spans = {"spend_90": [0.0, 64.0], "days_90": [0.0, 2.0], "season_spend": [0.0, 0.0], "season_days": [0.0, 0.0]}
    rhythm = {"gap_mean": [32.0, 32.0], "recency_in_gaps": [140 / 33, 5 / 33], "purchase_days": [9.0, 9.0]}
    return pd.DataFrame({"recency_days": [140.0, 5.0], **rhythm, **spans})


SAID = {name: (name,) for name in ("recency_days", "spend_90", "season_spend")}
SAID |= {"recency_in_gaps": ("recency_days", "gap_mean")}


def given_to(customers, *moved):
    """Return what is left to each feature where the features of `SAID` moved the prediction of everybody so."""
    table = pd.DataFrame([moved] * len(customers), columns=list(SAID))
    return pd.DataFrame(told_by_last_order(table, SAID, customers))


def test_nothing_bought_lately_is_told_by_a_last_order_long_ago_beside_how_often_there_was_one(customers):
    left = given_to(customers, -0.5, -0.25, 0.0, -0.125).iloc[0]
    assert left.to_dict() == {"recency_days": 0, "spend_90": 0, "season_spend": 0, "recency_in_gaps": -0.875}


def test_a_last_order_younger_than_usual_is_told_beside_the_rhythm_where_it_raised_the_prediction(customers):
    left = given_to(customers, 0.5, 0.25, 0.0, 0.125).iloc[1]
    assert left.to_dict() == {"recency_days": 0, "spend_90": 0.25, "season_spend": 0, "recency_in_gaps": 0.625}


@pytest.mark.parametrize(("who", "moved"), [(0, 0.5), (1, -0.5)])
def test_where_silence_and_rhythm_point_apart_the_last_order_is_told_alone(customers, who, moved):
    left = given_to(customers, moved, 0.0, 0.0, 0.0).iloc[who]
    assert (left["recency_days"], left["recency_in_gaps"]) == (moved, 0)


def test_one_gap_is_not_how_often_somebody_orders(customers):
    left = given_to(customers.assign(purchase_days=2.0), -0.5, 0.0, 0.0, 0.0).iloc[0]
    assert (left["recency_days"], left["recency_in_gaps"]) == (-0.5, 0)


def test_what_came_back_in_full_was_bought(customers):
    left = given_to(customers.assign(days_90=1.0), -0.5, -0.25, 0.0, 0.0).iloc[0]
    assert (left["spend_90"], left["recency_in_gaps"]) == (-0.25, -0.5)
    last_year = customers.assign(recency_days=400.0, season_days=1.0)
    assert given_to(last_year, -0.5, 0.0, -0.25, 0.0).loc[0, "season_spend"] == -0.25


def test_nothing_bought_in_the_same_weeks_last_year_is_told_by_a_last_order_before_them(customers):
    assert given_to(customers, -0.5, 0.0, -0.25, 0.0).loc[0, "season_spend"] == -0.25
    left = given_to(customers.assign(recency_days=400.0), -0.5, 0.0, -0.25, 0.0).iloc[0]
    assert (left["season_spend"], left["recency_in_gaps"]) == (0, -0.75)


def test_families_say_which_feature_counts_the_days_of_a_sum():
    for family in FAMILIES:
        units = {feature.name: feature.unit for feature in family.features}
        assert {(units[money], units[days]) for money, days in family.counted.items()} <= {("money", "count")}
    assert {name for family in FAMILIES for name in family.counted} >= {"spend_90", "spend_window_1", "season_spend"}
