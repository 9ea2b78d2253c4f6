"""Stores whose economics can be computed by hand: a real ledger and real tables under scores that a test makes up."""

from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path

import pandas as pd
import pyarrow as pa

from features.ledger import build_ledger
from features.log import Columns, Log
from models.lifetime import Economics
from serving.storage.customer_table import known_customers, write_customers
from serving.storage.ledger_table import write_ledger
from serving.store import MARGIN, REVENUE, SCHEMA, Store
from serving.valuation.acquisition import find_acquisition
from serving.valuation.margins import find_margins

AS_OF, HORIZON = date(2024, 7, 1), 90
FEW = {
    "customer_id": ["ann", "ann", "ann", "ben", "ben", "cyd", "dee"],
    "timestamp": ["2024-01-10", "2024-03-10", "2024-06-10", "2024-01-20", "2024-02-01", "2024-06-01", "2024-07-05"],
    "amount": [100.0, 60.0, 40.0, 80.0, -30.0, 20.0, 500.0],
    "channel": ["web", "web", "shop", "shop", "shop", None, "web"],
    "category": ["books", "toys", "toys", "books", "books", "toys", "toys"],
}
"""Four customers; dee first buys after the as-of date."""
SCORED = pd.DataFrame(
    {
        "customer_id": ["ann", "ben", "cyd"],
        "expected_spend": [50.0, 10.0, 5.0],
        "clv": [300.0, 40.0, 8.0],
        "segment": ["Champions", "Lost", "New"],
        "value_tier": ["Top", "Low", "Low"],
    }
)


@cache
def few():
    """Return the ledger of `FEW`; a ledger is only ever read."""
    return ledger_of(pd.DataFrame(FEW))


def ledger_of(log=None, customers=None, columns=None):
    """Return the ledger of a log, by default of `FEW`, and of a customers table beside it."""
    if log is None and customers is None and columns is None:
        return few()
    rows = pd.DataFrame(FEW) if log is None else log
    return build_ledger(Log(rows, columns or Columns(), customers, today=date(2024, 12, 31)))


def valued_store(folder, ledger=None, economics=None, scored=SCORED, as_of=AS_OF):
    """Write a store of made-up scores and return it; `clv` of `scored` is before the margin."""
    economics, store = economics or Economics(), Store(Path(folder))
    known = (ledger or ledger_of()).before(as_of)
    store.folder.mkdir(parents=True, exist_ok=True)
    margins = find_margins(known, as_of, economics, store.folder)
    acquisition = find_acquisition(known, economics)
    customers = known_customers(known, margins, acquisition)
    rates = customers.select("customer_id", "margin_rate").to_pandas().set_index("customer_id")["margin_rate"]
    now = datetime.now(UTC)
    made = now.replace(microsecond=now.microsecond // 1000 * 1000)
    tables = {
        "ledger": write_ledger(store.folder / "ledger", known, None),
        "customers": write_customers(store.folder / "customers", customers),
    }
    record = {
        "as_of": as_of.isoformat(),
        "horizon_days": HORIZON,
        "model_version": "1",
        "scored_at": made.isoformat(),
        "economics": {
            "margin": margins.overall,
            "margin_kind": margins.kind,
            "discount": economics.discount,
            "lifetime_days": economics.lifetime_days,
            "acquisition": acquisition.given,
        },
        "total": {"expected_spend": float(scored["expected_spend"].sum()), "low": 1.0, "high": 99.0},
        "tables": tables,
    }
    share = scored["customer_id"].map(rates).fillna(1.0).to_numpy() if margins.overall is not None else 1.0
    rows = scored.assign(
        clv=scored["clv"] * share,
        clv_basis=REVENUE if economics.margin is None else MARGIN,
        as_of=as_of,
        horizon_days=HORIZON,
        model_version="1",
        scored_at=made,
    )
    batch = pa.RecordBatch.from_pylist(rows.to_dict("records"), schema=SCHEMA)
    store.write([batch], as_of, HORIZON, lambda: record)
    return store
