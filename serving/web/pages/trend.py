"""The trend: what groups of customers were worth from scoring to scoring."""

from collections.abc import Mapping
from datetime import date

import pandas as pd
from ibis.expr import types as ir


def trend(scorings: Mapping[date, ir.Table], group: str) -> pd.DataFrame:
    """Return customers and value by group and as-of date.

    Parameters
    ----------
    scorings
        Scores of each as-of date, one row a customer, with the column `group`.
    group
        Such as ``segment`` or ``channel``.

    Returns
    -------
    DataFrame
        `as_of`, `group`, `customers`, `clv` (sum), `clv_each` (mean): a row for every group at every date, with no
        customers and no value where there was nobody.
    """
    found = []
    for as_of, values in sorted(scorings.items()):
        groups = values.group_by(group=values[group]).aggregate(customers=values.count(), clv=values.clv.sum())
        found.append(groups.to_pandas().assign(as_of=as_of))
    if not found:
        return pd.DataFrame(columns=["as_of", "group", "customers", "clv", "clv_each"])
    rows = pd.concat(found, ignore_index=True).set_index(["as_of", "group"])
    names = rows.index.get_level_values("group").unique()
    whole = pd.MultiIndex.from_product([sorted(scorings), sorted(names)], names=["as_of", "group"])
    full = rows.reindex(whole).fillna({"customers": 0, "clv": 0.0}).reset_index()
    full["customers"] = full["customers"].astype("int64")
    return full.assign(clv_each=full["clv"] / full["customers"].where(full["customers"] > 0))
