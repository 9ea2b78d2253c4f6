"""Rows that cannot be used are counted, shown and quarantined, and too many of them are refused."""

import errno
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest
from written_logs import csv_log, ledger_from, refusal

from features.quality import write_quarantine
from regulars.errors import LogError, RegularsError

GOOD = [f"{n:03d},2026-11-{1 + n % 20:02d},10" for n in range(194)]
BAD = {
    ",2026-11-01,10": "no customer",
    "7,soon,10": "no readable date",
    "7,2026-11-22,10": "dated after today",
    "7,2026-11-01,ten": "amount is not a number",
    "7,2026-11-01,": "amount is not a number",
    "7,,10": "no readable date",
}


@pytest.fixture
def mostly_good(tmp_path):
    """194 good rows and one of every kind of bad ones: 3 % of the log."""
    return csv_log(tmp_path / "log.csv", *GOOD[:100], *BAD, *GOOD[100:])


# Counting


def test_a_good_log_has_no_problems(tmp_path):
    quality = ledger_from(csv_log(tmp_path / "log.csv", *GOOD)).quality
    assert (quality.rows, quality.used_rows, quality.bad_rows, quality.bad_share) == (194, 194, 0, 0.0)
    assert quality.problems == {}
    assert (quality.first_day, quality.last_day) == (date(2026, 11, 1), date(2026, 11, 20))


def test_unusable_rows_are_counted_by_their_problem(mostly_good):
    quality = ledger_from(mostly_good, max_bad_share=0.03).quality
    assert quality.problems == {
        "no customer": 1,
        "no readable date": 2,
        "dated after today": 1,
        "amount is not a number": 2,
    }
    assert (quality.rows, quality.used_rows, quality.bad_rows) == (200, 194, 6)
    assert quality.bad_share == 0.03


def test_a_row_has_the_first_of_its_problems(tmp_path):
    path = csv_log(tmp_path / "log.csv", "7,2026-11-01,1", ",soon,ten", "7,soon,ten", "7,2027-01-01,ten")
    problems = ledger_from(path, max_bad_share=1.0).quality.problems
    assert problems == {"no customer": 1, "no readable date": 1, "dated after today": 1}


def test_an_empty_id_is_no_customer(tmp_path):
    ids = ["7", "", None, " "]
    table = pa.table({"customer_id": ids, "timestamp": ["2026-11-01"] * 4, "amount": [1.0] * 4})
    pyarrow.parquet.write_table(table, tmp_path / "log.parquet")
    quality = ledger_from(tmp_path / "log.parquet", max_bad_share=0.5).quality
    assert (quality.problems, quality.customers) == ({"no customer": 2}, 2)


def test_customers_purchases_and_money_are_counted_over_usable_rows(tmp_path):
    rows = ["a,2026-11-01,10", "a,2026-11-01,5", "a,2026-11-03,-3", "b,2026-11-02,0", "c,2026-11-04,1"]
    more = ["c,2026-11-05,1", "c,2026-11-05,-0.25", "d,2026-11-06,-2", ",2026-11-07,1000", "e,2026-11-07,x"]
    quality = ledger_from(csv_log(tmp_path / "log.csv", *rows, *more), max_bad_share=0.5).quality
    counts = ("customers", "buyers", "one_time_buyers", "purchase_days", "refund_rows")
    assert [getattr(quality, name) for name in counts] == [4, 2, 1, 3, 3]
    assert (quality.net, quality.refunded) == (11.75, 5.25)
    assert (quality.first_day, quality.last_day) == (date(2026, 11, 1), date(2026, 11, 6))


def test_the_report_is_plain_data(mostly_good):
    report = ledger_from(mostly_good, max_bad_share=0.03).quality.to_dict()
    assert {name: report[name] for name in ("rows", "bad_rows", "bad_share", "first_day", "last_day")} == {
        "rows": 200,
        "bad_rows": 6,
        "bad_share": 0.03,
        "first_day": "2026-11-01",
        "last_day": "2026-11-20",
    }


