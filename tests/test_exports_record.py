"""The record of lists that left: what changed since, who took what, and that file and record agree."""

import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pyarrow as pa
import pytest
from listed_store import ask, ids, listed_store, rows
from valued_store import AS_OF

import serving.exports.export
from models.lifetime import Economics
from regulars.errors import RegularsError
from serving.exports import Delivery, export_list, stream_list
from serving.exports.record import settle
from serving.listing.definition import Definition
from serving.listing.saved_lists import list_rows
from serving.store import SCHEMA, Store

EVERYBODY = Definition(hold_back=0.0)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return listed_store(tmp_path_factory.mktemp("made") / "store").folder


@pytest.fixture()
def store(made, tmp_path):
    """A store of one's own, of which nothing was exported yet."""
    shutil.copytree(made, tmp_path / "store", ignore=shutil.ignore_patterns("service.db*"))
    return Store(tmp_path / "store")


class TestChanges:
    def pull(self, store, tmp_path, **delivery) -> list[str]:
        export_list(store, Definition(), Delivery("crm", changes=True, **delivery), tmp_path / "list.csv")
        return ids(tmp_path / "list.csv")

    def test_the_first_pull_gives_all_and_the_next_nothing(self, store, tmp_path):
        assert len(self.pull(store, tmp_path)) > 100
        assert self.pull(store, tmp_path) == []
        assert len(self.pull(store, tmp_path, format="csv")) == 0

    def test_only_customers_whose_row_changed_come_again(self, store, tmp_path):
        first = self.pull(store, tmp_path)
        changed, passed = sorted(first)[:3], sorted(first)[3:6]
        rescore(store, segment={changed[0]: "Champions"}, frequency={changed[1]: 77.0}, clv={changed[2]: 9e5})
        assert sorted(self.pull(store, tmp_path)) == changed
        # A day passes, predictions move by a thousandth: nothing that a mailing would say differently.
        rescore(store, recency_days=dict.fromkeys(passed, 500.0), model_version=dict.fromkeys(first, "9"))
        assert self.pull(store, tmp_path) == []

    def test_each_list_and_each_format_has_its_own_last_pull(self, store, tmp_path):
        self.pull(store, tmp_path)
        export_list(store, Definition(), Delivery("other", changes=True), tmp_path / "o.csv")
        assert len(ids(tmp_path / "o.csv")) > 100
        found = export_list(store, Definition(), Delivery("crm", format="google", changes=True), tmp_path / "g.csv")
        assert found.rows > 100

    def test_a_pull_that_never_ended_does_not_count(self, store, tmp_path):
        stream = stream_list(store, Definition(), Delivery("crm", changes=True))
        next(iter(stream))
        stream.close()
        assert len(self.pull(store, tmp_path)) > 100


def rescore(store: Store, **changes: dict[str, object]) -> None:
    """Replace cells of the scores, as another scoring of the same date would."""
    frame = store.scores().to_pyarrow().to_pandas()
    for column, cells in changes.items():
        for customer, value in cells.items():
            frame.loc[frame["customer_id"] == customer, column] = value

    batch = pa.RecordBatch.from_pandas(frame[SCHEMA.names], schema=SCHEMA, preserve_index=False)
    store.write([batch], AS_OF, 90)


