"""Scoring: one score a customer, the sum pinned to the level of the day, all or nothing, whatever happens."""

import os
import signal
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from deltalake import DeltaTable
from filelock import FileLock

import serving.scoring.passes
from features.snapshot import snapshot
from models.lifetime import Economics
from models.registry import Registered
from regulars.errors import BundleError, StoreError
from serving.score import score
from serving.scoring.past_level import level_question
from serving.segments import segment_of
from serving.store import SCHEMA, Store

# The bundle of the fixture was trained as of 1998-04-01; these are nights after it.
NIGHT, NEXT_NIGHT = date(1998, 4, 20), date(1998, 4, 21)


@pytest.fixture(scope="module")
def registered(small_bundle):
    return Registered(small_bundle, "regulars-90d", "7", "run-of-the-test")


@pytest.fixture(scope="module")
def scored(sample_ledger, registered, tmp_path_factory):
    """A store with the scores of one night, and these scores."""
    store = Store(tmp_path_factory.mktemp("scored") / "store")
    score(sample_ledger, NIGHT, registered, store)
    return store, table(store, NIGHT)


def table(store: Store, as_of: date) -> pd.DataFrame:
    rows = store.scores(as_of).to_pyarrow().to_pandas(date_as_object=False)
    return rows.sort_values("customer_id").set_index("customer_id").drop(columns="scored_at")


class TestScores:
    def test_every_customer_who_bought_before_the_as_of_date_has_one(self, sample_ledger, scored):
        known = snapshot(sample_ledger, NIGHT).select("customer_id").to_pyarrow()["customer_id"].to_pylist()
        assert list(scored[1].index) == sorted(known)

    def test_the_table_is_the_public_contract(self, scored):
        names = ["customer_id", *scored[1].columns, "scored_at"]
        assert names == SCHEMA.names
        assert pa.schema(DeltaTable(scored[0].path).schema().to_arrow()).names == SCHEMA.names

    def test_spend_sums_to_the_level_of_the_day_times_what_btyd_expects(self, sample_ledger, registered, scored):
        bundle = registered.bundle
        known = sample_ledger.before(NIGHT)
        level = level_question(bundle, known.span, NIGHT).alone(known, bundle.btyd)
        features = snapshot(known, NIGHT, bundle.window_days).to_pandas()
        btyd = bundle.btyd.predict(features[["purchase_days", "recency_days", "tenure_days", "spend"]], 90)
        scores = scored[1]
        assert scores["expected_spend"].sum() == pytest.approx(level.spend * btyd["spend"].sum(), rel=1e-4)
        assert scores["expected_orders"].sum() == pytest.approx(level.orders * btyd["orders"].sum(), rel=1e-4)
        assert (1 - scores["churn_probability"]).sum() == pytest.approx(level.active * btyd["active"].sum(), rel=1e-3)

    def test_the_level_is_that_of_the_as_of_date_and_not_of_the_training(self, registered, sample_ledger):
        trained = date.fromisoformat(registered.bundle.facts["as_of"])
        days = (trained, NIGHT, NEXT_NIGHT)
        bundle, past = registered.bundle, {day: sample_ledger.before(day) for day in days}
        levels = [level_question(bundle, past[day].span, day).alone(past[day], bundle.btyd).spend for day in days]
        assert levels[0] == pytest.approx(registered.bundle.level.spend, rel=1e-12)
        assert len(set(levels)) == 3

    def test_intervals_hold_the_median_and_are_never_negative(self, scored):
        scores = scored[1]
        assert (scores["expected_spend_low"] >= 0).all()
        assert (scores["expected_spend_low"] <= scores["median_spend"]).all()
        assert (scores["median_spend"] <= scores["expected_spend_high"]).all()

    def test_probabilities_dates_and_values_are_what_they_say(self, scored):
        scores = scored[1]
        assert scores["churn_probability"].between(0, 1).all()
        ahead = (scores["next_order_date"] - pd.Timestamp(NIGHT)).dt.days
        assert ahead.dropna().between(0, 89).all()
        assert (ahead.isna() == (scores["churn_probability"] > 0.5)).mean() > 0.999
        assert (scores["clv"] > scores["expected_spend"] * 0.9).all()

    def test_over_the_horizon_alone_value_is_the_expected_spend_to_the_last_bit(
        self, sample_ledger, registered, scored, tmp_path
    ):
        store = Store(tmp_path / "store")
        score(sample_ledger, NIGHT, registered, store, Economics(discount=0.0, lifetime_days=90))
        scores = table(store, NIGHT)
        assert np.array_equal(scores["clv"], scores["expected_spend"])
        assert scores["expected_spend"].equals(scored[1]["expected_spend"])

    def test_segment_and_scores_belong_together(self, scored):
        scores = scored[1]
        expected = [
            segment_of(r, f, m).name for r, f, m in zip(scores.r_score, scores.f_score, scores.m_score, strict=True)
        ]
        assert scores["segment"].tolist() == expected
        assert set(scores["value_tier"]) == {"Top", "High", "Medium", "Low"}
        assert scores.groupby("value_tier")["clv"].min()["Top"] >= scores.groupby("value_tier")["clv"].max()["High"]

    def test_every_row_can_be_traced(self, scored, sample_ledger):
        scores = scored[1]
        for name, value in {
            "model_version": "7",
            "run_id": "run-of-the-test",
            "log_fingerprint": sample_ledger.fingerprint,
            "horizon_days": 90,
        }.items():
            assert scores[name].eq(value).all()

    def test_reasons_are_three_different_sentences_with_the_customers_own_numbers(self, scored):
        scores = scored[1]
        assert (scores["reasons"].str.len() == 3).mean() > 0.99
        assert all(len(set(reasons)) == len(reasons) for reasons in scores["reasons"])
        told = scores[scores["reasons"].str.join(" ").str.contains("last order")]
        assert len(told) > 50
        for reasons, recency in zip(told["reasons"].head(200), told["recency_days"].head(200), strict=True):
            ago = [reason for reason in reasons if reason.startswith("last order")]
            assert all(f"last order {recency:.0f} day" in reason for reason in ago)


