"""The questions that pages ask: each against what can be counted by hand."""

from datetime import date

import ibis
import numpy as np
import pandas as pd
import pytest

from serving.segments import SEGMENTS
from serving.web.pages.headline import headline
from serving.web.pages.hindsight import churn_deciles, hindsight, outcomes, spend_deciles
from serving.web.pages.migration import GONE, NEW, direction, matrix, migration, moved
from serving.web.pages.purchases import purchases, score_history
from serving.web.pages.rfm_map import rfm_map
from serving.web.pages.shift import shift
from serving.web.pages.trend import trend
from serving.web.pages.value_curve import value_curve

FIRST, SECOND = date(2024, 1, 1), date(2024, 4, 1)


def scores(rows):
    """Scores of a few customers: id, segment, clv, churn probability."""
    frame = pd.DataFrame(rows, columns=["customer_id", "segment", "clv", "churn_probability"])
    return ibis.memtable(frame.assign(expected_spend=frame["clv"] / 10))


EARLIER = [
    ("a", "Champions", 100.0, 0.1),
    ("b", "Loyal", 50.0, 0.4),
    ("c", "At Risk", 30.0, 0.7),
    ("d", "New", 5.0, 0.5),
]
LATER = [("a", "Champions", 90.0, 0.2), ("b", "At Risk", 20.0, 0.8), ("c", "Loyal", 60.0, 0.3), ("e", "New", 8.0, 0.6)]


class TestHeadline:
    def test_it_sums_up_all_customers(self):
        found = headline(scores(EARLIER))
        assert (found.customers, found.value) == (4, 185.0)
        assert found.expected_spend == pytest.approx(18.5)
        assert found.buyers == pytest.approx(0.9 + 0.6 + 0.3 + 0.5)

    def test_at_risk_are_those_likelier_to_stay_away_than_to_buy(self):
        found = headline(scores(EARLIER))
        assert (found.at_risk, found.value_at_risk) == (2, 35.0)

    def test_where_nobody_is_everything_is_nothing(self):
        found = headline(scores(EARLIER).filter(ibis._.clv > 1000))
        assert (found.customers, found.value, found.value_at_risk) == (0, 0, 0)


class TestMap:
    def cells(self):
        frame = pd.DataFrame(
            [(5, 5, 5, 10.0), (5, 4, 5, 30.0), (1, 1, 1, 2.0), (3, 2, 3, 4.0)],
            columns=["r_score", "f_score", "m_score", "clv"],
        )
        return rfm_map(ibis.memtable(frame))

    def test_it_has_all_25_cells_and_everybody_is_in_one(self):
        cells = self.cells()
        assert len(cells) == 25
        assert cells["customers"].sum() == 4
        assert cells["clv"].sum() == 46.0

    def test_frequency_and_spend_are_averaged_and_rounded_up(self):
        filled = self.cells().query("customers > 0").set_index(["r", "fm"])
        assert filled.loc[(5, 5), "customers"] == 2
        assert filled.loc[(5, 5), "clv_each"] == 20.0
        assert filled.loc[(5, 5), "segment"] == "Champions"
        assert filled.loc[(3, 3), "segment"] == "Needs Attention"

    def test_an_empty_cell_is_worth_nothing_to_nobody(self):
        assert self.cells().query("customers == 0")["clv_each"].isna().all()


class TestValueCurve:
    def test_the_best_come_first(self):
        curve = value_curve(scores([(str(i), "Loyal", value, 0.5) for i, value in enumerate([70.0, 10.0, 10.0, 10.0])]))
        assert curve.to_numpy().tolist() == pytest.approx(
            np.array([[0, 0], [0.25, 0.7], [0.5, 0.8], [0.75, 0.9], [1, 1]])
        )

    def test_many_customers_make_a_hundred_steps(self):
        rows = [(f"{i:05}", "Loyal", float(i), 0.5) for i in range(1, 1001)]
        curve = value_curve(scores(rows))
        assert len(curve) == 101
        best_tenth = sum(range(901, 1001)) / sum(range(1, 1001))
        assert curve["value"][curve["customers"] == 0.1].item() == pytest.approx(best_tenth)

    def test_equal_customers_lie_on_the_diagonal(self):
        curve = value_curve(scores([(str(i), "Loyal", 5.0, 0.5) for i in range(50)]))
        assert curve["value"].to_numpy() == pytest.approx(curve["customers"].to_numpy())

    def test_one_customer_holds_everything(self):
        assert value_curve(scores(EARLIER[:1])).to_numpy().tolist() == [[0, 0], [1, 1]]

    def test_where_nobody_is_worth_anything_there_is_none(self):
        assert value_curve(scores([("a", "Lost", 0.0, 1.0)])).empty


