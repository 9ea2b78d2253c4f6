"""Spark's numbers are DuckDB's: ledgers, snapshots, outcomes and models, in a cluster of two executors."""

import os
from datetime import date
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
from random_logs import TODAY, crowded_log

from benchmarks.generator import write_log
from benchmarks.population import Shape
from features.catalogue import catalogue
from features.fingerprint import month_fingerprints
from features.gaps import gap_counts
from features.ledger import build_ledger
from features.log import Columns, Log
from features.outcome import customer_groups, outcomes, spenders
from features.snapshot import frames, sampled, snapshot

RETAIL = Path(
    os.environ.get("REGULARS_ONLINE_RETAIL", Path(__file__).parents[2] / "shared" / "data" / "online_retail_II.parquet")
)
RETAIL_COLUMNS = Columns("Customer ID", "InvoiceDate", "Quantity * Price", "Invoice", "StockCode", quantity="Quantity")
RETAIL_CUSTOMERS = 600

pytestmark = pytest.mark.slow


def both(log, spark):
    """Return the ledgers of one log from either engine."""
    return build_ledger(log, threads=1), build_ledger(log, engine=spark)


def retail_log(folder):
    """Return a log of every tenth customer of Online Retail II, as its publisher gives it."""
    rows = pd.read_parquet(RETAIL)
    chosen = sorted(rows["Customer ID"].dropna().unique())[:: len(rows["Customer ID"].unique()) // RETAIL_CUSTOMERS]
    rows[rows["Customer ID"].isin(chosen)].to_parquet(folder / "retail.parquet")
    return Log(folder / "retail.parquet", RETAIL_COLUMNS)


def made_up_log(folder):
    """Return a log of the benchmarks' generator: heavy tails, seasons, refunds, orders, products."""
    write_log(Shape(customers=1_500, purchases=12_000, orders=True, products=True), folder / "made_up.parquet")
    return Log(folder / "made_up.parquet")


@pytest.fixture(scope="module", params=["Online Retail II", "made up"])
def ledgers(request, spark, tmp_path_factory):
    if request.param == "made up":
        return both(made_up_log(tmp_path_factory.mktemp("made-up")), spark)
    if not RETAIL.exists():
        pytest.skip("online_retail_II.parquet is neither beside the project nor named in REGULARS_ONLINE_RETAIL")
    return both(retail_log(tmp_path_factory.mktemp("retail")), spark)


def newest(ledger):
    """Return an as-of date whose outcome of 90 days the log covers."""
    return date.fromordinal(ledger.span.end.toordinal() - 90)


def assert_same(ours, theirs, keys=()):
    """Assert that two queries give the same rows: counts, dates and texts exactly, other numbers to 1e-9."""
    expected, found = (query.to_pandas() for query in (ours, theirs))
    if keys:
        expected, found = (rows.sort_values([*keys], ignore_index=True) for rows in (expected, found))
    assert len(expected)
    exact = [name for name in expected if not pd.api.types.is_float_dtype(expected[name])]
    pd.testing.assert_frame_equal(found[exact], expected[exact])
    pd.testing.assert_frame_equal(found, expected, rtol=1e-9, atol=0)
    return expected, found


class TestOneLog:
    def test_the_ledger_holds_the_same(self, ledgers):
        ours, theirs = ledgers
        assert theirs.fingerprint == ours.fingerprint
        assert theirs.quality == ours.quality
        assert theirs.span == ours.span
        assert month_fingerprints(theirs.days) == month_fingerprints(ours.days)

    def test_every_feature_is_the_same_and_every_count_exactly(self, ledgers):
        expected, found = assert_same(*(snapshot(x, newest(x), 90) for x in ledgers), ["customer_id"])
        units = catalogue(ledgers[0])["unit"]
        counts = [
            name for name in units.index[units.isin(["count", "days"])] if "decay" not in name and "_sd" not in name
        ]
        pd.testing.assert_frame_equal(found[counts], expected[counts], check_exact=True)

    def test_outcomes_and_what_levels_are_made_of_are_the_same(self, ledgers):
        day = newest(ledgers[0])
        assert_same(*(outcomes(x, day, 90) for x in ledgers), ["customer_id"])
        assert_same(*(customer_groups(x, [day, x.span.end], 90) for x in ledgers))
        assert_same(*(spenders(x, day) for x in ledgers))
        assert_same(*(gap_counts(x, day) for x in ledgers))


@pytest.fixture(scope="module")
def odd_ledgers(spark):
    """Ledgers of ids that look alike, text of all kinds, refunds, nothing bought, rows that cannot be used."""
    rows = crowded_log(3, customers=40)
    rows.loc[5, "customer_id"] = None
    rows.loc[7, "timestamp"] = pd.Timestamp("2031-01-01")
    rows.loc[9, "amount"] = float("inf")
    return both(Log(pa.Table.from_pandas(rows, preserve_index=False), today=TODAY), spark)


class TestOddRows:
    def test_the_ledger_holds_the_same(self, odd_ledgers):
        assert odd_ledgers[1].fingerprint == odd_ledgers[0].fingerprint
        assert odd_ledgers[1].quality == odd_ledgers[0].quality
        assert odd_ledgers[0].quality.bad_rows == 3

    def test_what_cannot_be_used_is_the_same(self, odd_ledgers):
        assert_same(*(ledger.unusable for ledger in odd_ledgers), ["problem"])

    def test_several_snapshots_and_samples_are_the_same(self, odd_ledgers):
        dates = [date(2022, 1, 1), date(2024, 2, 29)]
        assert_same(*(sampled(x, dates, 20) for x in odd_ledgers), ["as_of", "customer_id"])
        assert_same(*(snapshot(x, dates, 60) for x in odd_ledgers), ["as_of", "customer_id"])

    def test_a_snapshot_streams_in_order(self, odd_ledgers):
        expected, found = (list(frames(snapshot(x, date(2024, 1, 1)), rows=10)) for x in odd_ledgers)
        assert max(map(len, found)) <= 10
        pd.testing.assert_frame_equal(pd.concat(found), pd.concat(expected), rtol=1e-9)
