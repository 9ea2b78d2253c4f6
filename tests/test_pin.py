"""The pin: totals are what the level says, however the customers came, and a customer's number is his own."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit

from models.level import Level
from models.pin import Pins, Totals

LEVEL = Level(spend=1.2, orders=0.9, active=0.8, rule="as told")


def allocated(customers, seed=0):
    """Return an allocation in whole ten-thousandths, as `Bundle.allocate` would of random customers."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(
        {
            "spend": rng.gamma(0.3, 40.0, customers),
            "orders": rng.gamma(0.5, 1.0, customers),
            "active_logit": rng.normal(-1.5, 2.0, customers),
            "btyd_spend": rng.gamma(0.4, 30.0, customers),
            "btyd_orders": rng.gamma(0.5, 1.1, customers),
            "btyd_active": rng.beta(0.5, 2.0, customers),
        }
    )
    return table.round(4)


def pins(*batches, level=LEVEL):
    totals = Totals()
    for batch in batches:
        totals.add(batch)
    return totals.pins(level)


def test_totals_of_spend_and_orders_are_exactly_btyds_times_the_level():
    table = allocated(5_000)
    found = pins(table)
    assert (table["spend"] * found.spend).sum() == pytest.approx(1.2 * table["btyd_spend"].sum(), rel=1e-12)
    assert (table["orders"] * found.orders).sum() == pytest.approx(0.9 * table["btyd_orders"].sum(), rel=1e-12)


def test_totals_of_any_numbers_are_exact_but_for_a_twenty_thousandth_a_customer():
    table = allocated(5_000) / 3.0
    assert (table["spend"] * pins(table).spend).sum() == pytest.approx(1.2 * table["btyd_spend"].sum(), rel=1e-5)


def test_the_mean_probability_of_being_active_is_btyds_times_the_level():
    table = allocated(5_000)
    active = expit(table["active_logit"] + pins(table).shift)
    assert active.mean() == pytest.approx(0.8 * table["btyd_active"].mean(), abs=2e-5)


@given(data=st.data())
def test_neither_batches_nor_their_order_change_a_pin(data):
    table = allocated(40) / 3.0
    cuts = sorted(data.draw(st.sets(st.integers(0, 40), max_size=8)))
    batches = [table.iloc[begin:end] for begin, end in zip([0, *cuts], [*cuts, 40], strict=True)]
    assert pins(*data.draw(st.permutations(batches))) == pins(table)
    shuffled = table.iloc[data.draw(st.permutations(range(40)))]
    assert pins(shuffled) == pins(table)


def test_customers_are_counted_over_all_batches():
    totals = Totals()
    for batch in (allocated(3), allocated(0), allocated(4)):
        totals.add(batch)
    assert totals.customers == 7


@pytest.mark.parametrize("by", [0.5, 2.0])
def test_pins_are_proportional_to_the_level(by):
    table = allocated(500)
    once, again = pins(table), pins(table, level=Level(1.2 * by, 0.9 * by, 0.8, "another"))
    assert (again.spend, again.orders, again.shift) == pytest.approx((once.spend * by, once.orders * by, once.shift))


def test_twice_the_allocation_is_pinned_to_the_same_predictions():
    table = allocated(500)
    doubled = table.assign(spend=table["spend"] * 2, orders=table["orders"] * 2)
    assert (pins(doubled).spend * 2, pins(doubled).orders * 2) == (pins(table).spend, pins(table).orders)


def test_without_customers_nothing_is_pinned():
    assert pins() == pins(allocated(0)) == Pins(1.0, 1.0, 0.0)


def test_where_nothing_is_allocated_pins_stay_finite():
    nothing = allocated(10).assign(spend=0.0, orders=0.0, btyd_spend=0.0, btyd_orders=0.0)
    found = pins(nothing)
    assert (found.spend, found.orders) == (0.0, 0.0)
    assert np.isfinite(found.shift)


@pytest.mark.parametrize(("level", "rate"), [(0.0, 0.0), (1.0, 1.0), (7.0, 1.0)])
def test_rates_of_nobody_and_everybody_are_reached(level, rate):
    table = allocated(200).assign(btyd_active=1.0)
    shift = pins(table, level=Level(1.0, 1.0, level, "extreme")).shift
    assert expit(table["active_logit"] + shift).mean() == pytest.approx(rate, abs=1e-5)


def test_log_odds_beyond_twenty_count_as_twenty():
    table = allocated(200).assign(active_logit=np.repeat([-700.0, 700.0], 100))
    cut = table.assign(active_logit=table["active_logit"].clip(-20, 20))
    assert pins(table) == pins(cut)


@pytest.mark.parametrize("customers", [1, 7, 400])
def test_a_selection_of_customers_keeps_its_numbers_under_the_same_pins(small_bundle, small_snapshot, customers):
    allocation = small_bundle.allocate(small_snapshot)
    found = pins(allocation, level=small_bundle.level)
    everybody = small_bundle.predictions(allocation, found)
    some = allocation.sample(customers, random_state=1)
    pd.testing.assert_frame_equal(small_bundle.predictions(some, found), everybody.loc[some.index], check_exact=True)


def test_a_bundle_pins_a_whole_as_of_date_to_its_level(small_bundle, small_snapshot):
    level = Level(spend=1.5, orders=1.25, active=0.5, rule="as told")
    allocation, predicted = small_bundle.allocate(small_snapshot), small_bundle.predict(small_snapshot, level)
    assert predicted["expected_spend"].sum() == pytest.approx(1.5 * allocation["btyd_spend"].sum(), rel=1e-5)
    assert predicted["expected_orders"].sum() == pytest.approx(1.25 * allocation["btyd_orders"].sum(), rel=1e-3)
    active = 1 - predicted["churn_probability"]
    assert active.mean() == pytest.approx(0.5 * allocation["btyd_active"].mean(), abs=1e-4)