class TestTrend:
    def test_every_group_has_a_row_at_every_date(self):
        rows = trend({SECOND: scores(LATER), FIRST: scores(EARLIER)}, "segment").set_index(["as_of", "group"])
        assert rows["clv"].to_dict() == {
            (FIRST, "At Risk"): 30.0,
            (FIRST, "Champions"): 100.0,
            (FIRST, "Loyal"): 50.0,
            (FIRST, "New"): 5.0,
            (SECOND, "At Risk"): 20.0,
            (SECOND, "Champions"): 90.0,
            (SECOND, "Loyal"): 60.0,
            (SECOND, "New"): 8.0,
        }

    def test_a_group_that_nobody_is_in_is_worth_nothing_then(self):
        rows = trend({FIRST: scores(EARLIER[:1]), SECOND: scores(LATER[:2])}, "segment").set_index(["as_of", "group"])
        assert rows.loc[(FIRST, "At Risk"), "customers"] == 0
        assert rows.loc[(FIRST, "At Risk"), "clv"] == 0
        assert pd.isna(rows.loc[(FIRST, "At Risk"), "clv_each"])

    def test_groups_sum_to_all_customers(self):
        rows = trend({FIRST: scores(EARLIER), SECOND: scores(LATER)}, "segment")
        assert rows.groupby("as_of")["clv"].sum().to_dict() == {FIRST: 185.0, SECOND: 178.0}

    def test_without_scorings_there_is_none(self):
        assert trend({}, "segment").empty


class TestMigration:
    def test_flows_lead_from_then_to_now(self):
        flows = migration(scores(EARLIER), scores(LATER))
        assert {(f.source, f.target): f.customers for f in flows.itertuples()} == {
            ("Champions", "Champions"): 1,
            ("Loyal", "At Risk"): 1,
            ("At Risk", "Loyal"): 1,
            ("New", GONE): 1,
            (NEW, "New"): 1,
        }

    def test_they_sum_to_the_customers_of_both_scorings(self):
        rng = np.random.default_rng(7)
        names = [segment.name for segment in SEGMENTS]
        both = [
            [(str(i), names[rng.integers(len(names))], 1.0, 0.5) for i in np.flatnonzero(rng.random(400) < 0.8)]
            for _ in range(2)
        ]
        flows = migration(*map(scores, both))
        for side, rows, missing in (("source", both[0], NEW), ("target", both[1], GONE)):
            sums = flows[flows[side] != missing].groupby(side)["customers"].sum().to_dict()
            assert sums == pd.Series([row[1] for row in rows]).value_counts().to_dict()

    def test_it_tells_up_from_down(self):
        found = moved(migration(scores(EARLIER), scores(LATER)))
        assert found == {"up": 1, "stayed": 1, "down": 1, "new": 1, "gone": 1}
        assert direction("Lost", "Champions") == "up"
        assert direction("Champions", "Lost") == "down"

    def test_the_matrix_keeps_the_order_of_the_segments(self):
        table = matrix(migration(scores(EARLIER), scores(LATER)))
        assert list(table.index) == ["Champions", "Loyal", "New", "At Risk", NEW]
        assert list(table.columns) == ["Champions", "Loyal", "New", "At Risk", GONE]
        assert table.to_numpy().sum() == 5


LEDGER = [
    ("a", date(2024, 1, 1), 100_000, 100_000),
    ("a", date(2024, 3, 30), 50_000, 70_000),
    ("a", date(2024, 3, 31), 900_000, 900_000),
    ("b", date(2023, 12, 31), 10_000, 10_000),
    ("c", date(2024, 2, 1), -40_000, 0),
]


