"""Scoring and training on Spark: DuckDB's scores, from executors that may die; one commit, or none."""

import os
import signal
import sys
from datetime import date
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from deltalake import DeltaTable

import serving.store
from features.ledger import build_ledger
from features.log import Log
from models.bundle_files import bundle_of, bundle_texts
from models.lifetime import Economics
from models.pin import Totals
from models.registry import Registered
from serving.score import score
from serving.scoring import spark_passes
from serving.scoring.partitions import Allocate, Finish
from serving.storage.score_files import commit_files, write_file
from serving.store import Store
from training.fit import Fitting, fit_bundle

AS_OF = date(1998, 4, 1)
NIGHT, NEXT_NIGHT = date(1998, 4, 20), date(1998, 4, 21)
RATES = Economics(margin="amount * 0.3 + 1", acquisition_cost=5.0)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def registered(small_bundle):
    return Registered(small_bundle, "regulars-90d", "7", "run-of-the-test")


@pytest.fixture(scope="module")
def spark_ledger(cdnow_sample, spark):
    return build_ledger(Log(cdnow_sample), engine=spark)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("stores")


@pytest.fixture(scope="module")
def ours(sample_ledger, registered, folder):
    """A store that this machine filled, customers with margins of their own."""
    return Store(folder / "ours"), score(sample_ledger, NIGHT, registered, Store(folder / "ours"), RATES)


def table(store, as_of=None):
    rows = store.scores(as_of).to_pyarrow().to_pandas(date_as_object=False)
    return rows.sort_values("customer_id").set_index("customer_id").drop(columns="scored_at")


def files_of(store):
    """Return the files that lie in the folder of the scores, and those that count."""
    lying = {path.name for path in Path(store.path).rglob("*.parquet")}
    return lying, {Path(uri).name for uri in DeltaTable(store.path).file_uris()}


