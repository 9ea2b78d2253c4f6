"""Cohorts: of the customers who first bought in a period, how many bought again in each period after it."""

from datetime import date
from typing import Literal

import ibis
import pandas as pd
from ibis.expr import types as ir

Period = Literal["month", "quarter", "year"]
MONTHS: dict[Period, int] = {"month": 1, "quarter": 3, "year": 12}
MOST_PERIODS = 13
"""More rows than these are hard to read: the next longer period is taken."""


def retention(ledger: ir.Table, as_of: date, period: Period) -> pd.DataFrame:
    """Return the retention triangle, as far as it was observed.

    Parameters
    ----------
    ledger
        Customer-days: `customer_id`, `day`, `gross`; days at or after `as_of` are not read. A customer buys on a day
        with a positive `gross`.
    as_of
        Where knowledge ends. A period that is not over by then is not observed, whether as a cohort or as a return.
    period
        Length of the periods.

    Returns
    -------
    DataFrame
        One row an observed cell, in order: `cohort` (first day of its period), `customers` (of the cohort), `age`
        (0, 1, … periods later), `returned` (how many of them bought in that period), `share`.
    """
    months = MONTHS[period]
    bought = ledger.filter((ledger.gross > 0) & (ledger.day < ibis.literal(as_of)))
    number = (bought.day.year().cast("int64") * 12 + bought.day.month().cast("int64") - 1) // months
    periods = bought.select("customer_id", number=number).distinct()
    cohort = periods.number.min().over(group_by="customer_id")
    marked = periods.mutate(cohort=cohort)
    cells = (
        marked.group_by(cohort=marked.cohort, age=marked.number - marked.cohort)
        .aggregate(returned=marked.count())
        .to_pandas()
    )
    return _observed(cells, ((as_of.year * 12 + as_of.month - 1) // months) - 1, months)


def suitable_period(first: date, as_of: date) -> Period:
    """Return the shortest period of which there are few enough to be read."""
    months = (as_of.year - first.year) * 12 + as_of.month - first.month
    return next((name for name, length in MONTHS.items() if months / length <= MOST_PERIODS), "year")


def _observed(cells: pd.DataFrame, last: int, months: int) -> pd.DataFrame:
    """Fill in the cells in which nobody came back, up to the last complete period."""
    cohorts = sorted(cohort for cohort in cells["cohort"].unique() if cohort <= last)
    whole = [(cohort, age) for cohort in cohorts for age in range(last - cohort + 1)]
    grid = pd.DataFrame(whole, columns=["cohort", "age"]).astype("int64")
    full = grid.merge(cells.astype("int64"), on=["cohort", "age"], how="left").fillna({"returned": 0})
    sizes = full[full["age"] == 0].set_index("cohort")["returned"]
    full["returned"] = full["returned"].astype("int64")
    full["customers"] = full["cohort"].map(sizes).astype("int64")
    full["share"] = full["returned"] / full["customers"]
    full["cohort"] = [date(start * months // 12, start * months % 12 + 1, 1) for start in full["cohort"]]
    return full[["cohort", "customers", "age", "returned", "share"]]
