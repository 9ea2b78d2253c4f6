"""The lifetime benchmark: its curves are what they are called, judged by what customers really brought."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from benchmarks.accuracy.judgement import decile_error
from benchmarks.lifetime import Case, curves, judged, summed_up
from training.metrics import normalised_gini

REGULARS = "Regulars: own spend fades, long run"


@pytest.fixture(scope="module")
def case(sample_ledger):
    return Case("a tenth of CDNOW", sample_ledger, date(1997, 10, 1), 270)


@pytest.fixture(scope="module")
def found(case):
    return pd.DataFrame(curves(case, 1_000)).droplevel("as_of")


@pytest.fixture(scope="module")
def brought(cdnow_sample, found):
    day = pd.to_datetime(cdnow_sample["timestamp"])
    ahead = cdnow_sample[(day >= "1997-10-01") & (day < pd.Timestamp("1997-10-01") + pd.Timedelta(days=270))]
    return ahead.groupby("customer_id")["amount"].sum().reindex(found.index, fill_value=0.0).clip(lower=0).to_numpy()


@pytest.mark.slow
def test_every_customer_of_the_as_of_date_has_a_value_on_every_curve(found, cdnow_sample):
    bought = cdnow_sample[(pd.to_datetime(cdnow_sample["timestamp"]) < "1997-10-01") & (cdnow_sample["amount"] > 0)]
    assert set(found.index) == set(bought["customer_id"])
    assert (found > 0).all(axis=None)


@pytest.mark.slow
def test_without_a_past_year_the_long_run_and_the_horizons_level_say_nothing(found):
    own = found["own spend never fades, no long run"]
    assert found["own spend never fades, long run"].equals(own)
    assert found["the horizon's level carried on"].to_numpy() == pytest.approx(own.to_numpy())
    assert found[REGULARS].equals(found["own spend fades, no long run"])


@pytest.mark.slow
def test_own_spend_that_fades_lies_between_own_spend_and_btyd(found):
    low = found[["own spend never fades, no long run", "BTYD alone"]].min(axis=1)
    high = found[["own spend never fades, no long run", "BTYD alone"]].max(axis=1)
    assert found[REGULARS].between(low * (1 - 1e-9), high * (1 + 1e-9)).all()


@pytest.mark.slow
def test_figures_are_those_of_what_customers_brought_and_logs_count_alike_in_the_mean(case, found, brought):
    table = judged(case, 1_000)
    row, expected = table.loc["a tenth of CDNOW", REGULARS], found[REGULARS].to_numpy()
    assert row["total"] == pytest.approx(expected.sum() / brought.sum())
    assert row["gini"] == pytest.approx(normalised_gini(brought, expected))
    assert row["decile_error"] == pytest.approx(decile_error(brought, expected))
    other = table.assign(total=table["total"] ** -3).rename({"a tenth of CDNOW": "another"}, level="log")
    mean = summed_up(pd.concat([table, other])).loc["mean", REGULARS]
    assert mean["total"] == pytest.approx(np.exp(2 * abs(np.log(row["total"]))))
    assert mean["gini"] == pytest.approx(row["gini"])
