"""Margins: each customer's own, from the log, as far as there is evidence; checked against the formula in NumPy."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
from valued_store import AS_OF, FEW, ledger_of

from features.log import Columns
from models.lifetime import Economics
from models.registry import Registered
from regulars.errors import RegularsError
from serving.score import score
from serving.store import Store
from serving.valuation.margins import find_margins

NIGHT = date(1998, 4, 20)


def costly(customers=200, seed=4, spread=0.3, noise=0.05):
    """Return a log whose customers buy at margins of their own, and each one's true margin."""
    rng = np.random.default_rng(seed)
    true = np.clip(rng.normal(0.3, spread, customers), -0.9, 0.95)
    rows = []
    for customer in range(customers):
        for day in rng.choice(170, rng.integers(1, 6), replace=False):
            quantity, price = int(rng.integers(1, 5)), float(rng.integers(5, 50))
            share = np.clip(true[customer] + rng.normal(0, noise), -1, 1)
            rows.append((f"c{customer:03}", pd.Timestamp("2024-01-02") + pd.Timedelta(days=int(day)), quantity, price))
            rows[-1] += (round(price * (1 - share), 4),)
    return pd.DataFrame(rows, columns=["customer_id", "timestamp", "Quantity", "Price", "Cost"]), true


def by_hand(log):
    """Return every customer's margin by the formula of Bühlmann and Straub."""
    days = log.assign(sold=log.Quantity * log.Price, margin=log.Quantity * (log.Price - log.Cost))
    days = days.groupby(["customer_id", "timestamp"], as_index=False)[["sold", "margin"]].sum()
    own = days.groupby("customer_id")[["sold", "margin"]].sum().assign(n=days.groupby("customer_id").size())
    overall, rate = own.margin.sum() / own.sold.sum(), own.margin / own.sold
    around = days.margin / days.sold - days.customer_id.map(rate)
    within = (days.sold * around**2).sum() / (own.n - 1).sum()
    spread = (own.sold * (rate - overall) ** 2).sum() - (len(own) - 1) * within
    between = spread / (own.sold.sum() - (own.sold**2).sum() / own.sold.sum())
    k = within / between
    return ((own.margin + k * overall) / (own.sold + k)).clip(-1, 1), overall


COSTED = Columns(amount="Quantity * Price")
EXPRESSION = Economics(margin="Quantity * (Price - Cost)")


def rates_of(found, ledger):
    customers = ledger.days.select("customer_id").distinct()
    table = found.rate_of(customers, ledger.connection).to_pandas()
    return table.set_index("customer_id")["margin_rate"].sort_index()


class TestEvidence:
    def test_a_rate_is_the_customers_own_drawn_towards_the_common_one(self, tmp_path):
        log, _ = costly()
        ledger = ledger_of(log, columns=COSTED)
        found = find_margins(ledger, AS_OF, EXPRESSION, tmp_path)
        expected, overall = by_hand(log)
        assert found.overall == pytest.approx(overall, rel=1e-9)
        pd.testing.assert_series_equal(
            rates_of(found, ledger), expected, check_names=False, check_dtype=False, rtol=1e-4, check_index_type=False
        )

    def test_it_is_nearer_to_the_truth_than_the_own_margin_and_than_the_common_one(self, tmp_path):
        log, true = costly(customers=400, noise=0.2, spread=0.15)
        ledger = ledger_of(log, columns=COSTED)
        found = find_margins(ledger, AS_OF, EXPRESSION, tmp_path)
        rates = rates_of(found, ledger).to_numpy()
        money = log.assign(sold=log.Quantity * log.Price, margin=log.Quantity * (log.Price - log.Cost))
        own = money.groupby("customer_id")[["sold", "margin"]].sum()
        error = {
            "drawn": np.square(rates - true).mean(),
            "own": np.square((own.margin / own.sold).to_numpy() - true).mean(),
            "common": np.square(found.overall - true).mean(),
        }
        assert error["drawn"] < min(error["own"], error["common"])

    def test_where_customers_do_not_differ_all_have_the_common_rate(self, tmp_path):
        log, _ = costly(spread=0.0, noise=0.0)
        ledger = ledger_of(log, columns=COSTED)
        found = find_margins(ledger, AS_OF, EXPRESSION, tmp_path)
        np.testing.assert_allclose(rates_of(found, ledger), 0.3, atol=1e-4)

    def test_nothing_at_or_after_the_as_of_date_counts(self, tmp_path):
        log, _ = costly()
        later = log.assign(timestamp=pd.Timestamp("2024-07-02"), Cost=0.0)
        with_later, without = (ledger_of(rows, columns=COSTED) for rows in (pd.concat([log, later]), log))
        rates = [
            rates_of(find_margins(ledger, AS_OF, EXPRESSION, tmp_path), ledger) for ledger in (with_later, without)
        ]
        pd.testing.assert_series_equal(*rates, check_exact=True)

    def test_the_order_of_rows_changes_no_bit(self, tmp_path):
        log, _ = costly()
        ledgers = [ledger_of(rows, columns=COSTED) for rows in (log, log.sample(frac=1, random_state=1))]
        rates = [rates_of(find_margins(ledger, AS_OF, EXPRESSION, tmp_path), ledger) for ledger in ledgers]
        pd.testing.assert_series_equal(*rates, check_exact=True)

    def test_refunds_take_back_sale_and_margin_alike_and_say_nothing_of_the_rate(self, tmp_path):
        log, _ = costly()
        back = log.groupby("customer_id").head(1).assign(Quantity=-1)
        ledgers = [ledger_of(rows, columns=COSTED) for rows in (log, pd.concat([log, back]))]
        rates = [rates_of(find_margins(ledger, AS_OF, EXPRESSION, tmp_path), ledger) for ledger in ledgers]
        pd.testing.assert_series_equal(*rates, check_exact=True)

    def test_what_was_given_away_counts_as_a_cost(self, tmp_path):
        log, _ = costly(spread=0.0, noise=0.0)
        gift = log.head(1).assign(Price=0.0, Cost=50.0)
        rates = [
            find_margins(ledger_of(rows, columns=COSTED), AS_OF, EXPRESSION, tmp_path).overall
            for rows in (log, pd.concat([log, gift]))
        ]
        assert rates[1] < rates[0]

    def test_a_rate_stays_from_minus_one_to_one(self, tmp_path):
        log, _ = costly(spread=0.0, noise=0.0)
        dear = log.customer_id == "c000"
        ledger = ledger_of(log.assign(Cost=log.Cost.where(~dear, log.Price * 5)), columns=COSTED)
        assert rates_of(find_margins(ledger, AS_OF, EXPRESSION, tmp_path), ledger).min() >= -1


