"""Economics: what customers were and will be worth against what they cost, on figures that can be done by hand."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from valued_store import AS_OF, SCORED, ledger_of, valued_store

from models.lifetime import Economics
from serving.economics import GROUPS, by_group, customer_values
from serving.valuation.concentration import concentration
from serving.valuation.payback import DAYS_A_MONTH

COST = Economics(acquisition_cost=100.0)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return valued_store(tmp_path_factory.mktemp("valued") / "store", economics=COST)


@pytest.fixture(scope="module")
def values(store):
    return table(customer_values(store))


def table(values) -> pd.DataFrame:
    return values.to_pyarrow().to_pandas().set_index("customer_id").sort_index()


class TestOneCustomer:
    def test_historic_value_is_net_spend_before_the_as_of_date_refunds_taken_off(self, values):
        assert values["historic_value"].to_dict() == {"ann": 200.0, "ben": 50.0, "cyd": 20.0}

    def test_lifetime_value_is_what_was_and_what_will_be(self, values):
        assert values["lifetime_value"].to_dict() == {"ann": 500.0, "ben": 90.0, "cyd": 28.0}

    def test_the_cohort_is_the_month_of_the_first_purchase(self, values):
        assert values["cohort"].to_dict() == {"ann": "2024-01", "ben": "2024-01", "cyd": "2024-06"}
        assert values["first_day"]["ben"] == date(2024, 1, 20)

    def test_the_channel_is_that_of_the_first_purchase_and_unknown_where_none_is(self, values):
        assert values["channel"].to_dict() == {"ann": "web", "ben": "shop", "cyd": "unknown"}

    def test_ltv_to_cac_is_lifetime_value_over_the_cost(self, values):
        assert values["ltv_cac"].to_dict() == {"ann": 5.0, "ben": 0.9, "cyd": 0.28}

    def test_a_cost_that_was_reached_in_the_past_was_paid_back_on_that_day(self, values):
        assert values["payback_months"]["ann"] == 0.0

    def test_a_cost_that_will_never_be_reached_has_no_payback(self, values):
        assert values["payback_months"][["ben", "cyd"]].isna().all()

    @pytest.mark.parametrize(
        ("cost", "days"),
        [
            (130.0, (date(2024, 3, 10) - date(2024, 1, 10)).days),  # the second purchase
            (225.0, (AS_OF - date(2024, 1, 10)).days + 90 * 25 / 50),  # half of what the horizon brings is missing
            (250.0, (AS_OF - date(2024, 1, 10)).days + 90),
            (375.0, (AS_OF - date(2024, 1, 10)).days + 90 + (1096 - 90) * 125 / 250),  # half of what comes after it
            (500.0, (AS_OF - date(2024, 1, 10)).days + 1096),
        ],
    )
    def test_payback_goes_along_the_ledger_and_then_along_the_value_curve(self, tmp_path, cost, days):
        found = table(customer_values(valued_store(tmp_path, economics=Economics(acquisition_cost=cost))))
        assert found["payback_months"]["ann"] == pytest.approx(days / DAYS_A_MONTH)

    def test_a_customer_who_cost_nothing_has_no_ratio_and_owes_nothing(self, tmp_path):
        found = table(customer_values(valued_store(tmp_path, economics=Economics(acquisition_cost=0.0))))
        assert found["ltv_cac"].isna().all()
        assert (found["payback_months"] == 0).all()

    def test_without_a_cost_there_is_neither_ratio_nor_payback(self, tmp_path):
        found = table(customer_values(valued_store(tmp_path)))
        assert found[["acquisition_cost", "ltv_cac", "payback_months"]].isna().all(axis=None)


class TestMargin:
    def test_without_one_all_of_it_is_revenue_and_says_so(self, values):
        assert (values["clv_basis"] == "revenue").all()
        assert values["margin_rate"].isna().all()

    def test_with_one_history_and_future_shrink_alike_and_spend_does_not(self, values, tmp_path):
        found = table(customer_values(valued_store(tmp_path, economics=Economics(margin=0.4, acquisition_cost=100.0))))
        assert (found["clv_basis"] == "margin").all()
        for name in ("historic_value", "clv", "lifetime_value", "ltv_cac"):
            np.testing.assert_allclose(found[name], values[name] * 0.4)
        assert found["expected_spend"].equals(values["expected_spend"])

    def test_a_margin_that_loses_money_is_kept_below_zero(self, tmp_path):
        rates = tmp_path / "margins.csv"
        rates.write_text("category,margin\nbooks,-0.5\ntoys,0.5\n")
        store = valued_store(tmp_path / "store", economics=Economics(margin=str(rates)))
        found = table(customer_values(store))
        assert found["historic_value"]["ben"] < 0
        assert found["clv"]["ben"] < 0
        assert np.isfinite(found[["historic_value", "clv", "lifetime_value"]]).all(axis=None)


class TestGroups:
    def test_sums_are_those_of_the_customers(self, store):
        found = by_group(customer_values(store), "cohort").set_index("cohort")
        assert found["customers"].to_dict() == {"2024-01": 2, "2024-06": 1}
        assert found["historic_value"].to_dict() == {"2024-01": 250.0, "2024-06": 20.0}
        assert found["clv"].to_dict() == {"2024-01": 340.0, "2024-06": 8.0}
        assert found["ltv_cac"]["2024-01"] == pytest.approx((250 + 340) / 200)

    def test_three_times_the_cost_is_enough(self, store):
        found = by_group(customer_values(store), "segment").set_index("segment")
        assert found["enough"].to_dict() == {"Champions": True, "New": False, "Lost": False}

    def test_the_median_customer_who_never_pays_back_makes_the_group_never(self, store):
        found = by_group(customer_values(store), "value_tier").set_index("value_tier")
        assert found["payback_months"]["Top"] == 0.0
        assert np.isnan(found["payback_months"]["Low"])

    def test_without_a_cost_nothing_is_enough_or_not_enough(self, tmp_path):
        found = by_group(customer_values(valued_store(tmp_path)), "channel")
        assert found[["ltv_cac", "enough", "acquisition_cost", "payback_months"]].isna().all(axis=None)

    @pytest.mark.parametrize("group", GROUPS)
    def test_shares_sum_to_one_and_nobody_is_lost(self, store, group):
        found = by_group(customer_values(store), group)
        assert found["share_of_value"].sum() == pytest.approx(1)
        assert found["customers"].sum() == 3

    def test_groups_come_in_the_order_that_people_expect(self, store):
        found = {group: by_group(customer_values(store), group)[group].tolist() for group in GROUPS}
        assert found == {
            "segment": ["Champions", "New", "Lost"],
            "channel": ["web", "shop", "unknown"],
            "cohort": ["2024-01", "2024-06"],
            "value_tier": ["Top", "Low"],
        }

    def test_where_all_value_is_zero_or_below_there_are_no_shares(self, tmp_path):
        nothing = valued_store(tmp_path / "none", scored=SCORED.assign(clv=0.0))
        found = by_group(customer_values(nothing), "segment")
        assert found["share_of_value"].isna().all()
        assert concentration(customer_values(nothing))["share_of_value"].isna().all()

    def test_another_group_is_refused(self, store):
        with pytest.raises(ValueError, match="there is no group 'shoe size'"):
            by_group(customer_values(store), "shoe size")


class TestConcentration:
    @settings(max_examples=15, deadline=None)
    @given(
        worth=st.lists(st.floats(-100, 1000).map(lambda value: round(value, 2)), min_size=1, max_size=300),
    )
    def test_it_is_what_sorting_by_hand_gives(self, worth):
        import ibis

        values = ibis.memtable({"clv": [float(value) for value in worth]})
        found = concentration(values)
        best = np.sort(np.clip(worth, 0, None))[::-1]
        for row in found.itertuples():
            n = int(np.ceil(round(row.top_share * 100) * len(worth) / 100))
            assert row.customers == n
            assert row.value == pytest.approx(best[:n].sum())
            if best.sum() > 0:
                assert row.share_of_value == pytest.approx(best[:n].sum() / best.sum())
                assert 0 <= row.share_of_value <= 1
            else:
                assert np.isnan(row.share_of_value)
        assert (found["negative_customers"] == sum(value < 0 for value in worth)).all()
        assert found["value"].is_monotonic_increasing


class TestEarlierDates:
    def test_at_an_earlier_date_only_what_was_known_by_then_counts(self, tmp_path):
        ledger, early = ledger_of(), date(2024, 3, 1)
        valued_store(tmp_path, ledger, as_of=early)
        store = valued_store(tmp_path, ledger)
        assert table(customer_values(store, early))["historic_value"][["ann", "ben"]].to_dict() == {
            "ann": 100.0,
            "ben": 50.0,
        }
        assert table(customer_values(store))["historic_value"]["ann"] == 200.0

    def test_a_number_is_the_margin_of_its_own_scoring_and_not_of_a_later_one(self, tmp_path):
        ledger, early = ledger_of(), date(2024, 3, 1)
        valued_store(tmp_path, ledger, Economics(margin=0.2), as_of=early)
        store = valued_store(tmp_path, ledger, Economics(margin=0.5))
        assert table(customer_values(store, early))["historic_value"]["ann"] == pytest.approx(20.0)
        assert table(customer_values(store))["historic_value"]["ann"] == pytest.approx(100.0)


class TestCustomersTable:
    def test_its_columns_stand_beside_the_values_and_never_in_their_place(self, tmp_path):
        customers = pd.DataFrame(
            {
                "customer_id": ["ann", "ben", "zoe"],
                "acquisition_channel": ["fair", None, "fair"],
                "segment": ["B2B", "B2C", "B2B"],
                "country": ["FR", "DE", "IT"],
                "first_day": ["Monday", "Friday", "Sunday"],
            }
        )
        found = table(customer_values(valued_store(tmp_path, ledger_of(customers=customers))))
        assert found["channel"].to_dict() == {"ann": "fair", "ben": "shop", "cyd": "unknown"}
        assert found["segment"].to_dict() == {"ann": "Champions", "ben": "Lost", "cyd": "New"}
        assert found["segment_given"].to_dict()["ann"] == "B2B"
        assert found["first_day_given"].to_dict()["ben"] == "Friday"
        assert found["country"].to_dict()["ben"] == "DE"
        assert "zoe" not in found.index
