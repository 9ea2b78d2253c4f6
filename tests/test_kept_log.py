"""What is kept of a log saves reading and changes nothing: every night gives what reading everything gives."""

import os
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path
from random import Random

import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest
from deltalake import write_deltalake
from hypothesis import given, settings
from hypothesis import strategies as st
from random_logs import RUNS, TODAY, crowded_log, random_logs

from features.kept.kept_log import KeptLog
from features.kept.manifest import MANIFEST
from features.kept.night import Night
from features.ledger import build_ledger
from features.log import Columns, Log
from features.sales import first_channels

BAD = {
    "customer_id": [None, "7", "7", "late", "soon"],
    "timestamp": ["2021-03-01", "no day", "2021-03-02", "2021-03-03", "2026-11-22"],
    "amount": ["1.5", "2", "much", "12,5", "9"],
}
"""Rows that cannot be used; the last one's day comes after `TODAY`."""


def read(source, kept=None, today=TODAY, **options):
    return build_ledger(Log(source, today=today, max_bad_share=0.9, **options), threads=1, kept=kept)


def content(ledger):
    """All that must not depend on what was kept."""
    days = ledger.days.order_by("customer_id", "day").to_pyarrow()
    unusable = ledger.unusable.to_pyarrow()
    rows = sorted(map(repr, unusable.to_pylist()))
    channels = first_channels(ledger)
    came = channels if channels is None else channels.order_by("customer_id").to_pyarrow().to_pylist()
    return days, ledger.fingerprint, ledger.quality, ledger.span, unusable.column_names, rows, came


def assert_same(kept, whole):
    for one, other in zip(content(kept), content(whole), strict=True):
        assert one == other


def write(path, frame):
    if path.suffix == ".csv":
        frame.to_csv(path, index=False)
    else:
        pyarrow.parquet.write_table(pa.Table.from_pandas(frame, preserve_index=False), path)


def settle(folder):
    """Date all files back, so that their times are trusted."""
    for path in folder.iterdir():
        os.utime(path, ns=(10**18, 10**18))


# Any log, any nights


@st.composite
def nights(draw):
    """Return a log cut into files by time, and what happens to the files on some nights."""
    frame = draw(random_logs()).sort_values("timestamp", ignore_index=True)
    suffix = draw(st.sampled_from([".csv", ".parquet"]))
    cuts = sorted(draw(st.sets(st.integers(1, len(frame) - 1), min_size=1, max_size=6)))
    files = [frame.iloc[a:b] for a, b in zip([0, *cuts], [*cuts, len(frame)], strict=True)]
    what = st.sampled_from(["add", "late", "mend", "delete", "nothing", "touch", "bad", "tomorrow"])
    return suffix, files, draw(st.lists(what, min_size=2, max_size=4)), draw(st.randoms(use_true_random=False))


def happen(what, folder, suffix, random: Random, night):
    files = sorted(folder.iterdir())
    chosen = random.choice(files)
    frame = pd.read_csv(chosen, dtype=str) if suffix == ".csv" else pd.read_parquet(chosen)
    if what == "add":
        write(folder / f"new-{night}{suffix}", frame.assign(customer_id=f"new {night}"))
    elif what == "late":
        write(folder / f"late-{night}{suffix}", frame.sample(1, random_state=night))
    elif what == "mend":
        mended = frame.copy()
        mended["amount"] = mended["amount"].sample(frac=1, random_state=night).to_numpy()
        write(chosen, mended.iloc[: max(1, len(mended) - 1)])
    elif what == "delete" and len(files) > 1:
        chosen.unlink()
    elif what == "touch":
        os.utime(chosen)
    elif what == "bad" and suffix == ".csv":
        write(chosen, pd.concat([frame, pd.DataFrame(BAD)]))


