"""The RFM map: customers and their value by recency score, and by frequency and monetary score taken together."""

import ibis
import pandas as pd
from ibis.expr import types as ir

from serving.segments import GRID


def rfm_map(values: ir.Table) -> pd.DataFrame:
    """Count customers and value in the 25 cells that segments are made of.

    Parameters
    ----------
    values
        Scores, one row a customer.

    Returns
    -------
    DataFrame
        One row a cell, empty ones included, best first: `r` and `fm` (1 to 5; fm is the mean of the scores F and M,
        rounded up), `segment`, `customers`, `clv` (sum), `clv_each` (mean; missing where nobody is).
    """
    fm = ((values.f_score.cast("int64") + values.m_score.cast("int64") + 1) // 2).cast("int64")
    found = (
        values.group_by(r=values.r_score.cast("int64"), fm=fm)
        .aggregate(customers=ibis._.count(), clv=ibis._.clv.sum())
        .to_pandas()
    )
    cells = pd.DataFrame(
        [(r, fm, segment) for r, row in GRID.items() for fm, segment in enumerate(row, start=1)],
        columns=["r", "fm", "segment"],
    )
    table = cells.merge(found, on=["r", "fm"], how="left").fillna({"customers": 0, "clv": 0.0})
    table["customers"] = table["customers"].astype("int64")
    return table.assign(clv_each=table["clv"] / table["customers"].where(table["customers"] > 0))
