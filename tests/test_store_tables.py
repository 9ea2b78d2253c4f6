"""The tables beside the scores: what the newest scoring knew, written once, and readable whatever happens between."""

import os
import signal
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake
from valued_store import AS_OF, FEW, HORIZON, SCORED, ledger_of, valued_store

from models.lifetime import Economics
from regulars.errors import StoreError
from serving.economics import by_group, customer_values
from serving.storage.ledger_table import write_ledger
from serving.storage.score_table import PARTITIONS
from serving.store import SCHEMA, Store
from serving.valuation.textbook import textbook

OLD = pa.schema([field for field in SCHEMA if field.name != "clv_basis"])
EARLY = date(2024, 3, 1)


def rows(table):
    return table.to_pyarrow().to_pandas()


def valued(store):
    return rows(customer_values(store)).sort_values("customer_id", ignore_index=True)


def ledger_rows(store):
    return rows(store.ledger()).sort_values(["customer_id", "day"]).reset_index(drop=True)


class TestLedger:
    def test_it_holds_the_days_before_the_as_of_date_and_no_other(self, tmp_path):
        found = ledger_rows(valued_store(tmp_path))
        assert found["day"].max() < AS_OF
        assert set(found["customer_id"]) == {"ann", "ben", "cyd"}
        assert found.query("customer_id == 'ben'")["net"].tolist() == [800_000, -300_000]

    def test_it_has_the_columns_of_the_ledger_and_the_month(self, tmp_path):
        ledger = ledger_of()
        store = valued_store(tmp_path, ledger)
        assert set(store.ledger().columns) == {*ledger.days.columns, "month"} - {"next_purchase"}
        assert sorted(set(ledger_rows(store)["month"])) == ["2024-01", "2024-02", "2024-03", "2024-06"]

    def test_the_same_content_is_not_written_again(self, tmp_path):
        ledger, path = ledger_of().before(AS_OF), tmp_path / "ledger"
        first = write_ledger(path, ledger, None)
        again = write_ledger(path, ledger_of(pd.DataFrame(FEW).sample(frac=1, random_state=2)).before(AS_OF), first)
        assert again == first
        assert DeltaTable(str(path)).version() == first["version"]

    def test_another_night_rewrites_only_the_months_from_the_first_that_differs(self, tmp_path):
        path, few = tmp_path / "ledger", pd.DataFrame(FEW)
        first = write_ledger(path, ledger_of(few).before(AS_OF), None)
        before = set(DeltaTable(str(path)).file_uris())
        more = pd.concat([few, few.tail(1).assign(timestamp="2024-06-20", customer_id="eve")])
        second = write_ledger(path, ledger_of(more).before(AS_OF), first)
        kept = before & set(DeltaTable(str(path)).file_uris())
        assert sorted(Path(file).parent.name for file in kept) == ["month=2024-01", "month=2024-02", "month=2024-03"]
        table = DeltaTable(str(path)).to_pyarrow_table()
        assert table.num_rows == 7
        assert second["version"] == first["version"] + 1

    def test_a_month_that_is_gone_from_the_log_is_gone_from_the_table(self, tmp_path):
        path, few = tmp_path / "ledger", pd.DataFrame(FEW)
        first = write_ledger(path, ledger_of(few).before(AS_OF), None)
        write_ledger(path, ledger_of(few[few.timestamp < "2024-06-01"]).before(date(2024, 3, 11)), first)
        months = DeltaTable(str(path)).to_pyarrow_table()["month"].to_pylist()
        assert set(months) == {"2024-01", "2024-02", "2024-03"}

    def test_after_a_job_that_was_killed_all_of_it_is_written(self, tmp_path):
        path, ledger = tmp_path / "ledger", ledger_of().before(AS_OF)
        first = write_ledger(path, ledger, None)
        # Somebody wrote a version that no record knows of.
        write_deltalake(str(path), DeltaTable(str(path)).to_pyarrow_table().slice(0, 1), mode="overwrite")
        write_ledger(path, ledger, first)
        assert DeltaTable(str(path)).to_pyarrow_table().num_rows == 6

    def test_a_log_with_more_columns_replaces_the_table(self, tmp_path):
        path, few = tmp_path / "ledger", pd.DataFrame(FEW)
        first = write_ledger(path, ledger_of(few.drop(columns="category")).before(AS_OF), None)
        write_ledger(path, ledger_of(few).before(AS_OF), first)
        assert "categories" in [field.name for field in DeltaTable(str(path)).schema().fields]


