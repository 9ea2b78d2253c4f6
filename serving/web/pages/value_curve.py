"""The value curve: which share of all value the best customers hold."""

import ibis
import pandas as pd
from ibis.expr import types as ir

POINTS = 100


def value_curve(values: ir.Table) -> pd.DataFrame:
    """Return the share of value held by the best customers, in steps of a hundredth of them (or of one).

    Parameters
    ----------
    values
        Scores, one row a customer.

    Returns
    -------
    DataFrame
        `customers` and `value`, both shares from 0 to 1 and rising; a straight line from (0, 0) to (1, 1) where all
        are worth the same. No rows where nobody is worth anything.
    """
    place = ibis.row_number().over(order_by=[ibis.desc(values.clv), values.customer_id])
    everybody = values.count().over(ibis.window())
    # The last of n customers is in the last step, and each step ends with a whole customer.
    step = ((place + 1) * POINTS + everybody - 1) // everybody
    ranked = values.select(step=step, clv=values.clv.fill_null(0.0))
    steps = ranked.group_by("step").aggregate(customers=ranked.count(), value=ranked.clv.sum()).order_by("step")
    sums = steps.to_pandas()[["customers", "value"]].astype("float64").cumsum()
    total = sums.iloc[-1] if len(sums) else None
    if total is None or total["value"] <= 0:
        return pd.DataFrame({"customers": [], "value": []}, dtype="float64")
    start = pd.DataFrame({"customers": [0.0], "value": [0.0]})
    return pd.concat([start, sums / total], ignore_index=True)