def test_amounts_that_are_no_money_are_unusable(tmp_path):
    amounts = [1.0, np.nan, np.inf, -np.inf, 1.1e12, -1.1e12, 1e300]
    table = pa.table({"customer_id": ["7"] * 7, "timestamp": ["2026-11-01"] * 7, "amount": amounts})
    pyarrow.parquet.write_table(table, tmp_path / "log.parquet")
    text = csv_log(tmp_path / "log.csv", *(f"7,2026-11-01,{amount}" for amount in amounts))
    for source in (tmp_path / "log.parquet", text):
        quality = ledger_from(source, max_bad_share=0.9).quality
        assert quality.problems == {"amount is not a number": 6}
        assert quality.net == 1.0


def test_the_largest_amounts_are_summed_all_the_same():
    many = 2_000
    table = pa.table(
        {"customer_id": [str(n) for n in range(many)], "timestamp": ["2026-11-01"] * many, "amount": [1e12] * many}
    )
    assert ledger_from(table).quality.net == 2e15


def test_rows_of_today_are_known_and_rows_of_tomorrow_are_not(tmp_path):
    path = csv_log(tmp_path / "log.csv", "7,2026-11-21T23:59:59,1", "7,2026-11-22T00:00:00,1")
    assert ledger_from(path, max_bad_share=0.5).quality.problems == {"dated after today": 1}


def test_days_that_no_calendar_holds_or_no_reader_can_tell_are_unusable(tmp_path):
    days = ["-infinity", "0044-03-15 (BC)", "2026-02-30", "26", "01/02/2026", "infinity"]
    path = csv_log(tmp_path / "log.csv", "7,2026-11-01,1", *(f"7,{day},1" for day in days))
    problems = ledger_from(path, max_bad_share=0.9).quality.problems
    assert problems == {"no readable date": 5, "dated after today": 1}


# Quarantine


def test_the_unusable_rows_stand_as_they_are_behind_their_problem(mostly_good):
    table = ledger_from(mostly_good, max_bad_share=0.03).unusable
    assert table.columns == ("problem", "customer_id", "timestamp", "amount")
    found = {
        ",".join(value or "" for value in list(row.values())[1:]): row["problem"]
        for row in table.to_pyarrow().to_pylist()
    }
    assert found == BAD


def test_the_quarantine_file_holds_every_unusable_row_and_replaces_an_older_one(mostly_good, tmp_path):
    ledger, path = ledger_from(mostly_good, max_bad_share=0.03), tmp_path / "log.quarantine.csv"
    path.write_text("of yesterday")
    write_quarantine(ledger.unusable, path)
    rows = pd.read_csv(path, dtype=str, keep_default_na=False)
    assert dict(zip(rows.drop(columns="problem").agg(",".join, axis=1), rows["problem"], strict=True)) == BAD
    assert sorted(file.name for file in tmp_path.iterdir()) == ["log.csv", "log.quarantine.csv"]


def test_a_failure_leaves_the_old_quarantine_file(mostly_good, tmp_path, monkeypatch):
    ledger, path = ledger_from(mostly_good, max_bad_share=0.03), tmp_path / "log.quarantine.csv"
    path.write_text("of yesterday")

    def no_space(self, target):
        raise OSError(errno.ENOSPC, "no space left on device")

    monkeypatch.setattr(Path, "replace", no_space)
    with pytest.raises(RegularsError, match=r"log\.quarantine\.csv cannot be written: no space left on device"):
        write_quarantine(ledger.unusable, path)
    monkeypatch.undo()
    mostly_good.unlink()
    with pytest.raises(LogError, match="cannot be written to"):
        write_quarantine(ledger.unusable, path)
    assert path.read_text() == "of yesterday"
    assert [file.name for file in tmp_path.iterdir()] == ["log.quarantine.csv"]


def test_a_quarantine_folder_that_is_not_there_is_refused(mostly_good, tmp_path):
    ledger = ledger_from(mostly_good, max_bad_share=0.03)
    with pytest.raises(RegularsError, match=r"nowhere.*the folder does not exist"):
        write_quarantine(ledger.unusable, tmp_path / "nowhere" / "log.quarantine.csv")


