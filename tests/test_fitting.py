"""Settings of a training: what can be left out, and what stays."""

import pytest

import models.churn
import models.spend
from training.fitting import Fitting

FAMILIES = {"recency_days": "rfm", "spend_90": "momentum", "days_90": "momentum", "gap_due": "gaps"}


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
        (("family:momentum",), ("spend_90", "days_90")),
        (("family:gaps", "family:rfm"), ("recency_days", "gap_due")),
        (("family:moment",), ()),
        (("momentum",), ()),
        (("member:momentum",), ()),
    ],
)
def test_a_family_is_left_out_by_its_whole_name(without, unused):
    assert Fitting(without=without).unused(FAMILIES) == unused


def test_families_that_describe_customers_are_learnt_from_only_where_a_season_is():
    families = FAMILIES | {
        "season_spend": "season",
        "refund_share": "refunds",
        "gap_mean": "rhythm",
        "items": "items",
    }
    assert Fitting().unused(families) == ("season_spend", "refund_share", "gap_mean", "items")
    assert Fitting().unused(families, seasonal=True) == ("refund_share", "items")
    assert Fitting(without=("family:rhythm",)).unused(families, seasonal=True) == ("refund_share", "gap_mean", "items")
