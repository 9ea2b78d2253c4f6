"""Transactions: the day that a timestamp falls on, and the columns and expressions that a log is mapped by."""

from datetime import UTC, date, datetime, timedelta

import pyarrow as pa
import pyarrow.parquet
import pytest
from written_logs import csv_log, customers_and_days, json_log, ledger_from, rows_of

from features.log import Columns
from regulars.errors import LogError

# Days


def test_a_timestamp_with_an_offset_falls_on_its_business_day(tmp_path):
    late = datetime(2024, 1, 5, 23, 30, tzinfo=UTC)
    table = pa.table({"customer_id": ["7"], "timestamp": pa.array([late], pa.timestamp("us", "UTC")), "amount": [1.0]})
    pyarrow.parquet.write_table(table, tmp_path / "log.parquet")
    sources = [
        table,
        table.to_pandas(),
        tmp_path / "log.parquet",
        csv_log(tmp_path / "log.csv", "7,2024-01-05T23:30:00Z,1"),
        csv_log(tmp_path / "offset.csv", "7,2024-01-05 18:30:00-05:00,1"),
        json_log(tmp_path / "log.jsonl", {"customer_id": 7, "timestamp": "2024-01-05T23:30:00+00:00", "amount": 1}),
    ]
    for source in sources:
        assert customers_and_days(ledger_from(source, time_zone="Europe/Paris")) == [("7", date(2024, 1, 6))]
    for zone in ("UTC", "America/New_York"):
        assert customers_and_days(ledger_from(table, time_zone=zone)) == [("7", date(2024, 1, 5))]


def test_a_timestamp_without_an_offset_is_local(tmp_path):
    late = datetime(2024, 1, 5, 23, 30)
    table = pa.table({"customer_id": ["7"], "timestamp": [late], "amount": [1.0]})
    sources = [
        table,
        csv_log(tmp_path / "log.csv", "7,2024-01-05T23:30:00,1"),
        csv_log(tmp_path / "day.csv", "7,2024-01-05,1"),
    ]
    for source in sources:
        assert customers_and_days(ledger_from(source, time_zone="Pacific/Auckland")) == [("7", date(2024, 1, 5))]


def test_days_on_which_the_clock_changes_are_whole_days(tmp_path):
    hours = [datetime(2024, 3, 30, 22, tzinfo=UTC) + timedelta(hours=n) for n in range(26)]
    lines = [f"7,{hour.isoformat()},1" for hour in hours]
    found = rows_of(ledger_from(csv_log(tmp_path / "log.csv", *lines), time_zone="Europe/Paris"))
    assert [(row["day"].isoformat(), row["rows"]) for row in found] == [
        ("2024-03-30", 1),
        ("2024-03-31", 23),
        ("2024-04-01", 2),
    ]


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("29/02/2024", "%d/%m/%Y"),
        ("02/29/2024 13:05", "%m/%d/%Y %H:%M"),
        ("20240229", "%Y%m%d"),
        ("29.02.24", "%d.%m.%y"),
    ],
)
def test_a_timestamp_format_reads_days_that_are_not_iso(text, form, tmp_path):
    path = csv_log(tmp_path / "log.csv", f"7,{text},1")
    found = customers_and_days(ledger_from(path, Columns(timestamp_format=form)))
    assert found == [("7", date(2024, 2, 29))]


def test_a_timestamp_format_reads_days_that_are_numbers():
    table = pa.table({"customer_id": ["7"], "timestamp": [20240229], "amount": [1.0]})
    found = customers_and_days(ledger_from(table, Columns(timestamp_format="%Y%m%d")))
    assert found == [("7", date(2024, 2, 29))]
    with pytest.raises(LogError, match="timestamp column 'timestamp' is int64, not a date: give --timestamp-format"):
        ledger_from(table)


def test_a_leap_day_that_is_none_cannot_be_read(tmp_path):
    lines = ["7,2024-02-29,1", "7,2023-02-29,1", "7,2023-02-28,1"]
    ledger = ledger_from(csv_log(tmp_path / "log.csv", *lines), max_bad_share=0.5)
    assert customers_and_days(ledger) == [("7", date(2023, 2, 28)), ("7", date(2024, 2, 29))]
    assert ledger.quality.problems == {"no readable date": 1}


# Mapping


def test_columns_are_mapped_by_name_and_by_expression(tmp_path):
    header = "Customer ID,InvoiceDate,Quantity,Price,Invoice,StockCode"
    path = csv_log(tmp_path / "log.csv", "017,2024-01-01,2,1.25,A1,x", "017,2024-01-01,-1,0.5,A2,y", header=header)
    columns = Columns("Customer ID", "InvoiceDate", "Quantity * Price", "Invoice", "StockCode", quantity="Quantity")
    row = rows_of(ledger_from(path, columns))[0]
    names = ("customer_id", "net", "gross", "orders", "items", "products")
    assert tuple(row[name] for name in names) == ("017", 20_000, 25_000, 1, 20_000, 1)


def test_optional_columns_are_used_where_the_log_has_their_names(tmp_path):
    header = "customer_id,timestamp,amount,category,Channel,quantity"
    days = ledger_from(csv_log(tmp_path / "log.csv", "7,2024-01-01,1,x,web,2", header=header)).days
    assert {"categories", "items"} < set(days.columns)
    assert not {"channels", "products"} & set(days.columns)


def test_money_is_exact_to_ten_thousandths_and_rounded_there():
    table = pa.table(
        {"customer_id": ["7"] * 5, "timestamp": ["2024-01-01"] * 5, "amount": [0.1, 0.2, 0.00004, 0.00006, -0.3]}
    )
    assert rows_of(ledger_from(table))[0]["net"] == 1