# Too many unusable rows


def test_too_many_unusable_rows_are_refused_with_count_examples_and_remedy(mostly_good):
    message = refusal(mostly_good)
    assert message.startswith(f"{mostly_good}: 6 of 200 rows (3.0%) cannot be used (")
    assert "1 no customer, 2 no readable date, 1 dated after today, 2 amount is not a number" in message
    assert "more than the allowed 1.0%" in message
    lines = message.splitlines()[1:4]
    assert [f"row {row}" in line for row, line in zip((101, 102, 103), lines, strict=True)] == [True] * 3
    assert ["no customer" in lines[0], "'soon'" in lines[1], "'2026-11-22'" in lines[2]] == [True] * 3
    assert message.splitlines()[4] == (
        "Rows without a customer are ordinary in shops. "
        "Mend the log, map other columns, or allow them with --max-bad-share 0.03."
    )


def test_the_first_offending_rows_of_a_large_log_are_its_first(tmp_path):
    n, bad = 200_000, {150_001: "x", 60_123: "y", 60_124: "z", 190_000: "w", 60_125: "v"}
    days = pa.array([bad.get(row, "2026-11-01") for row in range(1, n + 1)])
    table = pa.table({"customer_id": pa.repeat("7", n), "timestamp": days, "amount": pa.repeat(1.0, n)})
    pyarrow.parquet.write_table(table, tmp_path / "log.parquet", row_group_size=5_000)
    found = [line.split("row ")[1] for line in refusal(tmp_path / "log.parquet", max_bad_share=0.0).splitlines()[1:4]]
    assert found == ["60123", "60124", "60125"]


def test_the_share_in_the_remedy_is_enough(mostly_good):
    share = float(refusal(mostly_good).rstrip(".").rpartition(" ")[2])
    assert ledger_from(mostly_good, max_bad_share=share).quality.bad_rows == 6


def test_the_allowed_share_itself_is_allowed(tmp_path):
    path = csv_log(tmp_path / "log.csv", *GOOD[:99], "7,soon,1")
    assert ledger_from(path).quality.bad_share == 0.01
    assert "1 of 99 rows (1.0%)" in refusal(csv_log(path, *GOOD[:98], "7,soon,1"))


def test_a_log_of_which_no_row_can_be_used_points_to_the_mapping(tmp_path):
    path = csv_log(tmp_path / "log.csv", "7,soon,1", "8,later,2")
    assert "No row can be used: check the column mapping (--customer-id, --timestamp, --amount)." in refusal(
        path, max_bad_share=1.0
    )


@pytest.mark.parametrize("amounts", [("ten", "eleven"), ("1,50", "2,50"), ("€ 3", "€ 4")])
def test_amounts_that_are_text_are_refused_and_shown(amounts, tmp_path):
    table = pa.table({"customer_id": ["7", "8"], "timestamp": ["2026-11-01"] * 2, "amount": list(amounts)})
    pyarrow.parquet.write_table(table, tmp_path / "log.parquet")
    message = refusal(tmp_path / "log.parquet")
    assert "2 of 2 rows (100.0%) cannot be used (2 amount is not a number)" in message
    assert f"amount {amounts[0]!r}" in message


def test_an_amount_column_that_is_no_number_is_refused():
    table = pa.table({"customer_id": ["7"], "timestamp": ["2026-11-01"], "amount": [True]})
    assert "amount column 'amount' is boolean, not a number: map it with --amount COLUMN" in refusal(table)


def test_a_log_of_refunds_only_is_refused_with_a_question(tmp_path):
    message = refusal(csv_log(tmp_path / "log.csv", "7,2026-11-01,-1", "8,2026-11-02,-2", "9,2026-11-02,0"))
    assert "no row has a positive amount (2 of 3 are negative)" in message
    assert "is the sign of the amount reversed, or the wrong column mapped?" in message
