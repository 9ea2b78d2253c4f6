"""The ledger: the same rows give the same ledger, whatever their order, their files and the number of threads."""

from datetime import date, datetime

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_logs import RUNS, ledger_of, random_logs
from written_logs import LOG, content, csv_log, ledger_from, rows_of

from features.ledger import build_ledger
from features.log import Log
from features.snapshot import KEYS, snapshot
from regulars.errors import LogError


@pytest.fixture(scope="module")
def expected():
    return content(ledger_from(LOG))


# What a ledger holds


def test_a_ledger_has_one_row_a_customer_day():
    rows = pa.table(
        {
            "customer_id": ["7"] * 7,
            "timestamp": [f"2024-01-0{day}T12:30" for day in (1, 1, 3, 3, 4, 6, 6)],
            "amount": [10.0, 5.5, 20.0, -4.0, -1.0, 0.0, 7.0],
            "order_id": ["a", "a", "b", "b", None, "c", "d"],
            "product_id": ["p", "q", "p", "q", "p", "z", "r"],
            "quantity": [1.0, 2.0, 0.5, -1.0, -1.0, 9.0, 3.0],
        }
    )  # fmt: skip
    names = ("day", "net", "gross", "orders", "items", "products", "new_products", "squares_products")
    assert [tuple(row[name] for name in names) for row in rows_of(ledger_from(rows))] == [
        (date(2024, 1, 1), 155_000, 155_000, 1, 30_000, 2, 2, 2),
        (date(2024, 1, 3), 160_000, 200_000, 1, 5_000, 1, 0, 3),
        (date(2024, 1, 4), -10_000, 0, 0, 0, 0, 0, 0),
        (date(2024, 1, 6), 70_000, 70_000, 1, 30_000, 1, 1, 1),
    ]


def test_purchase_days_are_numbered_and_know_the_gap_before_and_the_purchase_after():
    days = ["2024-02-28", "2024-02-29", "2024-03-01", "2024-03-02", "2024-03-10"]
    rows = pa.table({"customer_id": ["7"] * 5, "timestamp": days, "amount": [1.0, -1.0, 1.0, 0.0, 1.0]})
    names = ("purchase", "purchase_number", "gap_days", "next_purchase")
    assert [tuple(row[name] for name in names) for row in rows_of(ledger_from(rows))] == [
        (True, 1, None, date(2024, 3, 1)),
        (False, None, None, None),
        (True, 2, 2, date(2024, 3, 10)),
        (False, None, None, None),
        (True, 3, 9, None),
    ]


def test_the_span_is_the_first_and_the_last_day_of_the_usable_rows():
    span = ledger_from(LOG).span
    assert (span.first_day, span.last_day, span.end) == (date(2024, 2, 28), date(2024, 2, 29), date(2024, 3, 1))


def test_rows_that_are_the_same_in_every_column_are_counted_and_kept():
    repeated = pa.concat_tables([LOG, LOG.slice(0, 2)])
    ledger = ledger_from(repeated)
    assert (ledger.repeated_rows(), ledger_from(LOG).repeated_rows()) == (2, 0)
    assert ledger.quality.net == pytest.approx(ledger_from(LOG).quality.net + 3.75)


# Row order, files and threads


@settings(RUNS, max_examples=3)
@given(rows=random_logs(), seed=st.integers(0, 2**32 - 1))
def test_row_order_changes_nothing(rows, seed):
    assert content(ledger_of(rows.sample(frac=1, random_state=seed))) == content(ledger_of(rows))


def test_files_folders_and_globs_of_one_log_give_one_ledger(tmp_path, expected):
    folder = tmp_path / "log" / "2024"
    folder.mkdir(parents=True)
    for part in range(3):
        pyarrow.parquet.write_table(LOG.take(list(range(part, 8, 3))), folder / f"{part}.parquet")
    (folder / "notes.md").write_text("not a part of the log")
    files = [folder / f"{part}.parquet" for part in (2, 0, 1)]
    for source in (
        files,
        [*files, str(files[0]), folder / ".." / "2024" / "1.parquet"],
        folder,
        tmp_path / "log",
        str(folder / "*.parquet"),
        str(tmp_path / "**" / "[0-2].parquet"),
        [files[0], str(folder / "[01].parquet")],
    ):
        assert content(ledger_from(source)) == expected, source


def test_files_may_hold_the_columns_in_any_order_and_lack_optional_ones(tmp_path):
    csv_log(tmp_path / "1.csv", "007,2024-01-01,1", "8,2024-01-02,2")
    csv_log(tmp_path / "2.csv", "p1,3,2024-01-03,007", header="product_id,amount,timestamp,customer_id")
    found = [(row["customer_id"], row["net"], row["products"]) for row in rows_of(ledger_from(tmp_path))]
    assert found == [("007", 10_000, 0), ("007", 30_000, 1), ("8", 20_000, 0)]


