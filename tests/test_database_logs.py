"""A log in a real PostgreSQL is read like the same log in a file, and added up where it is."""

from datetime import date
from decimal import Decimal

import pandas as pd
import psycopg
import pyarrow as pa
import pyarrow.parquet
import pytest

import features.engines.duckdb
from features.ledger import build_ledger
from features.log import Columns, Log
from regulars.errors import LogError

TODAY = date(2026, 11, 21)
COLUMNS = Columns(amount="quantity * price", timestamp="bought")
TABLE = """
    create table shop.orders (
        customer_id text, bought timestamptz, price numeric(12, 5), quantity integer, order_id bigint,
        product_id varchar(20), channel text, note text
    )
"""


@pytest.fixture(scope="module")
def orders() -> pd.DataFrame:
    hours = pd.date_range("2024-01-01 23:30", periods=3_000, freq="2h", tz="UTC")
    ids = ["007", "7", "Zoë", "客户", "a,b", 'say "hi"', "A", "a", "İ", "c|d", None, ""]
    prices = [Decimal(cents) / 100_000 for cents in (250_000, 5, 15, 25, 199_999, -150_000, 999_999_999)]
    n = range(len(hours))
    return pd.DataFrame(
        {
            "customer_id": [ids[i % 97 % 12] if i % 97 < 12 else f"{i // 7 % 4:04d}" for i in n],
            "bought": [hour if i % 211 else None for i, hour in enumerate(hours)],
            "price": [None if i % 101 == 0 else prices[i % 7] for i in n],
            "quantity": pd.array([None if i % 97 == 3 else i % 5 - 1 for i in n], dtype="Int32"),
            "order_id": [i // 3 for i in n],
            "product_id": [None if i % 13 == 0 else f"Ä{i % 5}" for i in n],
            "channel": ["web" if i % 3 else "Laden" for i in n],
            "note": ["x" * 20] * len(n),
        }
    )


@pytest.fixture(scope="module")
def parquet(orders, tmp_path_factory):
    path = tmp_path_factory.mktemp("log") / "orders.parquet"
    pyarrow.parquet.write_table(pa.Table.from_pandas(orders, preserve_index=False), path)
    return path


@pytest.fixture(scope="module")
def database(orders, new_database) -> str:
    address = new_database("logs")
    with psycopg.connect(address, autocommit=True) as connection, connection.cursor() as cursor:
        cursor.execute("create schema shop")
        cursor.execute(TABLE)
        with cursor.copy("copy shop.orders from stdin") as copy:
            for row in orders.astype(object).where(orders.notna(), None).itertuples(index=False):
                copy.write_row(row)
        cursor.execute(
            "create view shop.texts as select customer_id, bought::text, price::text, quantity from shop.orders"
        )
        cursor.execute(
            "create view shop.padded as select customer_id::char(8), bought, price, quantity from shop.orders"
        )
        cursor.execute(
            "create table fits as select '7' as customer_id, date '2024-01-01' as timestamp, 1e200::float8 as amount"
        )
        cursor.execute(
            "create table exact as select '7' as customer_id, date '2024-01-01' + n as timestamp,"
            " (n - 50) / 20000.0 as amount from generate_series(0, 100) n"
        )
    return address


@pytest.fixture
def fetched(monkeypatch) -> list[int]:
    """How many rows travelled, table by table."""
    counts: list[int] = []
    land = features.engines.duckdb.land

    def counting(connection, batches):
        table = land(connection, batches)
        counts.append(table.count().to_pyarrow().as_py())
        return table

    monkeypatch.setattr(features.engines.duckdb, "land", counting)
    return counts


def read(source, columns=COLUMNS, **options):
    return build_ledger(Log(source, columns, today=TODAY, max_bad_share=0.9, **options))


def content(ledger):
    days = ledger.days.order_by("customer_id", "day").to_pyarrow()
    channels = ledger.channels.order_by("customer_id", "day", "channel").to_pyarrow()
    return days, ledger.fingerprint, ledger.quality, ledger.span, channels


@pytest.mark.slow
class TestPostgres:
    @pytest.mark.parametrize("zone", ["UTC", "Europe/Paris", "Pacific/Auckland"])
    def test_its_ledger_is_that_of_the_same_rows_in_a_file(self, database, parquet, zone):
        there, here = read(f"{database}#shop.orders", time_zone=zone), read(parquet, time_zone=zone)
        for one, other in zip(content(there), content(here), strict=True):
            assert one == other
        assert len(here.quality.problems) == 3

    def test_customer_days_travel_and_no_other_row(self, database, fetched):
        ledger = read(f"{database}#shop.orders")
        days, problems = ledger.days.count().to_pyarrow().as_py(), len(ledger.quality.problems)
        products = ledger.days.products.sum().to_pyarrow().as_py()
        channels = ledger.channels.count().to_pyarrow().as_py()
        assert fetched == [days + problems, products, channels, ledger.quality.bad_rows]
        assert days < ledger.quality.rows / 1.5

    def test_unusable_rows_are_those_of_the_file_as_they_stand(self, database, parquet):
        there, here = read(f"{database}#shop.orders").unusable, read(parquet).unusable
        assert there.columns == here.columns
        shown = ["problem", "customer_id", "quantity", "order_id", "note"]
        one, other = (sorted(map(repr, t.select(shown).to_pyarrow().to_pylist())) for t in (there, here))
        assert one == other

    def test_halves_are_rounded_like_those_of_a_file(self, database, fetched):
        there = read(f"{database}#exact", Columns())
        assert fetched[0] == 101
        frame = pd.DataFrame({"customer_id": "7", "timestamp": pd.date_range("2024-01-01", periods=101)})
        here = read(pa.Table.from_pandas(frame.assign(amount=[(n - 50) / 20000 for n in range(101)])), Columns())
        assert (there.fingerprint, there.quality) == (here.fingerprint, here.quality)

    @pytest.mark.parametrize("table", ["texts", "padded"])
    def test_what_postgresql_would_read_otherwise_is_fetched(self, database, fetched, table, parquet):
        ledger = read(f"{database}#shop.{table}")
        assert fetched == [3_000]
        if table == "texts":
            here = build_ledger(Log(parquet, COLUMNS, today=TODAY, max_bad_share=0.9)).days
            found, expected = (
                days.select("customer_id", "day", "net", "gross").order_by("customer_id", "day").to_pyarrow()
                for days in (ledger.days, here)
            )
            assert found == expected

    def test_numbers_beyond_its_arithmetic_are_fetched(self, database, fetched):
        with pytest.raises(LogError, match="amount is not a number"):
            read(f"{database}#fits", Columns(amount="amount * amount"))
        assert fetched == [1]

    def test_a_table_that_is_not_there_is_named(self, database):
        with pytest.raises(LogError, match=r"no table 'shop\.order'"):
            build_ledger(Log(f"{database}#shop.order"))

    def test_a_column_that_is_not_there_is_named_and_no_password(self, database):
        address = database.replace("postgres:@", "postgres:secret@")
        with pytest.raises(LogError, match="'timestamp'") as refused:
            build_ledger(Log(f"{address}#shop.orders"))
        assert "secret" not in str(refused.value)