@given(nights())
@settings(RUNS, max_examples=6)
def test_after_any_nights_the_ledger_is_that_of_a_full_run(tmp_path_factory, drawn):
    suffix, files, days, random = drawn
    folder, store = tmp_path_factory.mktemp("log"), tmp_path_factory.mktemp("store") / "kept"
    for i, frame in enumerate(files):
        write(folder / f"{i}{suffix}", frame)
    today = TODAY
    for night, what in enumerate(["nothing", *days]):
        happen(what, folder, suffix, random, night)
        today += timedelta(days=what == "tomorrow")
        try:
            whole = read(folder, today=today)
        except Exception as error:  # nothing is left to learn from
            with pytest.raises(type(error)):
                read(folder, KeptLog(store), today)
            continue
        assert_same(read(folder, KeptLog(store), today), whole)


# One night at a time


@pytest.fixture
def store(tmp_path):
    return KeptLog(tmp_path / "Ann's store" / "kept")


EITHER = pytest.mark.parametrize("months", [".csv", ".parquet"], indirect=True)


@pytest.fixture
def months(tmp_path, request):
    """A folder with a file a quarter of a year, delimited ones unless a test asks for others."""
    frame, folder, suffix = crowded_log(5, customers=30), tmp_path / "log", getattr(request, "param", ".csv")
    folder.mkdir()
    for quarter, rows in frame.groupby(frame["timestamp"].dt.to_period("Q")):
        write(folder / f"{quarter}{suffix}", rows)
    settle(folder)
    return folder


def spoil(path):
    """Overwrite a file with nonsense of the same size and time: whoever opens it fails."""
    now = path.stat()
    path.write_bytes(b"#" * now.st_size)
    os.utime(path, ns=(now.st_atime_ns, now.st_mtime_ns))


def added(folder, *rows):
    """Add a file of rows of customer, time and amount, like the others in everything else."""
    like = sorted(folder.iterdir())[-1]
    frame = pd.read_csv(like, dtype=str) if like.suffix == ".csv" else pd.read_parquet(like)
    more = [{**frame.iloc[0].to_dict(), "customer_id": c, "timestamp": t, "amount": a} for c, t, a in rows]
    more = pd.DataFrame(more, columns=frame.columns).astype(frame.dtypes.to_dict())
    write(folder / f"z{len(list(folder.iterdir()))}{like.suffix}", more)


@EITHER
def test_files_that_are_as_they_were_are_not_opened(months, store):
    expected = content(read(months))
    read(months, store)
    for path in months.iterdir():
        spoil(path)
    again = read(months, store)
    assert content(again) == expected
    assert again.said == f"none of {len(list(months.iterdir()))} files is new or changed"


def test_a_new_day_reads_the_new_file_and_the_month_that_it_falls_in(months, store):
    read(months, store)
    for path in sorted(months.iterdir())[:-1]:
        spoil(path)
    files = len(list(months.iterdir()))
    added(months, ("7", "2024-08-01", "3"), ("new", "2024-08-02", "4"))
    assert read(months, store).said == f"1 of {files + 1} files are new or changed; month 2024-08 read again"


@EITHER
def test_a_late_row_rebuilds_its_month_and_no_other(months, store):
    read(months, store)
    added(months, ("7", "2020-05-05", "3"), ("8", "2024-08-02", "4"))
    settle(months)
    second = read(months, store)
    assert second.said.endswith("; months 2020-05 to 2024-08 read again")
    assert_same(second, read(months))
    assert sorted(p.name for p in (store.folder / newest(store) / "days").iterdir()) == [
        "month=2020-05",
        "month=2024-08",
    ]


def newest(store):
    return max(
        (path for path in store.folder.iterdir() if path.is_dir()), key=lambda path: path.stat().st_mtime_ns
    ).name


def test_a_file_that_was_copied_again_with_the_same_content_is_no_news(months, store):
    read(months, store)
    for path in months.iterdir():
        os.utime(path)
    assert read(months, store).said.startswith("none of ")


