"""Every format that people have gives the same ledger, and every id stays the text that it is."""

import json
import sqlite3
from contextlib import closing

import ibis
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest
from deltalake import DeltaTable, write_deltalake
from written_logs import LOG, content, csv_log, json_log, ledger_from, rows_of

from regulars.errors import LogError


@pytest.fixture(scope="module")
def expected():
    return content(ledger_from(LOG))


# Formats


def write_sqlite(path):
    with closing(sqlite3.connect(path)) as database:
        frame = LOG.to_pandas()
        frame.assign(timestamp=frame["timestamp"].astype(str)).to_sql("order lines", database, index=False)
    return f"sqlite:///{path}#order lines"


def write_delta(path, **options):
    write_deltalake(path, LOG, **options)
    return path


def write_json(path, rows):
    return json_log(path, *[{**row, "timestamp": row["timestamp"].isoformat()} for row in rows])


def write_csv(path, **options):
    pyarrow.csv.write_csv(LOG, path, **options)
    return path


def write_compressed(path):
    with pa.output_stream(path, compression="gzip") as stream:
        pyarrow.csv.write_csv(LOG, stream)
    return path


def write_json_array(path):
    rows = [{**row, "timestamp": row["timestamp"].isoformat()} for row in LOG.to_pylist()]
    path.write_text(json.dumps(rows))
    return path


def other_engine():
    return ibis.duckdb.connect().create_table("log", LOG)


SEMICOLONS = pyarrow.csv.WriteOptions(delimiter=";")
SOURCES = {
    "pandas": lambda folder: LOG.to_pandas(),
    "ibis in memory": lambda folder: ibis.memtable(LOG),
    "ibis on an engine of its own": lambda folder: other_engine(),
    "csv": lambda folder: write_csv(folder / "log.csv"),
    "csv with semicolons": lambda folder: write_csv(folder / "log.txt", write_options=SEMICOLONS),
    "csv, compressed": lambda folder: write_compressed(folder / "log.csv.gz"),
    "json lines": lambda folder: write_json(folder / "log.jsonl", LOG.to_pylist()),
    "json array": lambda folder: write_json_array(folder / "log.json"),
    "delta": lambda folder: write_delta(folder / "delta"),
    "delta, partitioned": lambda folder: write_delta(folder / "delta", partition_by=["customer_id"]),
    "sqlite": lambda folder: write_sqlite(folder / "shop.db"),
}


@pytest.mark.parametrize("kind", SOURCES)
def test_every_format_gives_the_same_ledger(kind, tmp_path, expected):
    assert content(ledger_from(SOURCES[kind](tmp_path))) == expected


def test_rows_deleted_from_a_delta_table_are_not_read(tmp_path):
    write_deltalake(tmp_path, LOG)
    DeltaTable(tmp_path).delete("customer_id = '007'")
    assert "007" not in {row["customer_id"] for row in rows_of(ledger_from(tmp_path))}


def test_a_delta_table_that_marks_deleted_rows_beside_its_files_is_refused(tmp_path):
    write_deltalake(tmp_path, pa.table({"customer_id": ["7"], "timestamp": ["2024-01-01"], "amount": [1.0]}))
    commit = tmp_path / "_delta_log" / f"{0:020d}.json"
    protocol = {"minReaderVersion": 3, "minWriterVersion": 7}
    features = {"readerFeatures": ["deletionVectors"], "writerFeatures": ["deletionVectors"]}
    actions = [json.loads(line) for line in commit.read_text().splitlines()]
    lines = [{"protocol": protocol | features} if "protocol" in action else action for action in actions]
    commit.write_text("\n".join(json.dumps(line) for line in lines))
    with pytest.raises(LogError, match=r"Delta table cannot be read: .*deletionVectors"):
        ledger_from(tmp_path)


def test_a_database_log_names_its_table_and_hides_its_password(tmp_path):
    url = write_sqlite(tmp_path / "shop.db")
    with pytest.raises(LogError, match="name the table after a #"):
        ledger_from(url.partition("#")[0])
    with pytest.raises(LogError, match="the database has no table 'orders'"):
        ledger_from(url.replace("order lines", "orders"))
    with pytest.raises(LogError, match="nosuchengine://host/shop#orders: ") as refusal:
        ledger_from("nosuchengine://me:secret@host/shop#orders")
    assert "secret" not in str(refusal.value)


# Customer ids


IDS = ["007", "7", "00007", "Zoë", "客户", "🛒", "a,b", 'say "hi"', "c|d", " 8", "NULL", "nan", "None", "true"]
LIKE_OTHER_KINDS = ["2024-01-01", "12:30", "ABCDEF12-1234-1234-1234-1234567890AB", "1e3", "0x1F", "12345.0"]


def test_ids_survive_as_the_text_that_they_are_in_every_format(tmp_path):
    ids = [*IDS, *LIKE_OTHER_KINDS]
    table = pa.table({"customer_id": ids, "timestamp": ["2024-01-01"] * len(ids), "amount": [1.0] * len(ids)})
    pyarrow.csv.write_csv(table, tmp_path / "log.csv")
    pyarrow.parquet.write_table(table, tmp_path / "log.parquet")
    json_log(tmp_path / "log.jsonl", *table.to_pylist())
    for name in ("log.csv", "log.parquet", "log.jsonl"):
        assert {row["customer_id"] for row in rows_of(ledger_from(tmp_path / name))} == set(ids), name