class TestCustomers:
    def test_each_who_bought_before_the_as_of_date_has_a_row(self, tmp_path):
        found = rows(valued_store(tmp_path).customers()).set_index("customer_id")
        assert sorted(found.index) == ["ann", "ben", "cyd"]
        assert found.columns.tolist() == ["first_day", "channel", "acquisition_cost", "margin_rate"]
        assert found["channel"].dropna().to_dict() == {"ann": "web", "ben": "shop"}

    def test_amounts_are_the_numbers_that_were_given_to_the_last_bit(self, tmp_path):
        store = valued_store(tmp_path, economics=Economics(margin=0.4, acquisition_cost=250.0))
        found = rows(store.customers())
        assert set(found["acquisition_cost"]) == {250.0}
        assert set(found["margin_rate"]) == {0.4}

    def test_the_customers_table_stands_beside_as_it_is(self, tmp_path):
        people = pd.DataFrame(
            {
                "customer_id": ["ann", "ben"],
                "email": ["Ann@Example.org", None],
                "phone": ["+44 20 7946 0000", "0044201234567"],
                "consent": [True, False],
            }
        )
        found = rows(valued_store(tmp_path, ledger_of(customers=people)).customers()).set_index("customer_id")
        assert found.loc["ann", ["email", "phone", "consent"]].tolist() == ["Ann@Example.org", "+44 20 7946 0000", True]
        assert found.loc["ben", "phone"] == "0044201234567"
        assert found.loc["cyd", ["email", "phone", "consent"]].isna().all()


class TestScorings:
    def test_the_newest_comes_first_and_each_belongs_to_scores(self, tmp_path):
        valued_store(tmp_path, as_of=EARLY)
        store = valued_store(tmp_path)
        assert [record["as_of"] for record in store.scorings()] == [AS_OF.isoformat(), EARLY.isoformat()]
        assert store.held() == [(EARLY, HORIZON), (AS_OF, HORIZON)]
        assert [path.name for path in sorted((tmp_path / "scorings").iterdir())] == [
            "2024-03-01-90.json",
            "2024-07-01-90.json",
        ]

    def test_another_version_tells_that_there_is_something_new(self, tmp_path):
        store = valued_store(tmp_path)
        before = store.version
        valued_store(tmp_path, as_of=EARLY)
        assert store.version > before

    def test_the_folder_of_a_model_is_named_by_horizon_and_version(self, tmp_path):
        assert Store(tmp_path).card("3", 90) == tmp_path / "models" / "90d-v3"


class TestKilledBetween:
    """A job writes ledger, customers, record and scores in this order, and may be killed after any of them."""

    def killed(self, tmp_path, monkeypatch, after):
        store = valued_store(tmp_path, economics=Economics(margin=0.5, acquisition_cost=10.0))
        before = valued(store), store.scorings()
        more = pd.concat([pd.DataFrame(FEW), pd.DataFrame(FEW).head(1).assign(customer_id="eve")])

        def killed(*_):
            raise KeyboardInterrupt

        monkeypatch.setattr(*after, killed)
        scored = SCORED.assign(clv=7.0)
        with pytest.raises(BaseException, match=r".*"):
            valued_store(tmp_path, ledger_of(more), Economics(margin=0.1, acquisition_cost=99.0), scored)
        monkeypatch.undo()
        return store, before

    @pytest.mark.parametrize(
        "after",
        ["valued_store.write_customers", "serving.store.commit_files", "serving.storage.scorings.Scorings.prepare"],
    )
    def test_before_the_scores_are_committed_everything_reads_as_before(self, tmp_path, monkeypatch, after):
        store, (values, scorings) = self.killed(tmp_path, monkeypatch, [after])
        again = Store(store.folder)
        pd.testing.assert_frame_equal(valued(again), values)
        assert again.scorings() == scorings
        assert "eve" not in set(ledger_rows(again)["customer_id"])

    def test_once_they_are_committed_everything_is_new(self, tmp_path, monkeypatch):
        store, _ = self.killed(tmp_path, monkeypatch, ["serving.storage.scorings.Scorings.settle"])
        again = Store(store.folder)
        found = rows(customer_values(again)).set_index("customer_id")
        assert set(found["margin_rate"]) == {0.1}
        assert again.scorings()[0]["economics"]["acquisition"] == "99"
        assert "eve" in set(ledger_rows(again)["customer_id"])

    def test_running_again_completes_it(self, tmp_path, monkeypatch):
        self.killed(tmp_path, monkeypatch, ["serving.store.commit_files"])
        store = valued_store(tmp_path, economics=Economics(margin=0.1))
        assert set(rows(customer_values(store))["margin_rate"]) == {0.1}
        assert [path.name for path in (tmp_path / "scorings").iterdir()] == ["2024-07-01-90.json"]

    @pytest.mark.slow
    @pytest.mark.parametrize("moment", ["ledger", "customers", "record", "scores"])
    def test_kill_9_is_no_different(self, tmp_path, moment):
        store = valued_store(tmp_path / "store", economics=Economics(margin=0.5, acquisition_cost=10.0))
        before = valued(store)
        job = subprocess.Popen([sys.executable, "-c", JOB, str(tmp_path), moment], cwd=Path(__file__).parents[1])
        deadline = time.monotonic() + 120
        while not (tmp_path / moment).exists() and job.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        assert (tmp_path / moment).exists(), f"the job never came to {moment}"
        os.kill(job.pid, signal.SIGKILL)
        job.wait()
        again = Store(tmp_path / "store")
        found = valued(again)
        if moment == "scores":
            assert set(found["margin_rate"]) == {0.1}
        else:
            pd.testing.assert_frame_equal(found, before)
        written = valued_store(tmp_path / "store", economics=Economics(margin=0.1))
        assert set(rows(customer_values(written))["margin_rate"]) == {0.1}