def test_a_correction_of_the_same_size_within_the_same_moment_is_seen(tmp_path, store):
    folder = tmp_path / "log"
    folder.mkdir()
    for name, amount in (("a", 1), ("b", 2)):
        (folder / f"{name}.csv").write_text(f"customer_id,timestamp,amount\n7,2024-01-01,{amount}\n")
    read(folder, store)
    now = (folder / "a.csv").stat()
    (folder / "a.csv").write_text("customer_id,timestamp,amount\n7,2024-01-01,9\n")
    os.utime(folder / "a.csv", ns=(now.st_atime_ns, now.st_mtime_ns))
    assert_same(read(folder, store), read(folder))


def test_rows_dated_after_today_are_read_again_when_the_day_has_come(tmp_path, store):
    folder = tmp_path / "log"
    folder.mkdir()
    lines = "customer_id,timestamp,amount\n"
    (folder / "a.csv").write_text(lines + "7,2026-11-01,1\n7,2026-11-22,1\n")
    (folder / "b.csv").write_text(lines + "8,2026-10-01,1\n")
    settle(folder)
    first = read(folder, store)
    assert first.quality.problems == {"dated after today": 1}
    second = read(folder, store, TODAY + timedelta(days=1))
    assert second.said == "1 of 2 files are new or changed; month 2026-11 read again"
    assert (second.quality.problems, second.quality.used_rows) == ({}, 3)
    # And back: a log that is read as of an earlier day than the last time is read whole.
    assert_same(read(folder, store), read(folder))


@pytest.mark.parametrize(
    "options",
    [
        {"time_zone": "Pacific/Auckland"},
        {"columns": Columns(amount="amount * 2")},
        {"columns": Columns(channel="category")},
    ],
)
def test_another_description_of_the_log_reads_it_anew(months, store, options):
    read(months, store)
    found = read(months, store, **options)
    assert found.said.startswith("all ")
    assert_same(found, read(months, **options))


@EITHER
def test_a_file_with_another_column_reads_the_log_anew(months, store):
    read(months, store)
    last = sorted(months.iterdir())[-1]
    frame = pd.read_csv(last, dtype=str) if last.suffix == ".csv" else pd.read_parquet(last)
    write(last, frame.assign(coupon="x"))
    found = read(months, store)
    assert found.said.startswith("all ")
    assert_same(found, read(months))
    # Files that lack a column that others have are ordinary.
    assert read(months, store).said.startswith("none ")


def test_files_in_which_a_column_has_several_types_are_read_whole(tmp_path, store):
    for name, ids in (("a", [7, 8]), ("b", ["7", "x"])):
        write(
            tmp_path / f"{name}.parquet", pd.DataFrame({"customer_id": ids, "timestamp": "2024-01-01", "amount": 1.0})
        )
    found = read(tmp_path, store)
    assert found.said == ""
    assert not store.folder.exists()


def test_a_log_in_one_file_is_read_whole_and_not_kept(tmp_path, store):
    write(tmp_path / "log.parquet", crowded_log(1, customers=20))
    assert read(tmp_path / "log.parquet", store).said == ""
    assert not store.folder.exists()


def test_files_of_a_delta_table_are_those_that_it_names(tmp_path, store):
    frame = crowded_log(6, customers=30).sort_values("timestamp")
    for rows in (frame.iloc[:100], frame.iloc[100:]):
        write_deltalake(tmp_path / "log", pa.Table.from_pandas(rows, preserve_index=False), mode="append")
    read(tmp_path / "log", store)
    write_deltalake(tmp_path / "log", pa.Table.from_pandas(frame.tail(3), preserve_index=False), mode="append")
    second = read(tmp_path / "log", store)
    assert second.said.startswith("1 of 3 files are new or changed")
    assert_same(second, read(tmp_path / "log"))
    write_deltalake(tmp_path / "log", pa.Table.from_pandas(frame.head(200), preserve_index=False), mode="overwrite")
    assert_same(read(tmp_path / "log", store), read(tmp_path / "log"))


# Trouble