def ledger():
    return ibis.memtable(pd.DataFrame(LEDGER, columns=["customer_id", "day", "net", "gross"]).assign(orders=1))


class TestHindsight:
    def outcome(self):
        frame = pd.DataFrame(
            [("a", 20.0, 10.0, 16.0, 0.2), ("b", 5.0, 0.0, 9.0, 0.6), ("c", 1.0, 0.0, 2.0, 0.9)],
            columns=["customer_id", "expected_spend", "expected_spend_low", "expected_spend_high", "churn_probability"],
        )
        return outcomes(ibis.memtable(frame), ledger(), FIRST, 90)

    def test_only_the_days_of_the_window_count(self):
        rows = self.outcome().to_pandas()
        # 30 March is the 90th day from 1 January 2024 on; 31 March lies beyond it.
        assert sorted(rows["spent"]) == [0.0, 0.0, 15.0]
        assert rows.set_index("expected")["churned"].to_dict() == {20.0: False, 5.0: True, 1.0: True}

    def test_it_sums_up(self):
        found = hindsight(self.outcome())
        assert (found["customers"], found["expected"], found["spent"]) == (3, 26.0, 15.0)
        assert found["churned"] == pytest.approx(2 / 3)
        assert found["coverage"] == 1.0
        assert found["top_decile"] == 1.0

    def test_deciles_hold_everybody_from_the_highest_prediction_down(self):
        rows = pd.DataFrame(
            {"customer_id": [f"{i:02}" for i in range(40)], "expected_spend": np.arange(40.0), "churn_probability": 0.5}
        ).assign(expected_spend_low=0.0, expected_spend_high=50.0)
        table = outcomes(ibis.memtable(rows), ledger(), FIRST, 90)
        spend = spend_deciles(table)
        assert list(spend["decile"]) == list(range(1, 11))
        assert (spend["customers"] == 4).all()
        assert spend["expected"].iloc[0] == 39 + 38 + 37 + 36
        assert churn_deciles(table)["churned"].tolist() == [1.0] * 10


class TestOneCustomer:
    def test_purchases_are_the_days_before_the_as_of_date_in_money(self):
        found = purchases(ledger(), "a", date(2024, 3, 31))
        assert found["day"].tolist() == [date(2024, 1, 1), date(2024, 3, 30)]
        assert found["net"].tolist() == [10.0, 5.0]

    def test_somebody_elses_id_is_only_text(self):
        assert purchases(ledger(), "a' or '1'='1", SECOND).empty

    def test_history_skips_scorings_that_did_not_know_the_customer(self):
        def full(rows):
            extra = dict.fromkeys(("expected_spend_low", "expected_spend_high", "r_score", "f_score", "m_score"), 1.0)
            return scores(rows).mutate(**extra, value_tier=ibis.literal("Top"))

        found = score_history({SECOND: full(LATER), FIRST: full(EARLIER)}, "b")
        assert found[["as_of", "segment"]].to_numpy().tolist() == [[FIRST, "Loyal"], [SECOND, "At Risk"]]
        assert list(score_history({SECOND: full(LATER), FIRST: full(EARLIER)}, "e")["as_of"]) == [SECOND]


def test_the_shift_describes_every_scoring():
    frame = pd.DataFrame(
        {
            "recency_days": [1.0, 5.0, 90.0],
            "tenure_days": [10.0, 20.0, 30.0],
            "frequency": [1.0, 2.0, 6.0],
            "monetary": [10.0, 20.0, 60.0],
            "expected_spend": [3.0, 3.0, 6.0],
            "churn_probability": [0.2, 0.4, 0.9],
        }
    )
    found = shift({SECOND: ibis.memtable(frame), FIRST: ibis.memtable(frame.head(1))})
    assert found["as_of"].tolist() == [FIRST, SECOND]
    assert found.iloc[1][["customers", "recency_days", "frequency", "expected_spend"]].tolist() == [3, 5, 3, 4]
