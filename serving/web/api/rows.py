"""Rows as JSON: dates and moments as ISO text, numbers finite or null, revenue never called lifetime value."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from serving.storage.score_table import REVENUE

REVENUE_NAMES = {"clv": "discounted_revenue", "lifetime_value": "lifetime_revenue"}
"""What columns of value are called where no margin was given, so that they are revenue."""
AS_THEY_ARE = (
    pa.types.is_integer,
    pa.types.is_boolean,
    pa.types.is_string,
    pa.types.is_large_string,
    pa.types.is_nested,
)


def json_rows(table: pa.Table, basis: str | None = None) -> list[dict[str, Any]]:
    """Return a table's rows, values under their right names and null under the others.

    Parameters
    ----------
    table
        Of any columns.
    basis
        What its values are of; None: each row's own `clv_basis`.
    """
    columns = [_json_column(column) for column in table.columns]
    rows: list[dict[str, Any]] = pa.Table.from_arrays(columns, table.column_names).to_pylist()
    return [_called_right(row, basis or row.get("clv_basis")) for row in rows]


def frame_rows(frame: pd.DataFrame, basis: str | None = None) -> list[dict[str, Any]]:
    """Return a frame's rows; as `json_rows`."""
    return json_rows(pa.Table.from_pandas(frame, preserve_index=False), basis)


def _called_right(row: dict[str, Any], basis: Any) -> dict[str, Any]:
    is_revenue = basis == REVENUE
    named: Mapping[str, str] = {name: other for name, other in REVENUE_NAMES.items() if name in row}
    for name, other in named.items():
        row[name], row[other] = (None, row[name]) if is_revenue else (row[name], None)
    return row


def _json_column(column: pa.ChunkedArray) -> Any:
    kind = column.type
    if pa.types.is_timestamp(kind):
        utc = column.cast(pa.timestamp("us", tz="UTC"), safe=False)
        return pc.strftime(utc, format="%Y-%m-%dT%H:%M:%SZ")
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        numbers = column.cast(pa.float64())
        return pc.if_else(pc.is_finite(numbers), numbers, pa.scalar(None, pa.float64()))
    if any(is_kind(kind) for is_kind in AS_THEY_ARE):
        return column
    return column.cast(pa.string())
