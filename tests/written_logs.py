"""Logs as people have them, in files and tables, and what is read from them."""

import json
from datetime import datetime

import pyarrow as pa
import pytest
from random_logs import TODAY

from features.ledger import build_ledger
from features.log import Columns, Log
from regulars.errors import LogError

LOG = pa.table(
    {
        "customer_id": ["007", "007", "7", "Zoë", "a,b", 'say "hi"', "客户", "007"],
        "timestamp": [datetime(2024, 2, 28 + n % 2, 9 * (n % 3), 30) for n in range(8)],
        "amount": [1.5, 2.25, -3.0, 0.0, 10.0, 99.99, 0.01, -0.5],
        "order_id": ["01", "1", "2", "3", "4", "5", "6", "01"],
        "product_id": ["p1", "p1", "p2", None, "p,3", 'p"4', "Größe 5", "p1"],
        "quantity": [1, 2, 1, 1, 3, 12, 1, 1],
    }
)


def ledger_from(source, columns=None, **options):
    """Return the ledger of a log, read on the day that is today in all tests."""
    return build_ledger(Log(source, columns or Columns(), today=TODAY, **options))


def rows_of(ledger):
    """Return the rows of a ledger in one order, exactly as they are."""
    return ledger.days.order_by("customer_id", "day").to_pyarrow().to_pylist()


def content(ledger):
    """Return all that must not depend on how a log was read."""
    return rows_of(ledger), ledger.fingerprint, ledger.quality, ledger.span


def customers_and_days(ledger):
    return [(row["customer_id"], row["day"]) for row in rows_of(ledger)]


def csv_log(path, *lines, header="customer_id,timestamp,amount"):
    """Write a log as CSV lines and return its path."""
    path.write_text("\n".join([header, *lines, ""]), encoding="utf-8")
    return path


def json_log(path, *rows):
    """Write a log as JSON lines and return its path."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def refusal(source, columns=None, **options):
    """Return the message with which a log is refused."""
    with pytest.raises(LogError) as refused:
        ledger_from(source, columns, **options)
    message = str(refused.value)
    assert "\n\nLINE" not in message, "SQL of the engine"
    return message
