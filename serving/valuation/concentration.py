"""Concentration: which share of all value the best few customers are."""

import ibis
import pandas as pd
from ibis.expr import types as ir

SHARES = (0.01, 0.05, 0.10, 0.20)


def concentration(values: ir.Table, of: str = "clv") -> pd.DataFrame:
    """Return the share of value of the best 1, 5, 10 and 20 % of customers.

    Shares are of the value of the customers above 0: what others lose is left out of both sides, and counted.

    Parameters
    ----------
    values
        Of `serving.economics.customer_values`.
    of
        `clv`, `historic_value`, `lifetime_value` or `expected_spend`.

    Returns
    -------
    DataFrame
        One row a share: `top_share`, `customers` (rounded up), `value` (their sum), `share_of_value` (null where nobody
        is worth anything), and `negative_customers`, how many of all customers are worth less than 0.
    """
    worth = values[of].fill_null(0.0)
    # Customers alike are alike: which of them stands first changes no sum.
    ranked = values.select(worth=ibis.greatest(worth, 0.0), negative=worth < 0)
    ranked = ranked.mutate(place=ibis.row_number().over(order_by=ibis.desc(ranked.worth)) + 1)
    everybody = int(values.count().to_pyarrow().as_py())
    tops = {share: -(-round(share * 100) * everybody // 100) for share in SHARES}
    sums = {f"top_{i}": ranked.worth.sum(where=ranked.place <= top) for i, top in enumerate(tops.values())}
    found = (
        ranked.aggregate(**sums, total=ranked.worth.sum(), negative=ranked.negative.sum()).to_pyarrow().to_pylist()[0]
    )
    total = found["total"] or 0.0
    return pd.DataFrame(
        {
            "top_share": list(tops),
            "customers": list(tops.values()),
            "value": [found[f"top_{i}"] or 0.0 for i in range(len(tops))],
            "share_of_value": [(found[f"top_{i}"] or 0.0) / total if total > 0 else None for i in range(len(tops))],
            "negative_customers": found["negative"] or 0,
        }
    ).astype({"share_of_value": "float64"})
