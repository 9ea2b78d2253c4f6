"""What happens to one batch of customers, whichever engine it comes from: a pure function of the bundle and of numbers.

Between the two passes lies what depends on all customers: the pins, and what ranks make (scores, tier, segment).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd
import pyarrow as pa

from models.bundle import Bundle
from models.lifetime import PARTS, Economics
from models.long_run import LongRun
from models.past import EPOCH
from models.pin import Pins
from serving.scoring.reasons import reasons
from serving.storage.score_table import MARGIN, REVENUE, SCHEMA

ALLOCATED = ("spend", "orders", "active_logit", "btyd_spend", "btyd_orders", "btyd_active", "rate_shape", "rate_days")
SUMMARY = {"recency_days": "recency_days", "frequency": "purchase_days", "monetary": "monetary"}
SUMMARY |= {"tenure_days": "tenure_days"}
"""Columns of a score that are features, and which."""
ALLOCATION = pa.schema(
    [
        ("customer_id", pa.string()),
        *((name, pa.float64()) for name in (*ALLOCATED, *PARTS, *SUMMARY)),
        ("reasons", pa.list_(pa.string())),
    ]
)
"""What the first pass leaves of a customer for the second."""


@dataclass(frozen=True)
class BatchScoring:
    """The scoring of batches of customers.

    Attributes
    ----------
    bundle
        The models.
    as_of
        The as-of date.
    economics
        What turns spend into value.
    long_run
        The level of the years ahead.
    """

    bundle: Bundle
    as_of: date
    economics: Economics
    long_run: LongRun

    def allocate(self, snapshot: pd.DataFrame) -> pa.Table:
        """First pass: return what a customer is allocated, reasons and summary, with the columns of `ALLOCATION`.

        Parameters
        ----------
        snapshot
            Columns of the snapshot, indexed by `as_of` and `customer_id`.
        """
        encoded = self.bundle.encoding.encode(snapshot)
        allocation = self.bundle.allocate_encoded(encoded)
        parts = self.bundle.value_parts(snapshot, allocation, self.long_run, self.economics)
        columns: dict[str, Any] = {"customer_id": snapshot.index.get_level_values("customer_id")}
        columns |= {name: allocation[name] for name in ALLOCATED} | {name: parts[name] for name in PARTS}
        columns |= {name: snapshot[feature] for name, feature in SUMMARY.items()}
        columns["reasons"] = reasons(self.bundle, encoded)
        arrays = [pa.array(columns[field.name], field.type, from_pandas=True) for field in ALLOCATION]
        return pa.Table.from_arrays(arrays, schema=ALLOCATION)

    def finish(self, rows: pa.RecordBatch, pins: Pins, stamp: Mapping[str, Any]) -> pa.RecordBatch:
        """Second pass: return the scores, with the columns of the store.

        Parameters
        ----------
        rows
            `ALLOCATION`, and `clv`, `r_score`, `f_score`, `m_score`, `segment`, `value_tier`.
        pins
            Those of all customers.
        stamp
            `model_version`, `run_id`, `log_fingerprint`, `scored_at`.
        """
        predicted = self.bundle.predictions(rows.select([*ALLOCATED, "recency_days"]).to_pandas(), pins)
        ahead = pa.array(predicted.pop("next_order_days") + (self.as_of - EPOCH).days, pa.int32(), from_pandas=True)
        columns = {name: pa.array(predicted[name]) for name in predicted.columns}
        columns |= {"next_order_date": ahead.cast(pa.date32())}
        same = {
            "as_of": self.as_of,
            "horizon_days": self.bundle.horizon_days,
            "clv_basis": REVENUE if self.economics.margin is None else MARGIN,
            **stamp,
        }
        columns |= {
            name: pa.repeat(pa.scalar(value, SCHEMA.field(name).type), len(rows)) for name, value in same.items()
        }
        # The rest stands in the rows as it is written.
        arrays = [columns[field.name] if field.name in columns else rows[field.name] for field in SCHEMA]
        return pa.RecordBatch.from_arrays(arrays, schema=SCHEMA)