JOB = """
# Writes the same night with other margins, says where it is, and waits to be killed.
import sys, time
sys.path.insert(0, "tests")
from pathlib import Path
import serving.storage.scorings, serving.store, valued_store
from models.lifetime import Economics
folder, moment = Path(sys.argv[1]), sys.argv[2]
PLACES = {
    "ledger": (valued_store, "write_ledger"),
    "customers": (valued_store, "write_customers"),
    "record": (serving.storage.scorings.Scorings, "prepare"),
    "scores": (serving.store, "commit_files"),
}
owner, name = PLACES[moment]
write = getattr(owner, name)
def then_wait(*arguments):
    write(*arguments)
    (folder / moment).touch()
    time.sleep(600)
setattr(owner, name, then_wait)
valued_store.valued_store(folder / "store", economics=Economics(margin=0.1, acquisition_cost=99.0))
"""


class TestOldStores:
    """A store that was written before there were ledger, customers, records and `clv_basis`."""

    @pytest.fixture
    def old(self, tmp_path):
        made = valued_store(tmp_path / "made")
        table = rows(made.scores()).drop(columns="clv_basis")
        path = tmp_path / "old" / "scores"
        path.parent.mkdir()
        batch = pa.Table.from_pandas(table, schema=OLD, preserve_index=False)
        write_deltalake(str(path), batch, partition_by=PARTITIONS)
        return Store(path.parent)

    def test_its_scores_open_and_say_nothing_of_their_basis(self, old):
        found = rows(old.scores())
        assert found.columns.tolist() == SCHEMA.names
        assert found["clv_basis"].isna().all()
        assert old.scorings() == []

    def test_what_it_does_not_know_is_null_and_not_an_error(self, old):
        found = rows(customer_values(old))
        assert found[["historic_value", "first_day", "channel", "ltv_cac"]].isna().all(axis=None)
        assert by_group(customer_values(old), "channel")["customers"].tolist() == [3]
        assert textbook(old).empty

    @pytest.mark.parametrize("name", ["ledger", "customers"])
    def test_asked_for_it_says_to_score_again(self, old, name):
        with pytest.raises(StoreError, match="scoring again"):
            getattr(old, name)()

    def test_scoring_into_it_adds_what_was_missing_and_leaves_the_old_date_readable(self, old):
        valued_store(old.folder, as_of=date(2024, 7, 2))
        again = Store(old.folder)
        assert rows(again.scores(AS_OF))["clv_basis"].isna().all()
        assert set(rows(again.scores(date(2024, 7, 2)))["clv_basis"]) == {"revenue"}
        assert rows(customer_values(again, AS_OF))["historic_value"].sum() == 270.0