class TestSameAgain:
    def test_scoring_again_changes_nothing_and_adds_no_row(self, sample_ledger, registered, scored):
        store, before = scored
        score(sample_ledger, NIGHT, registered, store)
        pd.testing.assert_frame_equal(table(store, NIGHT), before, check_exact=True)
        assert DeltaTable(store.path).to_pyarrow_table(columns=["customer_id"]).num_rows == len(before)

    def test_another_night_leaves_the_first_alone(self, sample_ledger, registered, scored):
        store, before = scored
        score(sample_ledger, NEXT_NIGHT, registered, store)
        pd.testing.assert_frame_equal(table(store, NIGHT), before, check_exact=True)
        assert set(table(store, NEXT_NIGHT)["as_of"]) == {pd.Timestamp(NEXT_NIGHT)}

    def test_the_size_of_batches_changes_no_bit(self, sample_ledger, registered, scored, tmp_path, monkeypatch):
        monkeypatch.setattr(serving.scoring.passes, "BATCH_ROWS", 5_003)
        store = Store(tmp_path / "store")
        score(sample_ledger, NIGHT, registered, store)
        pd.testing.assert_frame_equal(table(store, NIGHT), scored[1], check_exact=True)

    def test_what_comes_after_the_as_of_date_changes_no_bit(self, sample_ledger, registered, scored, tmp_path):
        store = Store(tmp_path / "store")
        score(sample_ledger.before(NEXT_NIGHT), NIGHT, registered, store)
        pd.testing.assert_frame_equal(table(store, NIGHT), scored[1], check_exact=True)

    def test_progress_counts_every_customer_twice(self, sample_ledger, registered, tmp_path):
        counted = []
        found = score(sample_ledger, NIGHT, registered, Store(tmp_path / "store"), progress=counted.append)
        assert sum(counted) == 2 * found.customers

    def test_margin_discount_and_lifetime_move_the_value_as_they_should(
        self, sample_ledger, registered, scored, tmp_path
    ):
        store = Store(tmp_path / "store")
        score(sample_ledger, NIGHT, registered, store, Economics(margin=0.4))
        np.testing.assert_allclose(table(store, NIGHT)["clv"], scored[1]["clv"] * 0.4, rtol=1e-12)


