"""Migration: from which segment to which customers went between two scorings."""

import pandas as pd
from ibis.expr import types as ir

from serving.segments import SEGMENTS

NEW = "Not yet a customer"
GONE = "No longer held"
ORDER = tuple(segment.name for segment in SEGMENTS)
"""From the best segment to the last."""
EVERYWHERE = (*ORDER, NEW, GONE)


def migration(before: ir.Table, after: ir.Table) -> pd.DataFrame:
    """Count customers by their segments in two scorings.

    Parameters
    ----------
    before, after
        Scores, one row a customer.

    Returns
    -------
    DataFrame
        `source` and `target` (a segment; `NEW` where the earlier scoring does not know the customer, `GONE` where the
        later one does not), `customers`; only flows that somebody took, in the order of the segments. The flows to a
        target sum to its customers in `after`, those from a source to its customers in `before`.
    """
    old = before.select("customer_id", source=before.segment)
    new = after.select(customer_after=after.customer_id, target=after.segment)
    both = old.outer_join(new, old.customer_id == new.customer_after)
    named = both.select(
        source=both.customer_id.isnull().ifelse(NEW, both.source),
        target=both.customer_after.isnull().ifelse(GONE, both.target),
    )
    flows = named.group_by("source", "target").aggregate(customers=named.count()).to_pandas()
    places = {name: place for place, name in enumerate(EVERYWHERE)}
    order = flows.assign(a=flows["source"].map(places), b=flows["target"].map(places)).sort_values(["a", "b"])
    return order.drop(columns=["a", "b"]).reset_index(drop=True)


def moved(flows: pd.DataFrame) -> dict[str, int]:
    """Count who went `up` the order of the segments, `down`, `stayed`, and who is `new` or `gone`."""
    places = {name: place for place, name in enumerate(ORDER)}
    counts = dict.fromkeys(("up", "stayed", "down", "new", "gone"), 0)
    for flow in flows.itertuples():
        counts[direction(flow.source, flow.target, places)] += int(flow.customers)
    return counts


def direction(source: str, target: str, places: dict[str, int] | None = None) -> str:
    """Tell where a flow leads: `up`, `down`, `stayed`, `new` or `gone`."""
    if source == NEW:
        return "new"
    if target == GONE:
        return "gone"
    places = places or {name: place for place, name in enumerate(ORDER)}
    if source == target:
        return "stayed"
    return "up" if places[target] < places[source] else "down"


def matrix(flows: pd.DataFrame) -> pd.DataFrame:
    """Return the flows with a row a source and a column a target, in the order of the segments."""
    table = flows.pivot_table(index="source", columns="target", values="customers", aggfunc="sum", fill_value=0)
    rows = [name for name in (*ORDER, NEW) if name in table.index]
    columns = [name for name in (*ORDER, GONE) if name in table.columns]
    return table.reindex(index=rows, columns=columns)


def least_shown(flows: pd.DataFrame, most: int = 40) -> int:
    """Return the smallest flow worth drawing, so that about `most` are drawn."""
    sizes = flows["customers"].sort_values(ascending=False)
    return int(sizes.iloc[min(most, len(sizes)) - 1]) if len(sizes) else 0