class Mortal:
    """What an executor does with a partition, but the first to finish one dies of it, its process killed."""

    def __init__(self, work, marker):
        self.work, self.marker = work, marker

    def __call__(self, batches):
        found = list(self.work(batches))
        try:
            os.close(os.open(self.marker, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            yield from found
            return
        # A worker's parent is the daemon that forks workers, whose parent is the executor.
        daemon = Path(f"/proc/{os.getppid()}/stat").read_text().rpartition(")")[2].split()
        os.kill(int(daemon[1]), signal.SIGKILL)
        yield from found


@pytest.fixture(scope="module")
def deaths(tmp_path_factory):
    """Where executors leave word: one dies in the first pass, after it allocated, one in the second, after it wrote."""
    from pyspark import cloudpickle

    module, place = sys.modules[__name__], tmp_path_factory.mktemp("deaths")
    # Executors cannot import this file.
    cloudpickle.register_pickle_by_value(module)
    with pytest.MonkeyPatch.context() as patch:
        for work in (Allocate, Finish):
            patch.setattr(spark_passes, work.__name__, partial(_mortal, work, place))
        yield place
    cloudpickle.unregister_pickle_by_value(module)


def _mortal(work, place, *given):
    return Mortal(work(*given), str(place / work.__name__))


@pytest.fixture(scope="module")
def theirs(spark_ledger, registered, folder, deaths):
    """A store that executors filled of which two died, and what was said of it."""
    return Store(folder / "theirs"), score(spark_ledger, NIGHT, registered, Store(folder / "theirs"), RATES)


def test_an_executor_died_in_either_pass(theirs, deaths):
    assert sorted(path.name for path in deaths.iterdir()) == ["Allocate", "Finish"]


def test_the_scores_are_those_of_one_machine(ours, theirs):
    expected, found = table(ours[0]), table(theirs[0])
    numbers = [name for name in expected if expected[name].dtype == "float64"]
    pd.testing.assert_frame_equal(found.drop(columns=numbers), expected.drop(columns=numbers))
    pd.testing.assert_frame_equal(found[numbers], expected[numbers], rtol=1e-9, atol=0)
    assert theirs[1].customers == ours[1].customers
    assert theirs[1].revenue == pytest.approx(ours[1].revenue, rel=1e-9)


def test_there_is_one_version_and_nothing_lies_about(theirs):
    store, _ = theirs
    assert store.version == 1
    lying, counted = files_of(store)
    assert lying == counted
    assert not list(store.folder.glob("scoring-*"))


def test_the_rest_of_the_store_is_the_same(ours, theirs):
    for name in ("ledger", "customers"):
        expected, found = (getattr(store, name)().to_pandas() for store in (ours[0], theirs[0]))
        keys = [key for key in ("customer_id", "day") if key in expected]
        expected, found = (rows.sort_values(keys, ignore_index=True) for rows in (expected, found))
        pd.testing.assert_frame_equal(found, expected, rtol=1e-9)
    expected, found = (store.newest_tables()["ledger"]["months"] for store in (ours[0], theirs[0]))
    assert found == expected


def test_a_bundle_trained_on_spark_is_the_same(spark_ledger, small_fitted):
    found = fit_bundle(spark_ledger, AS_OF, 90, Fitting(rows=2_000)).bundle
    assert bundle_texts(found) == bundle_texts(small_fitted.bundle)


class TestPieces:
    """What travels and what is committed, without a cluster."""

    def test_a_bundle_predicts_the_same_after_its_texts_travelled(self, small_bundle, small_snapshot):
        again = bundle_of(bundle_texts(small_bundle))
        pd.testing.assert_frame_equal(again.allocate(small_snapshot), small_bundle.allocate(small_snapshot))

    def test_totals_of_parts_merge_to_those_of_the_whole(self, small_bundle, small_snapshot):
        allocation = small_bundle.allocate(small_snapshot)
        whole, merged = Totals(), Totals()
        whole.add(allocation)
        for rows in np.array_split(np.arange(len(allocation)), 3):
            part = Totals()
            part.add(allocation.iloc[rows])
            merged.merge(part.counts())
        assert {**merged.counts(), "logits": merged.counts()["logits"].tolist()} == {
            **whole.counts(),
            "logits": whole.counts()["logits"].tolist(),
        }

    def test_a_job_that_ends_before_the_commit_leaves_the_old_scores(self, ours, monkeypatch):
        store, before = ours[0], (ours[0].version, table(ours[0]), ours[0].record(NIGHT, 90))
        batches = store.scores().to_pyarrow().to_batches()

        def killed(*_):
            raise SystemExit

        monkeypatch.setattr(serving.store, "commit_files", killed)
        with pytest.raises(SystemExit):
            store.adopt(
                lambda: [write_file(Path(store.path), "part-", NIGHT, 90, iter(batches))],
                NIGHT,
                90,
                lambda: {"as_of": NIGHT, "horizon_days": 90, "scored_at": "2026-01-01T00:00:00+00:00"},
            )
        lying, counted = files_of(store)
        assert len(lying) == len(counted) + 1
        assert store.version == before[0]
        pd.testing.assert_frame_equal(table(store), before[1])
        assert store.record(NIGHT, 90) == before[2]

    def test_files_replace_their_date_and_horizon_and_a_file_without_a_commit_does_not_count(self, ours, tmp_path):
        path, scores = tmp_path / "scores", ours[0].scores()
        batches = scores.to_pyarrow().to_batches()
        for as_of in (NIGHT, NEXT_NIGHT, NIGHT):
            written = write_file(path, "part-", as_of, 90, iter(batches))
            commit_files(path, [written], as_of, 90)
        write_file(path, "part-", NIGHT, 90, iter(batches))
        store = Store(tmp_path)
        assert store.version == 3
        assert store.held() == [(NIGHT, 90), (NEXT_NIGHT, 90)]
        assert store.scores(NIGHT).count().to_pyarrow().as_py() == len(table(ours[0]))
