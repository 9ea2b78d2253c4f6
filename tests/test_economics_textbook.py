"""The textbook formulas: right by hand where they are defined, and named and explained where they are not."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
from valued_store import FEW, ledger_of, valued_store

from models.lifetime import Economics
from serving.valuation.textbook import NO_CHURN, NO_MARGIN, NO_PAST, NO_SALES, Averages, averages, formulas, textbook

AS_OF = date(2024, 1, 1)
KNOWN = Averages(365, net=1200.0, orders=30, customers=10, before=8, lost=2, lifespan_years=1.5)


def of(table):
    return table.set_index(table["name"].str.split().str[0])


class TestByHand:
    def test_order_value_times_frequency_times_lifespan(self):
        assert of(formulas(KNOWN, None))["value"]["Order"] == pytest.approx(40 * 3 * 365.25 / 365 * 1.5)

    def test_yearly_spend_times_lifespan(self):
        churn = 1 - 0.75 ** (365.25 / 365)
        assert of(formulas(KNOWN, None))["value"]["Yearly"] == pytest.approx(120 * 365.25 / 365 / churn)

    def test_arpu_times_margin_over_churn(self):
        month = 365.25 / 12
        churn = 1 - 0.75 ** (month / 365)
        expected = 120 * month / 365 * 0.3 / churn
        found = of(formulas(KNOWN, 0.3)).loc["ARPU"]
        assert (found["value"], found["basis"]) == (pytest.approx(expected), "margin")

    def test_each_says_what_went_into_it_and_that_it_is_an_average(self):
        notes = of(formulas(KNOWN, 0.3))["note"]
        assert "40.00 an order" in notes["Order"]
        assert "yearly churn 25.0%" in notes["Yearly"]
        assert "30.0% ÷ 2.37% monthly churn" in notes["ARPU"]
        assert notes.str.contains("an average").all()


class TestDefined:
    def test_without_a_margin_it_is_revenue_and_says_that_it_is_no_clv(self):
        found = of(formulas(KNOWN, None)).loc["ARPU"]
        assert found["basis"] == "revenue"
        assert NO_MARGIN in found["note"]

    @pytest.mark.parametrize(
        ("change", "without", "said"),
        [
            ({"lost": 0}, ["Yearly", "ARPU"], NO_CHURN),
            ({"before": 0, "lost": 0}, ["Yearly", "ARPU"], NO_PAST),
            ({"customers": 0, "orders": 0, "net": 0.0}, ["Order", "Yearly", "ARPU"], NO_SALES),
        ],
    )
    def test_nothing_is_divided_by_zero(self, change, without, said):
        found = of(formulas(Averages(**{**vars(KNOWN), **change}), 0.3))
        assert found.loc[without, "value"].isna().all()
        assert (found.loc[without, "note"] == said).all()
        assert np.isfinite(found["value"].dropna()).all()

    def test_everybody_lost_is_no_trouble(self):
        found = of(formulas(Averages(**{**vars(KNOWN), "lost": 8}), 0.3))
        assert np.isfinite(found["value"]).all()

    def test_a_negative_value_is_kept_and_named(self):
        found = of(formulas(Averages(**{**vars(KNOWN), "net": -50.0}), 0.3))
        assert (found["value"] < 0).all()
        assert found["note"].str.contains("negative").all()


class TestFromTheLedger:
    def log(self):
        rows = [("a", "2022-03-01", 10.0), ("a", "2023-02-01", 30.0), ("b", "2022-05-01", 50.0)]
        rows += [("c", "2023-06-01", 20.0), ("c", "2023-06-30", 40.0), ("c", "2023-12-31", -5.0)]
        rows += [("a", "2024-01-05", 1000.0), ("z", "2021-12-01", -3.0), ("a", "2021-06-01", 1.0)]
        return pd.DataFrame(rows, columns=["customer_id", "timestamp", "amount"])

    def test_it_is_counted_from_the_newest_year_and_the_one_before(self):
        found = averages(ledger_of(self.log()).days, AS_OF)
        assert (found.period_days, found.customers, found.orders) == (365, 2, 3)
        assert found.net == 30 + 20 + 40 - 5
        # Of a and b, who bought the year before, b did not come back.
        assert (found.before, found.lost) == (2, 1)
        days = [(date(2023, 2, 1) - date(2021, 6, 1)).days, 0, 29]
        assert found.lifespan_years == pytest.approx(sum(days) / 3 / 365.25)

    def test_of_a_shorter_history_both_halves_are_compared(self):
        log = pd.DataFrame({"customer_id": ["a", "a"], "timestamp": ["2023-12-02", "2023-12-30"], "amount": [5.0, 5.0]})
        found = averages(ledger_of(log).days, AS_OF)
        assert (found.period_days, found.before, found.lost, found.orders) == (15, 1, 0, 1)

    def test_a_store_answers_with_the_margin_of_its_scoring(self, tmp_path):
        found = of(textbook(valued_store(tmp_path, economics=Economics(margin=0.25))))
        assert found["basis"].to_dict() == {"Order": "revenue", "Yearly": "revenue", "ARPU": "margin"}
        # Of ann and ben, who bought in the first half of the history, only ann came back, and cyd came.
        assert np.isfinite(found["value"]).all()

    def test_a_ledger_without_a_day_has_no_averages(self):
        assert averages(ledger_of(pd.DataFrame(FEW)).days, date(2023, 1, 1)) is None
        assert formulas(None, None).empty
