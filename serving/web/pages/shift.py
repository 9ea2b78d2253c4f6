"""The shift: how customers differ from scoring to scoring in what a model looks at and in what it says."""

from collections.abc import Mapping
from datetime import date

import pandas as pd
from ibis.expr import types as ir


def shift(scorings: Mapping[date, ir.Table]) -> pd.DataFrame:
    """Return, a row a scoring, oldest first, what describes its customers.

    Parameters
    ----------
    scorings
        Scores of each as-of date, one row a customer.

    Returns
    -------
    DataFrame
        `as_of`, `customers`, medians of `recency_days` and `tenure_days`, means of `frequency`, `monetary`,
        `expected_spend` and `churn_probability`.
    """
    rows = []
    for as_of, scores in sorted(scorings.items()):
        found = scores.aggregate(
            customers=scores.count(),
            recency_days=scores.recency_days.median(),
            tenure_days=scores.tenure_days.median(),
            frequency=scores.frequency.mean(),
            monetary=scores.monetary.mean(),
            expected_spend=scores.expected_spend.mean(),
            churn_probability=scores.churn_probability.mean(),
        )
        rows.append({"as_of": as_of, **found.to_pyarrow().to_pylist()[0]})
    return pd.DataFrame(rows)