class TestTrouble:
    def test_an_as_of_date_before_the_training_is_refused(self, sample_ledger, registered, tmp_path):
        with pytest.raises(BundleError, match="trained as of 1998-04-01"):
            score(sample_ledger, date(1997, 12, 1), registered, Store(tmp_path / "store"))

    def test_two_jobs_at_once_are_told_apart_and_the_second_changes_nothing(self, sample_ledger, registered, scored):
        store, before = scored
        with FileLock(store.folder / ".lock"), pytest.raises(StoreError, match="another job is writing"):
            score(sample_ledger, NIGHT, registered, store)
        pd.testing.assert_frame_equal(table(store, NIGHT), before, check_exact=True)

    def test_a_failure_in_the_middle_of_writing_leaves_the_old_scores(self, scored):
        store, before = scored

        def half():
            yield pa.RecordBatch.from_pydict({name: [] for name in SCHEMA.names}, schema=SCHEMA)
            raise MemoryError

        with pytest.raises(Exception, match=r".*"):
            store.write(half(), NIGHT, 90)
        pd.testing.assert_frame_equal(table(store, NIGHT), before, check_exact=True)

    def test_a_store_where_nothing_is_says_what_to_do(self, tmp_path):
        with pytest.raises(StoreError, match="regulars score"):
            Store(tmp_path / "nowhere").scores()

    def test_a_date_that_was_not_scored_is_answered_with_those_that_were(self, scored):
        with pytest.raises(StoreError, match=r"1998-04-20 for 90 days"):
            scored[0].scores(date(2000, 1, 1))


@pytest.mark.slow
class TestKilled:
    def test_kill_9_in_the_middle_leaves_the_old_scores_and_running_again_completes(
        self, sample_ledger, registered, tmp_path
    ):
        store = Store(tmp_path / "store")
        score(sample_ledger, NIGHT, registered, store)
        before = table(store, NIGHT)
        for moment in ("allocating", "writing"):
            job = subprocess.Popen([sys.executable, "-c", JOB, str(tmp_path), moment], cwd=Path(__file__).parents[1])
            reached = tmp_path / moment
            deadline = time.monotonic() + 120
            while not reached.exists() and job.poll() is None and time.monotonic() < deadline:
                time.sleep(0.05)
            assert reached.exists(), f"the job never came to {moment}"
            os.kill(job.pid, signal.SIGKILL)
            job.wait()
            pd.testing.assert_frame_equal(table(store, NIGHT), before, check_exact=True)
        score(sample_ledger, NIGHT, registered, store, Economics(margin=0.5))
        np.testing.assert_allclose(table(store, NIGHT)["clv"], before["clv"] * 0.5, rtol=1e-12)


JOB = """
# Writes half of the batches of the same night, with other values, and then waits to be killed.
import sys, time
from datetime import date
from pathlib import Path
import pyarrow as pa
from serving.store import SCHEMA, Store
folder, moment = Path(sys.argv[1]), sys.argv[2]
rows = Store(folder / "store").scores(date(1998, 4, 20)).to_pyarrow().cast(SCHEMA)
rows = rows.set_column(rows.schema.get_field_index("clv"), "clv", pa.array([0.0] * rows.num_rows))
def batches():
    if moment == "allocating":
        (folder / moment).touch()
        time.sleep(600)
    for i, batch in enumerate(rows.to_batches(max_chunksize=500)):
        if i == 3:
            (folder / moment).touch()
            time.sleep(600)
        yield batch
Store(folder / "store").write(batches(), date(1998, 4, 20), 90)
"""