class TestRecord:
    def test_an_export_says_who_took_which_list_how_many_rows_and_of_which_scores(self, store, tmp_path):
        export_list(store, Definition(top=5), Delivery("best", who="ann"), tmp_path / "list.csv")
        found = ask(store, "select who, list, format, rows, as_of, horizon_days, model_version, part from exports")
        assert found == [("ann", "best", "csv", 5, str(AS_OF), 90, "1", None)]

    def test_files_hold_no_personal_data_that_nobody_asked_for(self, store, tmp_path):
        for kind in ("csv", "json", "parquet"):
            export_list(store, EVERYBODY, Delivery("all", format=kind), tmp_path / f"all.{kind}")
            assert b"@example.com" not in (tmp_path / f"all.{kind}").read_bytes()
        assert "email" not in list_rows(store, EVERYBODY).columns
        assert rows(tmp_path / "all.csv")[0]["country"] in ("GB", "US")

    def test_value_is_called_what_it_is(self, store, tmp_path):
        export_list(store, EVERYBODY, Delivery("all"), tmp_path / "all.csv")
        assert {"clv", "lifetime_value"} <= set(rows(tmp_path / "all.csv")[0])
        own = listed_store(tmp_path / "own", economics=Economics())
        export_list(own, EVERYBODY, Delivery("all"), tmp_path / "all.csv")
        names = set(rows(tmp_path / "all.csv")[0])
        assert {"discounted_revenue", "lifetime_revenue"} <= names
        assert not {"clv", "lifetime_value"} & names

    @pytest.mark.parametrize(
        ("delivery", "problem"),
        [
            (Delivery("a/b"), "list's name"),
            (Delivery("all", format="xlsx"), "no format 'xlsx'"),
            (Delivery("all", format="google", region="Atlantis"), "no country"),
            (Delivery("all", horizon_days=30), "no such scores"),
        ],
    )
    def test_what_cannot_be_is_refused_and_leaves_no_trace(self, store, tmp_path, delivery, problem):
        with pytest.raises(RegularsError, match=problem):
            export_list(store, EVERYBODY, delivery, tmp_path / "list.csv")
        assert not (tmp_path / "list.csv").exists()
        assert not (store.folder / "service.db").exists() or ask(store, "select count(*) from exports") == [(0,)]

    def test_a_path_at_which_no_file_can_be_leaves_no_trace(self, store, tmp_path):
        with pytest.raises(RegularsError, match="the folder does not exist"):
            export_list(store, EVERYBODY, Delivery("all"), tmp_path / "nowhere" / "list.csv")
        assert ask(store, "select count(*) from exports") == [(0,)]
        assert ask(store, "select count(*) from contacts") == [(0,)]

    def test_a_record_that_cannot_be_written_leaves_the_old_file(self, store, tmp_path, monkeypatch):
        (tmp_path / "list.csv").write_text("yesterday's list")
        monkeypatch.setattr(serving.exports.export, "begin", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
        with pytest.raises(OSError, match="disk full"):
            export_list(store, EVERYBODY, Delivery("all"), tmp_path / "list.csv")
        assert (tmp_path / "list.csv").read_text() == "yesterday's list"

    def test_exports_of_the_same_list_at_the_same_time_do_not_mix(self, store, tmp_path):
        failed = []

        def send(number: int) -> None:
            try:
                where = "r_score >= 3" if number % 2 else "r_score < 3"
                definition = Definition(where=where, hold_back=0.0)
                export_list(Store(store.folder), definition, Delivery("same"), tmp_path / f"{number}.csv")
            except Exception as error:
                failed.append(error)

        threads = [threading.Thread(target=send, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not failed
        for number in range(4):
            scores = [int(row["r_score"]) >= 3 for row in rows(tmp_path / f"{number}.csv")]
            assert set(scores) == {bool(number % 2)}
        per_export = ask(store, "select rows, (select count(*) from contacts where export = id) from exports")
        assert len(per_export) == 4
        assert all(count == found for count, found in per_export)


KILLED = """
import os, sys
from pathlib import Path
import serving.exports.export as export
from serving.listing.definition import Definition
from serving.exports import Delivery, export_list
from serving.store import Store

real = getattr(export, {step!r})
def killed(*arguments):
    if {before}: os._exit(9)
    real(*arguments)
    os._exit(9)
setattr(export, {step!r}, killed)
export_list(Store(Path(sys.argv[1])), Definition(hold_back=0.0), Delivery("all"), Path(sys.argv[2]))
"""


@pytest.mark.parametrize(
    ("step", "before", "there"),
    [("begin", True, False), ("begin", False, False), ("finish", True, True), ("finish", False, True)],
    ids=["before the record", "after the record", "before the mark", "after the mark"],
)
def test_killed_at_any_step_file_and_record_agree(store, tmp_path, step, before, there):
    path = tmp_path / "list.csv"
    code = KILLED.format(step=step, before=before)
    done = subprocess.run(
        [sys.executable, "-c", code, str(store.folder), str(path)],
        check=False,
        env=os.environ | {"TMPDIR": str(tmp_path)},
        cwd=Path(__file__).parents[1],
    )
    assert done.returncode == 9
    settle(store.folder)
    assert path.exists() == there
    counted = ask(store, "select rows from exports where rows is not null")
    assert counted == ([(160,)] if there else [])
    found = export_list(store, Definition(hold_back=0.0), Delivery("all"), path)
    assert found.rows == len(rows(path)) == 160


def test_an_older_file_is_not_taken_for_one_that_never_came_about(store, tmp_path):
    path = tmp_path / "list.csv"
    export_list(store, EVERYBODY, Delivery("all"), path)
    os.utime(path, (before := path.stat().st_mtime - 60, before))
    code = KILLED.format(step="begin", before=False)
    subprocess.run(
        [sys.executable, "-c", code, str(store.folder), str(path)], check=False, cwd=Path(__file__).parents[1]
    )
    assert ask(store, "select count(*) from exports") == [(2,)]
    next(tmp_path.glob(".*.part")).unlink()
    settle(store.folder)
    assert ask(store, "select id, rows from exports") == [(1, 160)]
    assert ask(store, "select distinct export from contacts") == [(1,)]
