"""The groups of a report: what the customers of each segment, channel, cohort or value tier are worth, drawn too."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import ibis
import pandas as pd
from ibis.expr import types as ir
from markupsafe import Markup

from serving.economics import ENOUGH, by_group
from serving.web.charts.group_bars import GroupBars
from serving.web.charts.numerals import month

MOST_COHORTS = 24
"""More months of first purchases than these are taken together by year."""
MOST_ROWS = 24
"""More groups than these are not listed; how many are left out, and what they are worth, is said."""
EVERYBODY = "All customers"


@dataclass(frozen=True)
class Groups:
    """One way to group customers.

    Attributes
    ----------
    by
        `segment`, `channel`, `cohort` or `value_tier`.
    title
        As a heading.
    rows
        Of `by_group`, with the group's name in `name`, in order; at most `MOST_ROWS`.
    left_out
        Groups that are not in `rows`: how many, their customers and their value.
    charts
        Pictures: value together and a customer; `ratio` where costs are known.
    """

    by: str
    title: str
    rows: pd.DataFrame
    left_out: dict[str, float]
    charts: dict[str, Markup]

    @property
    def priced(self) -> bool:
        """Whether it is known what winning these customers cost."""
        return bool(self.rows["acquisition_cost"].notna().any())


def everybody(values: ir.Table) -> pd.Series:
    """Return what `by_group` says of all customers taken together."""
    rows = by_group(values.mutate(channel=ibis.literal(EVERYBODY)), "channel")
    return rows.iloc[0] if len(rows) else pd.Series(dtype="float64")


def groups_of(values: ir.Table, by: str, called: str, money: Callable[[float], str]) -> Groups:
    """Return the customers of `customer_values`, grouped.

    Parameters
    ----------
    values
        Of `customer_values`.
    by
        One of `serving.economics.GROUPS`.
    called
        What value is called: CLV or discounted revenue.
    money
        How amounts are written.
    """
    title, rows = _grouped(values, by)
    shown, rest = _cut(rows, by)
    left_out = {
        "groups": float(len(rest)),
        "customers": float(rest["customers"].sum()),
        "clv": float(rest["clv"].sum()),
    }
    return Groups(by, title, shown, left_out, _charts(by, title, shown, called, money))


def _grouped(values: ir.Table, by: str) -> tuple[str, pd.DataFrame]:
    rows = by_group(values, by)
    if by == "cohort":
        if len(rows) > MOST_COHORTS:
            rows = by_group(values.mutate(cohort=values.cohort.left(4)), by)
            return "Year of the first purchase", rows.assign(name=rows[by])
        return "Month of the first purchase", rows.assign(name=rows[by].map(_month))
    if by == "channel":
        # Channels of the same value stand in the order of their names, in every report.
        rows = rows.sort_values(["clv", by], ascending=[False, True], ignore_index=True)
    title = {"segment": "Segment", "channel": "Acquisition channel"}.get(by, "Value tier")
    return title, rows.assign(name=rows[by])


def _month(text: str) -> str:
    return month(f"{text}-01") if text[:1].isdigit() else text


def _cut(rows: pd.DataFrame, by: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Split off what would make a table too long: the oldest cohorts, or the channels worth least."""
    if by == "cohort":
        return rows.iloc[-MOST_ROWS:], rows.iloc[:-MOST_ROWS]
    return rows.iloc[:MOST_ROWS], rows.iloc[MOST_ROWS:]


def _charts(by: str, title: str, rows: pd.DataFrame, called: str, money: Callable[[float], str]) -> dict[str, Markup]:
    each = rows["clv"] / rows["customers"]
    drawn: dict[str, Any] = {
        "together": (rows["clv"], f"{_capital(called)} of all their customers", money, None),
        "each": (each, f"{_capital(called)} a customer", money, None),
        "ratio": (rows["ltv_cac"], f"LTV:CAC, dashed line at {ENOUGH:g}", _ratio, ENOUGH),
    }
    found = {}
    for name, (numbers, axis, write, reference) in drawn.items():
        bars = [
            (str(row), float(number)) for row, number in zip(rows["name"], numbers, strict=True) if number == number
        ]
        if bars:
            found[name] = GroupBars(f"{by}-{name}", f"{axis}, by {title.lower()}", bars, write, axis, reference).draw()
    return found


def _ratio(number: float) -> str:
    return f"{number:.1f}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