@pytest.fixture(scope="module")
def large_log(tmp_path_factory):
    """200,000 rows in row groups that several threads share."""
    random = np.random.default_rng(7)
    n = 200_000
    table = pa.table(
        {
            "customer_id": pa.array(random.integers(0, 5_000, n)).cast(pa.string()),
            "timestamp": pa.array(random.integers(18_000, 19_400, n).astype("int32")).cast(pa.date32()),
            "amount": np.round(random.lognormal(3, 1.5, n) * random.choice([1, 1, 1, -1], n), 4),
            "product_id": pa.array(random.integers(0, 300, n)).cast(pa.string()),
        }
    )
    path = tmp_path_factory.mktemp("large") / "log.parquet"
    pyarrow.parquet.write_table(table, path, row_group_size=10_000)
    return path


@pytest.mark.slow
def test_the_number_of_threads_and_the_order_of_many_rows_change_no_bit(large_log, tmp_path):
    table = pyarrow.parquet.read_table(large_log)
    shuffled = tmp_path / "shuffled.parquet"
    order = np.random.default_rng(8).permutation(table.num_rows)
    pyarrow.parquet.write_table(table.take(order), shuffled, row_group_size=7_000)

    one, four = build_ledger(Log(large_log), threads=1), build_ledger(Log(shuffled), threads=4)
    assert (one.fingerprint, one.quality) == (four.fingerprint, four.quality)
    alone, together = (snapshot(ledger, date(2022, 12, 1)).order_by(*KEYS).to_pyarrow() for ledger in (one, four))
    assert alone.num_rows > 4_900
    assert alone.equals(together)


# The fingerprint


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("customer_id", "07"),
        ("timestamp", datetime(2024, 2, 27)),
        ("amount", 1.51),
        ("amount", -1.5),
        ("product_id", "p9"),
        ("quantity", 4),
    ],
)
def test_the_fingerprint_tells_a_changed_value(column, value, expected):
    rows = LOG.to_pylist()
    changed = pa.Table.from_pylist([{**rows[0], column: value}, *rows[1:]], schema=LOG.schema)
    assert ledger_from(changed).fingerprint != expected[1]


def test_the_fingerprint_tells_missing_and_swapped_rows(expected):
    rows = LOG.to_pylist()
    swapped = [{**rows[0], "amount": 10.0}, *rows[1:4], {**rows[4], "amount": 1.5}, *rows[5:]]
    for changed in (rows[:-1], swapped, [*rows, rows[0]]):
        assert ledger_from(pa.Table.from_pylist(changed, schema=LOG.schema)).fingerprint != expected[1]


def test_the_fingerprint_is_sixteen_digits_that_outlive_the_process():
    log = pa.table({"customer_id": ["007"], "timestamp": ["2024-02-29"], "amount": [12.5]})
    assert ledger_from(log).fingerprint == "a01ec32784a6d344"


# Attributes of customers


def test_attributes_join_the_snapshot_as_numbers_and_texts():
    customers = pa.table(
        {"customer_id": ["007", "8"], "cost": [2, 3], "consent": [True, None], "country": ["FR", None]}
    )
    ledger = ledger_from(LOG, customers=customers)
    table = snapshot(ledger, date(2024, 3, 1)).select("customer_id", "cost", "consent", "country").to_pyarrow()
    rows = {row.pop("customer_id"): row for row in table.to_pylist()}
    assert rows["007"] == {"cost": 2.0, "consent": 1.0, "country": "FR"}
    assert rows["Zoë" if "Zoë" in rows else "a,b"] == {"cost": None, "consent": None, "country": None}
    assert "8" not in rows


def test_attributes_know_a_customer_by_the_same_text_as_the_log():
    log = pa.table({"customer_id": [12345.0], "timestamp": ["2024-01-01"], "amount": [1.0]})
    customers = pd.DataFrame({"customer_id": [12345], "country": ["FR"]})
    table = snapshot(ledger_from(log, customers=customers), date(2024, 3, 1)).to_pyarrow()
    assert table["country"].to_pylist() == ["FR"]


def test_an_attribute_may_have_the_name_of_a_column_that_is_no_feature():
    customers = pa.table({"customer_id": ["007"], "gross": [77.0], "net": [78.0]})
    table = snapshot(ledger_from(LOG, customers=customers), date(2024, 3, 1)).to_pyarrow()
    rows = {row["customer_id"]: (row["gross"], row["net"]) for row in table.to_pylist()}
    assert rows["007"] == (77.0, 78.0)


@pytest.mark.parametrize("name", ["spend", "Recency_Days", "as_of"])
def test_an_attribute_that_has_the_name_of_a_feature_is_refused(name):
    customers = pa.table({"customer_id": ["007"], name: [1.0]})
    with pytest.raises(LogError, match=f"customers table .* calls a column {name.lower()}, .* rename it"):
        ledger_from(LOG, customers=customers)