class TestCategories:
    def write(self, folder, text):
        path = folder / "margins.csv"
        path.write_text(text)
        return Economics(margin=str(path))

    def test_all_together_have_the_share_that_their_sales_by_category_make(self, tmp_path):
        economics = self.write(tmp_path, "category,margin\nbooks,0.2\ntoys,0.5\n")
        found = find_margins(ledger_of(), AS_OF, economics, tmp_path)
        books, toys = 100 + 80, 60 + 40 + 20
        assert (found.kind, found.notes) == ("category", ())
        assert found.overall == pytest.approx((0.2 * books + 0.5 * toys) / (books + toys))

    def test_who_buys_the_better_category_has_the_better_rate(self, tmp_path):
        ledger = ledger_of()
        rates = rates_of(
            find_margins(ledger, AS_OF, self.write(tmp_path, "category,margin\nbooks,0.2\ntoys,0.5\n"), tmp_path),
            ledger,
        )
        assert rates["ben"] <= rates["ann"] <= rates["cyd"]

    def test_a_category_that_is_not_named_is_said_and_counts_as_the_rest(self, tmp_path):
        found = find_margins(ledger_of(), AS_OF, self.write(tmp_path, "category,margin\nbooks,0.2\n"), tmp_path)
        assert found.overall == pytest.approx(0.2)
        assert any("no margin for category toys" in note for note in found.notes)
        assert any("40.0% of sales have no margin" in note for note in found.notes)

    def test_a_star_stands_for_all_others(self, tmp_path):
        economics = self.write(tmp_path, "category,margin\nbooks,0.2\n*,0.5\n")
        found = find_margins(ledger_of(), AS_OF, economics, tmp_path)
        assert found.overall == pytest.approx((0.2 * 180 + 0.5 * 120) / 300)
        assert not found.notes

    def test_parquet_says_the_same(self, tmp_path):
        pd.DataFrame({"category": ["books", "toys"], "margin": [0.2, 0.5]}).to_parquet(tmp_path / "m.parquet")
        text = self.write(tmp_path, "category,margin\nbooks,0.2\ntoys,0.5\n")
        found = [
            find_margins(ledger_of(), AS_OF, economics, tmp_path).overall
            for economics in (text, Economics(margin=str(tmp_path / "m.parquet")))
        ]
        assert found[0] == found[1]

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("category,margin\nbooks,30\n", ["30.0 of category 'books'", "30 % is 0.3"]),
            ("category,margin\nbooks,a third\n", ["'a third'", "'books'", "not a number"]),
            ("category,margin\nbooks,\n", ["'books'", "not a number"]),
            ("category,margin\nbooks,nan\n", ["'nan'", "not a number"]),
            ("category,margin\n,0.3\n", ["has no category"]),
            ("category,margin\nbooks,0.3\nbooks,0.4\n", ["'books'", "more than once"]),
            ("category,rate\nbooks,0.3\n", ["no column margin", "category, rate"]),
            ("category,margin\n", ["from 1 to", "it has 0"]),
            ("category,margin\ncars,0.3\n", ["no margin for any row"]),
        ],
    )
    def test_a_file_that_cannot_be_meant_is_refused_with_its_name_and_row(self, tmp_path, text, said):
        with pytest.raises(RegularsError) as refusal:
            find_margins(ledger_of(), AS_OF, self.write(tmp_path, text), tmp_path)
        assert all(part in str(refusal.value) for part in ["--margin", "margins.csv", *said]), refusal.value

    def test_a_file_that_is_not_there_is_refused(self, tmp_path):
        with pytest.raises(RegularsError, match=r"none\.csv"):
            find_margins(ledger_of(), AS_OF, Economics(margin=str(tmp_path / "none.csv")), tmp_path)

    def test_a_log_without_categories_is_told_the_flag(self, tmp_path):
        log = pd.DataFrame(FEW).drop(columns="category")
        with pytest.raises(RegularsError, match="--category COLUMN"):
            find_margins(ledger_of(log), AS_OF, self.write(tmp_path, "category,margin\nbooks,0.3\n"), tmp_path)


