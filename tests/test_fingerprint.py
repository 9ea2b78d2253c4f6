"""Fingerprints: the same content has the same one, whatever its order; any other content has another."""

from datetime import date, timedelta
from itertools import combinations

import ibis
import pandas as pd
import pytest

from features.engine import connect
from features.fingerprint import SEQUENCE, fingerprint, month_fingerprints

SCHEMA = ibis.schema({"customer_id": "string", "day": "date", "net": "int64", "gross": "int64", "orders": "int64"})
START = date(2024, 1, 30)


@pytest.fixture(scope="module")
def connection():
    return connect(threads=2)


@pytest.fixture
def days():
    """Sixty days of three customers, in three months."""
    numbers = range(60)
    return pd.DataFrame(
        {
            "customer_id": [f"{n % 3:03d}" for n in numbers],
            "day": [START + timedelta(days=n) for n in numbers],
            "net": [n * 10_000 - 50_000 for n in numbers],
            "gross": [n * 10_000 for n in numbers],
            "orders": [n % 2 for n in numbers],
        }
    )


def table(connection, days, **kinds):
    schema = ibis.schema({**SCHEMA, **kinds})
    return connection.create_table("days", days[list(schema)], schema=schema, overwrite=True)


def print_of(connection, days, **kinds):
    return fingerprint(table(connection, days, **kinds))


def changed(days, row, **values):
    other = days.copy()
    for name, value in values.items():
        other.loc[row, name] = value
    return other


def test_the_order_of_rows_and_columns_changes_nothing(connection, days):
    expected = print_of(connection, days)
    for seed in range(3):
        shuffled = days.sample(frac=1, random_state=seed)
        assert print_of(connection, shuffled) == expected
    turned = connection.create_table("turned", days[list(SCHEMA)[::-1]], overwrite=True)
    assert fingerprint(turned.cast(dict(SCHEMA))) == expected
    assert len(expected) == 16
    assert int(expected, 16)


def test_it_stays_the_same_from_version_to_version(connection, days):
    assert print_of(connection, days) == "62e8d56f450e51fe"


def test_columns_that_follow_from_the_others_change_nothing(connection, days):
    expected = print_of(connection, days)
    for name in SEQUENCE:
        assert print_of(connection, days.assign(**{name: 7}), **{name: "int64"}) == expected


@pytest.mark.parametrize(
    ("name", "value"),
    [("customer_id", "01"), ("day", START - timedelta(days=1)), ("net", 1), ("gross", 200_001), ("orders", 9)],
)
def test_every_value_counts(connection, days, name, value):
    assert print_of(connection, changed(days, 20, **{name: value})) != print_of(connection, days)


def test_values_that_change_places_are_told(connection, days):
    expected = {print_of(connection, days)}
    for one, other in combinations(("net", "gross", "orders"), 2):
        swapped = changed(days, 20, **{one: days[other][20], other: days[one][20]})
        expected.add(print_of(connection, swapped))
    # Between days of one customer, and between customers.
    for row in (23, 21):
        both = changed(changed(days, 20, net=days["net"][row]), row, net=days["net"][20])
        expected.add(print_of(connection, both))
    assert len(expected) == 6


def test_a_day_that_is_missing_or_there_twice_is_told(connection, days):
    expected = print_of(connection, days)
    assert print_of(connection, days.drop(20)) != expected
    assert print_of(connection, pd.concat([days, days.loc[[20]]])) != expected


def test_nothing_has_a_fingerprint_too(connection, days):
    assert print_of(connection, days.head(0)) == "0" * 16


def test_months_have_their_own(connection, days):
    before = month_fingerprints(table(connection, days))
    assert list(before) == ["2024-01", "2024-02", "2024-03"]
    after = month_fingerprints(table(connection, changed(days, 20, net=1)))
    assert [month for month in before if before[month] != after[month]] == ["2024-02"]
    assert month_fingerprints(table(connection, days.sample(frac=1, random_state=1))) == before
