"""Reading the store for many at once: the same numbers as the store gives, in every thread, while jobs score again."""

import gc
import shutil
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest
from deltalake import DeltaTable

from benchmarks.made_up_store import AS_OF, HORIZON_DAYS, make_store
from regulars.errors import StoreError
from serving.economics import customer_values
from serving.listing.definition import Definition
from serving.listing.saved_lists import list_rows
from serving.plays import PLAYS
from serving.storage.score_table import SCHEMA
from serving.store import Store
from serving.web.held import NotHeldError, dated
from serving.web.reader import Reader
from serving.web.versions import Versions

CUSTOMERS = 300


@pytest.fixture
def store(tmp_path):
    return make_store(tmp_path / "store", CUSTOMERS)


@pytest.fixture(scope="module")
def unchanged(tmp_path_factory):
    """A store that nobody scores into again, and who reads it for many."""
    made = make_store(tmp_path_factory.mktemp("unchanged") / "store", CUSTOMERS)
    return made, Reader(made)


def score_again(store: Store, more: float) -> None:
    scores = Store(store.folder).scores()
    store.write(scores.mutate(clv=scores.clv + more).to_pyarrow().cast(SCHEMA).to_batches(), AS_OF, HORIZON_DAYS)


def total(reader: Reader) -> float:
    return float(reader.values().clv.sum().to_pyarrow().as_py())


def test_values_are_those_of_the_store(unchanged):
    store, reader = unchanged
    known = customer_values(store).order_by("customer_id").to_pyarrow()
    found = reader.values().order_by("customer_id").to_pyarrow().select(known.column_names)
    assert found.equals(known)


@pytest.mark.parametrize("play", [play.slug for play in PLAYS])
def test_plays_are_those_of_the_store(unchanged, play):
    store, reader = unchanged
    known = list_rows(store, Definition(play=play)).to_pyarrow()
    assert list_rows(reader.here(), Definition(play=play)).to_pyarrow().select(known.column_names).equals(known)


def test_every_thread_gets_its_own_answer(store):
    reader = Reader(store)
    names = reader.values().select("customer_id").to_pyarrow()["customer_id"].to_pylist()

    def ask(name: str) -> bool:
        values = reader.values()
        return values.filter(values.customer_id == name).to_pyarrow()["customer_id"].to_pylist() == [name]

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(ask, names))


def test_a_result_that_is_read_slowly_is_not_cut_short(store):
    reader = Reader(store)
    slow = iter(list_rows(reader.here().apart(), Definition()).to_pyarrow_batches(chunk_size=50))
    rows = next(slow).num_rows
    for _ in range(5):
        total(reader)
    assert rows + sum(batch.num_rows for batch in slow) == CUSTOMERS


def test_a_scoring_is_seen_once_it_is_loaded_and_never_a_mixture(store):
    reader = Reader(store)
    before = total(reader)
    seen, ended = set(), threading.Event()

    def watch() -> None:
        while not ended.is_set():
            seen.add(round(total(reader) - before, 3))

    watchers = [threading.Thread(target=watch) for _ in range(3)]
    for watcher in watchers:
        watcher.start()
    score_again(store, 1.0)
    reader.settle()
    time.sleep(0.2)
    ended.set()
    for watcher in watchers:
        watcher.join()
    assert seen <= {0.0, float(CUSTOMERS)}
    assert total(reader) == pytest.approx(before + CUSTOMERS)


def test_an_edition_goes_when_nobody_reads_it(store):
    reader = Reader(store)
    total(reader)
    old = weakref.ref(reader._newest)
    score_again(store, 1.0)
    reader.settle()
    total(reader)
    gc.collect()
    assert old() is None


def test_a_store_that_breaks_is_answered_from_what_was_read_before(store, caplog):
    reader = Reader(store)
    before = total(reader)
    score_again(store, 1.0)
    for part in (store.folder / "scores").rglob("*.parquet"):
        part.write_bytes(b"no parquet")
    reader.settle()
    assert total(reader) == before
    assert "cannot be loaded" in caplog.text


def test_a_store_that_is_not_there_is_read_as_soon_as_it_is(tmp_path):
    reader = Reader(Store(tmp_path / "store"))
    with pytest.raises(StoreError):
        reader.values()
    make_store(tmp_path / "store", 20)
    assert reader.values().count().to_pyarrow().as_py() == 20


def numbers(versions: Versions) -> str:
    """Return the versions alone, without the moments of their commits."""
    return ".".join(text if text.startswith("-") else text.partition("-")[0] for text in versions.now().split("."))


class TestVersions:
    def test_they_are_those_of_delta(self, store):
        versions = Versions(store.folder)
        assert numbers(versions) == "1.0.0"
        for more in range(3):
            score_again(store, 1.0)
            assert numbers(versions) == f"{DeltaTable(store.path).version()}.0.0" == f"{more + 2}.0.0"

    def test_a_store_that_was_made_anew_is_noticed(self, store):
        versions = Versions(store.folder)
        before = versions.now()
        shutil.rmtree(store.folder)
        assert numbers(versions) == "-1.-1.-1"
        assert not versions.are_there()
        make_store(store.folder, 20)
        assert numbers(versions) == "1.0.0"
        assert versions.now() != before

    def test_commits_that_were_cleaned_away_do_not_matter(self, store):
        versions = Versions(store.folder)
        for _ in range(3):
            score_again(store, 1.0)
        table = DeltaTable(store.path)
        table.create_checkpoint()
        for old in range(3):
            (store.folder / "scores" / "_delta_log" / f"{old:020}.json").unlink()
        assert Versions(store.folder).now() == versions.now()
        assert numbers(versions) == f"{table.version()}.0.0"


class TestDates:
    HELD = ((date(2026, 1, 1), 30), (date(2026, 1, 1), 90), (date(2026, 2, 1), 90), (date(2026, 2, 1), 365))

    def test_the_newest_and_of_several_horizons_the_shortest(self):
        assert dated(self.HELD) == (date(2026, 2, 1), 90)
        assert dated(self.HELD, date(2026, 1, 1)) == (date(2026, 1, 1), 30)
        assert dated(self.HELD, None, 30) == (date(2026, 1, 1), 30)
        assert dated(self.HELD, None, 365) == (date(2026, 2, 1), 365)

    def test_what_is_not_held(self):
        with pytest.raises(NotHeldError, match="2026-02-01 for 365 days"):
            dated(self.HELD, date(2026, 2, 1), 30)
        with pytest.raises(NotHeldError, match="none yet"):
            dated(())
