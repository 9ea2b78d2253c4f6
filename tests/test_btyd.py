"""The whole buy-till-you-die model on the bundled CDNOW log, and the published numbers of its parts."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from models.btyd import BTYD
from models.dropout import BGNBD, MBGNBD
from models.gamma_gamma import GammaGamma

CDNOW = Path(__file__).parents[1] / "regulars" / "data" / "cdnow.parquet"
LAST_DAY = pd.Timestamp("1997-09-30")
SAME_DAYS = ["purchase_days", "recency_days", "tenure_days"]


@pytest.fixture(scope="module")
def days():
    """Purchase days of the published sample in weeks 1 to 39."""
    log = pd.read_parquet(CDNOW).query("sample").assign(date=lambda rows: pd.to_datetime(rows["date"]))
    days = log[log["date"] <= LAST_DAY].groupby(["customer_id", "date"], as_index=False)["amount"].sum()
    return days.assign(first=days.groupby("customer_id")["date"].transform("min"))


@pytest.fixture(scope="module")
def customers(days):
    """One row a customer, as `BTYD` reads it."""
    rows = days.groupby("customer_id").agg(
        first=("date", "min"), last=("date", "max"), purchase_days=("date", "size"), spend=("amount", "sum")
    )
    return rows.assign(recency_days=(LAST_DAY - rows["last"]).dt.days, tenure_days=(LAST_DAY - rows["first"]).dt.days)


@pytest.fixture(scope="module")
def history(customers):
    """x, t_x and T of the published sample."""
    tenure, recency = customers["tenure_days"], customers["recency_days"]
    return np.array(customers["purchase_days"] - 1.0), np.array((tenure - recency) / 7), np.array(tenure / 7)


@pytest.fixture(scope="module")
def btyd(customers):
    return BTYD().fit(customers)


def test_the_bundled_log_is_the_cdnow_master_with_its_sample():
    log = pd.read_parquet(CDNOW)
    assert list(log.columns) == ["customer_id", "date", "quantity", "amount", "sample"]
    assert (len(log), log["customer_id"].nunique(), (log["amount"] == 0).sum()) == (69_659, 23_570, 80)
    assert log.loc[log["sample"], "customer_id"].nunique() == 2_357
    assert log[["customer_id", "date"]].equals(log[["customer_id", "date"]].sort_values(["customer_id", "date"]))
    assert set(log["customer_id"].str.len()) == {5}


def test_bg_nbd_on_cdnow_gives_the_numbers_of_fader_hardie_and_lee_2005(history):
    model = BGNBD(penalty=0).fit(*history)
    assert history[2].max() == pytest.approx(38.86, abs=0.005)
    assert (model.r_, model.alpha_, model.a_, model.b_) == pytest.approx((0.243, 4.414, 0.793, 2.426), abs=5e-4)
    assert model.log_likelihood_ == pytest.approx(-9582.4, abs=0.05)
    assert model.expected_purchases(39, [2], [30.43], [38.86]) == pytest.approx([1.226], abs=5e-4)


def test_mbg_nbd_on_cdnow_gives_the_numbers_of_batislam_and_others_2007(history):
    model = MBGNBD(penalty=0).fit(*history)
    assert (model.r_, model.alpha_, model.a_, model.b_) == pytest.approx((0.525, 6.183, 0.891, 1.614), abs=1e-3)
    assert model.log_likelihood_ == pytest.approx(-9582.1, abs=0.05)


def test_gamma_gamma_on_cdnow_repeat_days_gives_the_numbers_of_fader_and_hardie_2013(days):
    repeats = days[days["date"] > days["first"]].groupby("customer_id")["amount"].agg(["size", "mean"])
    model = GammaGamma(penalty=0, least_days=1).fit(repeats["size"], repeats["mean"])
    assert len(repeats) == 946
    assert (model.p_, model.q_, model.gamma_) == pytest.approx((6.25, 3.74, 15.44), abs=0.01)


def test_predictions_are_a_table_over_the_same_customers(btyd, customers):
    table = btyd.predict(customers, 91)
    history = ((customers["tenure_days"] - customers["recency_days"]) / 7, customers["tenure_days"] / 7)
    expected = btyd.dropout_.expected_purchases(13, customers["purchase_days"] - 1, *history)
    assert list(table.columns) == ["alive", "active", "orders", "order_value", "spend"]
    assert table.index.equals(customers.index)
    assert table["orders"].to_numpy() == pytest.approx(expected)
    assert table["spend"].to_numpy() == pytest.approx((table["orders"] * table["order_value"]).to_numpy())
    mean = customers["spend"] / customers["purchase_days"]
    prior = btyd.order_value_.expected_value([0], [0])[0]
    assert table["order_value"].between(np.minimum(mean, prior) - 1e-9, np.maximum(mean, prior) + 1e-9).all()
    assert btyd.predict(customers[:0], 91).empty


@pytest.mark.parametrize("horizon", [1, 91, 730])
def test_totals_over_groups_equal_the_sums_over_customers(btyd, customers, horizon):
    someone = customers.assign(spend=customers["spend"].where(np.arange(len(customers)) % 7 > 0, -5))
    positive = someone.assign(spend=someone["spend"].clip(lower=0))
    groups = positive.groupby(SAME_DAYS, as_index=False).agg(customers=("spend", "size"), spend=("spend", "sum"))
    sums = btyd.predict(someone, horizon)[["spend", "orders", "active"]].sum().to_dict()
    assert len(groups) < len(customers) / 2
    assert btyd.totals(groups, horizon) == pytest.approx(sums, rel=1e-9)
    assert btyd.totals(someone, horizon) == pytest.approx(sums, rel=1e-9)


def test_a_fit_to_groups_with_their_spenders_equals_the_fit_to_customers(btyd, customers):
    groups = customers.groupby(SAME_DAYS, as_index=False).agg(customers=("spend", "size"), spend=("spend", "sum"))
    assert BTYD().fit(groups, customers[["purchase_days", "spend"]]).to_dict() == btyd.to_dict()


def test_a_row_that_stands_for_equal_customers_weighs_as_many(customers):
    times = np.arange(len(customers)) % 3 + 1
    grouped = customers.assign(customers=times, spend=customers["spend"] * times)
    repeated = customers.loc[customers.index.repeat(times)]
    fitted, single = BTYD().fit(grouped).to_dict(), BTYD().fit(repeated).to_dict()
    assert fitted["dropout_"] == single["dropout_"]
    assert fitted["order_value_"] == pytest.approx(single["order_value_"], rel=1e-5)
    assert fitted["order_value_"] != pytest.approx(BTYD().fit(customers).to_dict()["order_value_"], rel=1e-5)


@pytest.mark.parametrize("dropout", ["mbg", "bg"])
def test_a_fitted_model_survives_json_to_the_last_bit(customers, dropout):
    fitted = BTYD(dropout).fit(customers)
    again = BTYD.from_dict(json.loads(json.dumps(fitted.to_dict(), allow_nan=False)))
    assert again.to_dict() == fitted.to_dict()
    assert again.predict(customers, 90).equals(fitted.predict(customers, 90))
    assert type(again.dropout_) is {"mbg": MBGNBD, "bg": BGNBD}[dropout]


def test_wrong_use_says_what_is_wrong(btyd, customers):
    with pytest.raises(ValueError, match=r"\['tenure_days'\] missing from"):
        btyd.predict(customers.drop(columns="tenure_days"), 90)
    with pytest.raises(ValueError, match=r"purchase_days must be at least 1, found 0\.0"):
        btyd.predict(customers.assign(purchase_days=0), 90)
    with pytest.raises(ValueError, match="found 'pareto'"):
        BTYD("pareto").fit(customers)
    with pytest.raises(NotFittedError):
        clone(btyd).predict(customers, 90)
