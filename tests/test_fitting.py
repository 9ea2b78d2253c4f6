"""Settings of a training: what can be left out, and what stays."""

import pytest

import models.churn
import models.spend
from training.fitting import Fitting

FAMILIES = {"recency_days": "rfm", "season_spend": "season", "season_days": "season", "gap_due": "gaps"}


def test_by_default_nothing_is_left_out():
    fitting = Fitting()
    assert fitting.spend_members == models.spend.MEMBERS == ("linear", "spend", "count", "ridge")
    assert fitting.churn_members == models.churn.MEMBERS == ("rate", "btyd", "ridge")
    assert fitting.unused(FAMILIES) == ()


def test_a_member_is_left_out_of_both_blends():
    fitting = Fitting(without=("member:ridge",))
    assert fitting.spend_members == ("linear", "spend", "count")
    assert fitting.churn_members == ("rate", "btyd")
    assert fitting.unused(FAMILIES) == ()


def test_a_member_of_one_blend_is_left_out_of_that_one():
    fitting = Fitting(without=("member:count", "member:btyd"))
    assert fitting.spend_members == ("linear", "spend", "ridge")
    assert fitting.churn_members == ("rate", "ridge")


@pytest.mark.parametrize(
    ("without", "unused"),
    [
        (("family:season",), ("season_spend", "season_days")),
        (("family:gaps", "family:rfm"), ("recency_days", "gap_due")),
        (("family:seas",), ()),
        (("season",), ()),
        (("member:season",), ()),
    ],
)
def test_a_family_is_left_out_by_its_whole_name(without, unused):
    assert Fitting(without=without).unused(FAMILIES) == unused