@pytest.mark.parametrize("text", LIKE_OTHER_KINDS)
def test_ids_survive_where_all_of_them_are_like_another_kind(text, tmp_path):
    path = json_log(tmp_path / "log.jsonl", {"customer_id": text, "timestamp": "2024-01-01", "amount": 1})
    assert [row["customer_id"] for row in rows_of(ledger_from(path))] == [text]


@pytest.mark.parametrize(
    "ids",
    [
        pa.array([12345, 12346, 12345]),
        pa.array([12345.0, 12346.0, 12345.0]),
        pa.array([12345, 12346, 12345], pa.int32()),
        pa.array([12345, 12346, 12345]).cast(pa.decimal128(19, 0)),
    ],
    ids=["whole numbers", "floats", "short whole numbers", "decimals"],
)
def test_ids_that_are_numbers_become_their_digits(ids, tmp_path):
    table = pa.table({"customer_id": ids, "timestamp": ["2024-01-01"] * 3, "amount": [1.0] * 3})
    pyarrow.parquet.write_table(table, tmp_path / "log.parquet")
    assert [row["customer_id"] for row in rows_of(ledger_from(tmp_path / "log.parquet"))] == ["12345", "12346"]


def test_ids_that_are_floats_because_some_are_missing_become_their_digits(tmp_path):
    frame = pd.DataFrame({"customer_id": [12345, None, 7], "timestamp": "2024-01-01", "amount": 1.0})
    arrow = pa.table({"customer_id": [12345.0, float("nan"), 7.0], "timestamp": ["2024-01-01"] * 3, "amount": [1] * 3})
    lines = json_log(tmp_path / "log.jsonl", *frame.astype(object).where(frame.notna(), None).to_dict("records"))
    for source in (frame, arrow, lines):
        ledger = ledger_from(source, max_bad_share=0.5)
        assert [row["customer_id"] for row in rows_of(ledger)] == ["12345", "7"]
        assert ledger.quality.problems == {"no customer": 1}


def test_ids_of_which_some_are_numbers_and_some_text_are_text(tmp_path):
    frame = pd.DataFrame({"customer_id": [536365, "C536379", None], "timestamp": "2024-01-01", "amount": 1.0})
    lines = json_log(tmp_path / "log.jsonl", *frame.to_dict("records"))
    for source in (frame, lines):
        found = rows_of(ledger_from(source, max_bad_share=0.5))
        assert [row["customer_id"] for row in found] == ["536365", "C536379"]


def test_kinds_that_change_after_many_rows_of_json_are_read_all_the_same(tmp_path):
    many = [{"customer_id": 7, "timestamp": "2024-01-01", "amount": 1}] * 25_000
    odd = {"customer_id": "x8", "timestamp": "2024-01-02T10:00:00Z", "amount": 1.5, "product_id": "p"}
    ledger = ledger_from(json_log(tmp_path / "log.jsonl", *many, odd, {**odd, "timestamp": "soon"}))
    assert [(row["customer_id"], row["net"], row["products"]) for row in rows_of(ledger)] == [
        ("7", 250_000_000, 0),
        ("x8", 15_000, 1),
    ]
    assert ledger.quality.problems == {"no readable date": 1}


# CSV as it is met


def test_a_byte_order_mark_is_no_part_of_the_first_column(tmp_path):
    (tmp_path / "log.csv").write_bytes(b"\xef\xbb\xbfcustomer_id,timestamp,amount\r\n007,2024-01-01,1.5\r\n")
    assert [(row["customer_id"], row["net"]) for row in rows_of(ledger_from(tmp_path / "log.csv"))] == [("007", 15_000)]


def test_quoted_values_may_hold_commas_quotes_and_line_ends(tmp_path):
    path = csv_log(tmp_path / "log.csv", '"00,7","2024-01-01","1.5"', '"a ""b""",2024-01-02,2', '"c\nd",2024-01-03,3')
    assert [row["customer_id"] for row in rows_of(ledger_from(path))] == ["00,7", 'a "b"', "c\nd"]


def test_the_first_quoted_value_may_come_after_many_rows(tmp_path):
    path = csv_log(
        tmp_path / "log.csv", *["007,2024-01-01,1"] * 25_000, '"00,8",2024-01-02,2', '"a ""b""",2024-01-03,3'
    )
    assert [row["customer_id"] for row in rows_of(ledger_from(path))] == ["00,8", "007", 'a "b"']


def test_ids_that_begin_with_a_hash_are_no_comments(tmp_path):
    path = csv_log(tmp_path / "log.csv", "#007,2024-01-01,1", "#8,2024-01-02,2")
    assert [row["customer_id"] for row in rows_of(ledger_from(path))] == ["#007", "#8"]


def test_spaces_around_an_amount_are_no_part_of_it(tmp_path):
    assert ledger_from(csv_log(tmp_path / "log.csv", "7,2024-01-01, 1.5 ")).quality.net == 1.5