def test_a_wrong_log_is_refused_as_ever_and_the_next_night_is_right(months, store):
    read(months, store)
    wrong = months / f"wrong{sorted(months.iterdir())[0].suffix}"
    wrong.write_bytes(b"customer_id,timestamp,amount\n7,2024-01-01,1\n\xff\xfe,2024-01-01,1\n")
    with pytest.raises(Exception, match=r".*") as whole:
        build_ledger(Log(months, today=TODAY))
    with pytest.raises(type(whole.value)) as kept:
        build_ledger(Log(months, today=TODAY), kept=store)
    assert str(kept.value) == str(whole.value)
    wrong.unlink()
    assert_same(read(months, store), read(months))


@pytest.mark.parametrize("damage", ["the manifest", "a kept file", "all", "a file in its place"])
def test_what_is_kept_may_be_damaged_or_deleted(months, store, damage):
    expected = content(read(months, store))
    if damage == "the manifest":
        (store.folder / MANIFEST).write_text('{"files": {"a')
    elif damage == "a kept file":
        next(store.folder.rglob("days/*/*.parquet")).write_bytes(b"")
    else:
        subprocess.run(["rm", "-r", str(store.folder)], check=True)
    if damage == "a file in its place":
        store.folder.write_text("")
    found = read(months, store)
    assert content(found) == expected
    assert ("cannot be used" in found.said) == (damage == "a file in its place")


def test_a_file_that_is_written_to_while_it_is_read_is_read_again_the_next_night(months, store, monkeypatch):
    path, keep = sorted(months.iterdir())[0], Night._keep_months

    def meanwhile(*arguments):
        os.utime(path)
        return keep(*arguments)

    monkeypatch.setattr(Night, "_keep_months", meanwhile)
    assert_same(read(months, store), read(months))
    assert not (store.folder / MANIFEST).exists()
    monkeypatch.undo()
    assert read(months, store).said.startswith("all ")


def test_files_of_earlier_nights_go_after_a_day(months, store):
    read(months, store)
    first = newest(store)
    # All months of the first night are replaced; those of the night before stay, for somebody may be reading them.
    for expected in (True, False):
        added(months, *(("7", str(day.date()), "1") for day in pd.date_range("2019-11-01", "2024-08-01", freq="MS")))
        for night in store.folder.iterdir():
            os.utime(night, (10**9, 10**9))
        read(months, store)
        assert (first in {path.name for path in store.folder.iterdir()}) == expected
    assert_same(read(months, store), read(months))


JOB = """
# Reads a log, keeping it, says where it is, and waits to be killed.
import sys, time
from datetime import date
from pathlib import Path
import features.kept.kept_log as kept_log, features.kept.manifest as manifest, features.kept.night as night
from features.ledger import build_ledger
from features.log import Log
folder, moment = Path(sys.argv[1]), sys.argv[2]
PLACES = {"months": (night.Night, "_keep_months"), "unusable": (night.Night, "_keep_unusable"),
          "manifest": (kept_log, "save_manifest")}
owner, name = PLACES[moment]
do = getattr(owner, name)
def then_wait(*arguments):
    do(*arguments)
    (folder / moment).touch()
    time.sleep(600)
setattr(owner, name, then_wait)
build_ledger(Log(folder / "log", today=date(2026, 11, 21)), kept=kept_log.KeptLog(folder / "kept"))
"""


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["months", "unusable", "manifest"])
def test_after_kill_9_the_next_night_is_right(tmp_path, moment):
    folder, store = tmp_path / "log", KeptLog(tmp_path / "kept")
    folder.mkdir()
    frame = crowded_log(7, customers=30).sort_values("timestamp")
    write(folder / "a.parquet", frame.iloc[:100])
    write(folder / "b.parquet", frame.iloc[100:])
    read(folder, store)
    write(folder / "c.parquet", frame.iloc[50:150])
    job = subprocess.Popen([sys.executable, "-c", JOB, str(tmp_path), moment], cwd=Path(__file__).parents[1])
    deadline = time.monotonic() + 120
    while not (tmp_path / moment).exists() and job.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    assert (tmp_path / moment).exists(), f"the job never came to {moment}"
    os.kill(job.pid, signal.SIGKILL)
    job.wait()
    assert_same(read(folder, store), read(folder))