class TestExpressions:
    def test_a_column_of_the_log_is_the_margin_in_money(self, tmp_path):
        log = pd.DataFrame(FEW).assign(left=[10.0, 20.0, 10.0, 8.0, -3.0, 1.0, 0.0])
        found = find_margins(ledger_of(log), AS_OF, Economics(margin="left"), tmp_path)
        assert found.kind == "expression"
        assert found.overall == pytest.approx((10 + 20 + 10 + 8 + 1) / (100 + 60 + 40 + 80 + 20))

    def test_rows_whose_margin_is_not_known_are_said(self, tmp_path):
        log = pd.DataFrame(FEW).assign(left=[10.0, None, 10.0, 8.0, -3.0, 1.0, 0.0])
        found = find_margins(ledger_of(log), AS_OF, Economics(margin="left"), tmp_path)
        assert found.overall == pytest.approx(29 / 240)
        assert found.notes == ("20.0% of sales have no margin: they count as the rest does",)

    @pytest.mark.parametrize(
        ("margin", "said"),
        [
            ("Profit", ["'Profit'", "no number, no file", "amount"]),
            ("amount * ", ["amount *"]),
            ("amount * 3", ["300%", "not above its amount"]),
            ("amount * -2", ["-200%"]),
            ("category", ["no margin for any row"]),
        ],
    )
    def test_what_is_no_margin_is_refused_with_what_is_there(self, tmp_path, margin, said):
        with pytest.raises(RegularsError) as refusal:
            find_margins(ledger_of(), AS_OF, Economics(margin=margin), tmp_path)
        assert all(part in str(refusal.value) for part in ["--margin", *said]), refusal.value


@pytest.fixture(scope="module")
def registered(small_bundle):
    return Registered(small_bundle, "regulars-90d", "7", "run-of-the-test")


@pytest.mark.slow
class TestScored:
    def scores(self, ledger, registered, folder, economics):
        found = score(ledger, NIGHT, registered, Store(folder), economics)
        store = Store(folder)
        table = store.scores().to_pyarrow().to_pandas().set_index("customer_id").sort_index()
        return found, table, store

    def test_clv_is_the_customers_own_rate_times_discounted_revenue(self, sample_ledger, registered, tmp_path):
        economics = Economics(margin="amount * 0.2 + 1")
        found, plain, _ = self.scores(sample_ledger, registered, tmp_path / "plain", None)
        assert (found.margin, set(plain["clv_basis"])) == (None, {"revenue"})
        found, own, store = self.scores(sample_ledger, registered, tmp_path / "own", economics)
        rates = store.customers().to_pandas().set_index("customer_id")["margin_rate"].sort_index()
        assert set(own["clv_basis"]) == {"margin"}
        assert rates.nunique() > 100
        np.testing.assert_allclose(own["clv"], plain["clv"] * rates, rtol=1e-12)
        assert own["expected_spend"].equals(plain["expected_spend"])
        assert store.scorings()[0]["economics"]["margin"] == pytest.approx(found.margin)

    def test_a_number_of_one_is_a_margin_and_no_number_is_none(self, sample_ledger, registered, tmp_path):
        _, table, _ = self.scores(sample_ledger, registered, tmp_path / "one", Economics(margin=1.0))
        assert set(table["clv_basis"]) == {"margin"}
