"""The table `scores/` of a store, its public contract: one row a customer, as-of date, horizon and model version."""

from datetime import date, datetime
from pathlib import Path
from typing import Any

import ibis
import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable

from serving.storage.delta import read_delta

PARTITIONS = ["as_of", "horizon_days"]
MARGIN, REVENUE = "margin", "revenue"
"""What `clv` is of, in `clv_basis`: where no margin was given it is discounted revenue, and is to be called that."""
SCHEMA = pa.schema(
    [
        ("customer_id", pa.string()),
        ("as_of", pa.date32()),
        ("horizon_days", pa.int32()),
        ("expected_spend", pa.float64()),
        ("median_spend", pa.float64()),
        ("expected_spend_low", pa.float64()),
        ("expected_spend_high", pa.float64()),
        ("churn_probability", pa.float64()),
        ("expected_orders", pa.float64()),
        ("clv", pa.float64()),
        ("clv_basis", pa.string()),
        ("next_order_date", pa.date32()),
        ("recency_days", pa.float64()),
        ("frequency", pa.float64()),
        ("monetary", pa.float64()),
        ("tenure_days", pa.float64()),
        ("r_score", pa.int8()),
        ("f_score", pa.int8()),
        ("m_score", pa.int8()),
        ("segment", pa.string()),
        ("value_tier", pa.string()),
        ("reasons", pa.list_(pa.string())),
        ("model_version", pa.string()),
        ("run_id", pa.string()),
        ("log_fingerprint", pa.string()),
        ("scored_at", pa.timestamp("us", tz="UTC")),
    ]
)
"""The public contract of `scores/`."""
ADDED = {"clv_basis": "string"}
"""Columns that scores of an older version lack, and their types: they are null there."""


def require_table(path: Path) -> None:
    """Make the table where it is not there."""
    if not DeltaTable.is_deltatable(str(path)):
        DeltaTable.create(str(path), SCHEMA, partition_by=PARTITIONS)


def held_in(table: DeltaTable) -> list[tuple[date, int]]:
    """Return the as-of dates and horizons that a table holds scores of, oldest first."""
    return sorted({(date.fromisoformat(p["as_of"]), int(p["horizon_days"])) for p in table.partitions()})


def moments(table: DeltaTable) -> dict[tuple[date, int], datetime]:
    """Return, by as-of date and horizon, when the scores were made: read from the table's log, not from its rows."""
    files = pa.table(table.get_add_actions(flatten=True))
    if not files.num_rows or "max.scored_at" not in files.column_names:
        return {}
    made = pc.cast(files["max.scored_at"], pa.timestamp("us", tz="UTC")).to_pylist()
    keys = zip(files["partition.as_of"].to_pylist(), files["partition.horizon_days"].to_pylist(), strict=True)
    return {(as_of, int(horizon)): moment for (as_of, horizon), moment in zip(keys, made, strict=True) if moment}


def read_scores(connection: Any, table: DeltaTable, as_of: date, horizon_days: int) -> Any:
    """Return the scores of an as-of date and horizon as an Ibis table of the columns of `SCHEMA`."""
    filters = [("as_of", "=", as_of.isoformat()), ("horizon_days", "=", str(horizon_days))]
    rows = read_delta(connection, table, filters)
    # The keys stand in the paths of the files, not in them.
    keys = {"as_of": ibis.literal(as_of), "horizon_days": ibis.literal(horizon_days, "int32")}
    absent = {name: ibis.null(kind) for name, kind in ADDED.items() if name not in rows.columns}
    return rows.mutate(**keys, **absent).select(*SCHEMA.names)
