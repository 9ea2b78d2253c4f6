"""The catalogue says of every column of a snapshot what it is, and of nothing else."""

from datetime import date
from functools import cache
from string import Formatter

import pandas as pd
import pyarrow as pa
import pytest
from random_logs import ledger_of

from features.catalogue import catalogue
from features.ledger import build_ledger
from features.log import Log
from features.snapshot import KEYS, snapshot

UNITS = {"days", "money", "count", "share", "ratio", "level"}
REQUIRED = {
    "customer_id": ["007", "007", "8"],
    "timestamp": ["2024-01-01", "2024-02-01", "2024-03-01"],
    "amount": [1.0, 2.5, 9.0],
}
OPTIONAL = {
    "order_id": ["a", "b", "c"],
    "product_id": ["p", "p", "q"],
    "category": ["x", "y", "x"],
    "channel": ["web", "web", "store"],
    "quantity": [1, 2, 3],
}
ATTRIBUTES = pa.table({"country": ["FR", "DE"], "customer_id": ["007", "8"], "acquisition_cost": [3, None]})
LOGS = {
    "the required columns": [],
    "orders": ["order_id"],
    "products": ["product_id"],
    "categories": ["category"],
    "channels": ["channel"],
    "quantities": ["quantity"],
    "everything": list(OPTIONAL),
}


def log_with(columns):
    return pa.table(REQUIRED | {name: OPTIONAL[name] for name in columns}).to_pandas()


@cache
def ledger_with(*columns):
    return ledger_of(log_with(columns))


@pytest.fixture(scope="module")
def fullest():
    return ledger_of(log_with(OPTIONAL), customers=ATTRIBUTES)


@pytest.mark.parametrize("columns", LOGS.values(), ids=LOGS)
def test_a_snapshot_has_the_columns_of_the_catalogue_in_its_order(columns):
    ledger = ledger_with(*columns)
    table = snapshot(ledger, date(2024, 6, 1)).to_pyarrow()
    assert table.column_names == [*KEYS, *catalogue(ledger).index]
    assert set(table.schema.types[2:]) == {pa.float64()}


def test_attributes_stand_behind_the_features_with_the_level_that_they_have(fullest):
    table = snapshot(fullest, date(2024, 6, 1)).to_pyarrow()
    assert table.column_names == [*KEYS, *catalogue().index, "country", "acquisition_cost"]
    assert table.schema.types[-2:] == [pa.string(), pa.float64()]
    entries = catalogue(fullest).loc[["country", "acquisition_cost"]]
    assert entries[["family", "unit"]].to_numpy().tolist() == [["attributes", "level"]] * 2


def test_the_catalogue_without_a_ledger_names_what_the_fullest_log_can_feed(fullest):
    assert list(catalogue().index) == list(catalogue(ledger_with(*OPTIONAL)).index)
    assert list(catalogue().index) == list(catalogue(fullest).index[:-2])


@pytest.mark.parametrize(
    ("column", "family"),
    [("product_id", "products"), ("category", "categories"), ("channel", "channels"), ("quantity", "items")],
)
def test_an_optional_column_brings_a_family_of_its_own(column, family):
    without, bare = catalogue(ledger_with(*(name for name in OPTIONAL if name != column))), catalogue(ledger_with())
    assert family not in set(without["family"]) | set(bare["family"])
    own = catalogue().query("family == @family")
    assert len(own) >= 3
    assert set(catalogue(ledger_with(column)).index) == {*bare.index, *own.index}


def test_names_are_unique_and_plain(fullest):
    names = catalogue(fullest).index
    assert names.is_unique
    assert all(name.isidentifier() and name == name.lower() and not name.startswith("_") for name in names)
    assert not set(KEYS) & set(names)


def test_units_are_of_the_stated_set(fullest):
    assert set(catalogue(fullest)["unit"]) == UNITS


def test_every_sentence_is_one_that_ends_with_a_full_stop(fullest):
    sentences = catalogue(fullest)["sentence"]
    assert [text for text in sentences if not text.endswith(".") or text.endswith("..") or not text[0].isupper()] == []
    assert sentences.is_unique


def test_every_feature_belongs_to_a_family(fullest):
    families = catalogue(fullest)["family"]
    assert families.ne("").all()
    # A family's features stand together.
    assert families.ne(families.shift()).sum() == families.nunique()


@pytest.mark.parametrize("columns", LOGS.values(), ids=LOGS)
def test_reasons_speak_only_of_features_that_the_snapshot_has(columns):
    entries = catalogue(ledger_with(*columns))
    for name, reason in entries["reason"].dropna().items():
        fields = {field for _, field, _, _ in Formatter().parse(reason) if field is not None}
        assert fields <= set(entries.index), name


def test_reasons_can_be_said_of_every_customer_whose_features_are_known(fullest):
    rows = snapshot(fullest, date(2024, 6, 1)).to_pyarrow().to_pylist()
    said = {
        name: reason.format(**row)
        for row in rows
        for name, reason in catalogue(fullest)["reason"].dropna().items()
        if all(row[field] is not None for _, field, _, _ in Formatter().parse(reason) if field)
    }
    assert said["recency_days"] == "last order 92 days ago"
    assert said["spend"] == "9 spent in all"
    assert len(said) > 40
    assert not [text for text in said.values() if "{" in text or "nan" in text]


def test_attributes_of_a_csv_file_are_numbers_where_all_are_numbers_and_postcodes_stay_text(tmp_path):
    path = tmp_path / "customers.csv"
    path.write_text("customer_id,cost,postcode,country,empty\n1,12.5,01234,FR,\n2,,99999,,\n")
    log = pd.DataFrame({"customer_id": ["1", "2"], "timestamp": ["2024-01-01"] * 2, "amount": [1.0, 2.0]})
    found = snapshot(build_ledger(Log(log, customers=str(path))), date(2024, 2, 1)).to_pyarrow().to_pandas()
    found = found.set_index("customer_id").sort_index()
    assert found["cost"].tolist()[0] == 12.5
    assert found["postcode"].tolist() == ["01234", "99999"]
    assert found["country"].tolist()[0] == "FR"
