"""A log that is not there, cannot be read or breaks its contract: one message that names it and what to do."""

from pathlib import Path

import pyarrow as pa
import pytest
from written_logs import csv_log, refusal

import regulars
from features.ledger import build_ledger
from features.log import Columns, Log
from regulars.errors import RegularsError

CDNOW = Path(regulars.__file__).parent / "data" / "cdnow.parquet"
GOOD = [f"{n:03d},2026-11-{1 + n % 20:02d},10" for n in range(194)]


# What is not there, and what cannot be read


def test_a_file_that_is_not_there_is_named(tmp_path):
    message = refusal(tmp_path / "lgo.csv")
    assert message.startswith(f"{tmp_path / 'lgo.csv'}: no such file; give a file, a folder or a glob")
    assert "no such file" in refusal(tmp_path / "*.csv")
    assert "that folder holds no log" in refusal(tmp_path)


@pytest.mark.parametrize("name", ["log.csv", "log.jsonl", "log.parquet"])
def test_an_empty_file_is_refused(name, tmp_path):
    (tmp_path / name).touch()
    assert refusal(tmp_path / name).startswith(f"{name}: the log is empty")


def test_a_header_alone_is_refused_with_its_columns(tmp_path):
    assert refusal(csv_log(tmp_path / "log.csv")).endswith(
        "the log is empty: it has the columns customer_id, timestamp, amount and no row"
    )


def test_a_table_without_rows_is_refused():
    table = pa.schema([("customer_id", "string"), ("timestamp", "date32"), ("amount", "float64")]).empty_table()
    assert "the log is empty" in refusal(table)


def test_a_missing_column_is_named_beside_the_nearest_ones_and_the_flag(tmp_path):
    message = refusal(csv_log(tmp_path / "log.csv", "7,2026-11-01,1", header="CustomerID,timestamp,amount"))
    assert "customer_id = 'customer_id' (the default): There is no column 'customer_id'." in message
    assert "Did you mean 'CustomerID'?" in message
    assert message.endswith("Columns: CustomerID, timestamp, amount. Map it with --customer-id COLUMN.")
    mapped = refusal(tmp_path / "log.csv", Columns("CustomerID", order_id="Invoice"))
    assert "order_id = 'Invoice': There is no column 'Invoice'." in mapped
    assert mapped.endswith("Map it with --order-id COLUMN.")


@pytest.mark.parametrize("name", ["log.xlsx", "log", "log.csv.zip"])
def test_a_format_that_is_not_known_is_refused_with_those_that_are(name, tmp_path):
    (tmp_path / name).write_text("customer_id,timestamp,amount\n")
    message = refusal(tmp_path / name)
    assert message.startswith(f"{(tmp_path / name).resolve()}: give files of one format, of these: .parquet, ")


def test_files_of_different_formats_are_refused_and_the_odd_one_named(tmp_path):
    csv_log(tmp_path / "1.csv", *GOOD)
    (tmp_path / "2.jsonl").write_text("{}")
    for source in (tmp_path, [tmp_path / "1.csv", tmp_path / "2.jsonl"]):
        assert "2.jsonl: give files of one format" in refusal(source)


@pytest.mark.parametrize("zone", ["Mars/Phobos", "europe_paris", "../etc/passwd", "", "UTC'; DROP TABLE log; --"])
def test_an_unknown_time_zone_is_refused(zone, tmp_path):
    path = csv_log(tmp_path / "log.csv", *GOOD)
    assert "unknown time zone" in refusal(path, time_zone=zone)


def test_a_memory_limit_that_cannot_be_read_is_refused(tmp_path):
    with pytest.raises(RegularsError, match="memory='lots'"):
        build_ledger(Log(csv_log(tmp_path / "log.csv", *GOOD)), memory="lots")


def test_a_truncated_parquet_file_is_refused(tmp_path):
    (tmp_path / "log.parquet").write_bytes(CDNOW.read_bytes()[:50_000])
    assert refusal(tmp_path / "log.parquet").startswith("log.parquet cannot be read: ")


def test_a_damaged_parquet_file_is_refused(tmp_path):
    content = bytearray(CDNOW.read_bytes())
    content[3_000:40_000] = bytes(37_000)
    (tmp_path / "log.parquet").write_bytes(content)
    message = refusal(tmp_path / "log.parquet", Columns(timestamp="date"))
    assert message.startswith(f"{tmp_path / 'log.parquet'} cannot be read: ")


def test_a_row_of_another_width_is_refused_with_its_line(tmp_path):
    message = refusal(csv_log(tmp_path / "log.csv", *GOOD * 150, "008,2026-11-01"))
    assert "log.csv cannot be read: " in message
    assert f"Line: {len(GOOD) * 150 + 2}" in message
    assert "Original Line: 008,2026-11-01; Expected Number of Columns: 3 Found: 2" in message
    assert "strict_mode" not in message, "hints about the options of the engine"


def test_a_file_in_another_encoding_is_refused_with_the_reason(tmp_path):
    for encoding in ("latin-1", "utf-16"):
        (tmp_path / "log.csv").write_text("customer_id,timestamp,amount\nZoë,2026-11-01,1\n", encoding=encoding)
        assert "This file is not utf-8 encoded" in refusal(tmp_path / "log.csv")


def test_json_that_breaks_off_is_refused(tmp_path):
    (tmp_path / "log.jsonl").write_text('{"customer_id": "7", "timestamp": "2026-11-01", "amount": 1}\n{"customer_id":')
    assert refusal(tmp_path / "log.jsonl").startswith("log.jsonl cannot be read: ")


@pytest.mark.parametrize("source", [42, object()])
def test_what_is_no_table_is_refused(source):
    assert "is no transaction log: give a path, a database URL, or a pandas, Arrow or Ibis table" in refusal(source)


# The customers table


def test_a_customers_table_without_customer_id_is_refused(tmp_path):
    log, customers = csv_log(tmp_path / "log.csv", *GOOD), csv_log(tmp_path / "c.csv", "7,FR", header="id,country")
    message = refusal(log, customers=customers)
    assert message == f"the customers table {customers} has no column customer_id; it has id, country"


def test_a_customers_table_with_two_rows_for_a_customer_is_refused(tmp_path):
    log = csv_log(tmp_path / "log.csv", *GOOD)
    customers = csv_log(tmp_path / "c.csv", "1,FR", "007,DE", "007,DE", header="customer_id,country")
    assert "has more than one row for customer 007: keep one row a customer" in refusal(log, customers=customers)


def test_a_customers_table_that_is_not_there_is_refused(tmp_path):
    log = csv_log(tmp_path / "log.csv", *GOOD)
    assert refusal(log, customers=tmp_path / "c.csv").startswith(f"{tmp_path / 'c.csv'}: no such file")
