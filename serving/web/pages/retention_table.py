"""The retention table: the triangle of cohorts as rows of shaded cells, empty where nothing was observed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd

from serving.web.charts.numerals import month
from serving.web.charts.palette import shade
from serving.web.pages.cohorts import Period


@dataclass(frozen=True)
class Cell:
    """One observed share: in per cent, its class, and how many came back."""

    text: str
    shade: str
    returned: int


@dataclass(frozen=True)
class Row:
    """One cohort: its name, its customers, and a cell a period, None where it is not observed."""

    name: str
    customers: int
    cells: tuple[Cell | None, ...]


def retention_rows(cells: pd.DataFrame, period: Period) -> list[Row]:
    """Return the rows of a triangle; its cells are those of `retention`."""
    if cells.empty:
        return []
    ages = int(cells["age"].max()) + 1
    later = cells[cells["age"] > 0]["share"]
    most = float(later.max()) if len(later) else 1.0
    rows = []
    for cohort, own in cells.groupby("cohort", sort=True):
        found = {cell["age"]: _cell(cell, most) for cell in own.to_dict("records")}
        shown = tuple(found.get(age) for age in range(ages))
        rows.append(Row(_name(cohort, period), int(own["customers"].iloc[0]), shown))
    return rows


def _cell(cell: Mapping[str, Any], most: float) -> Cell:
    value, age = float(cell["share"]), int(cell["age"])
    # The first period holds the whole cohort by definition: as a colour, it would drown the others.
    colour = "shade-none" if age == 0 else shade(value, 0.0, most or 1.0)
    return Cell(f"{value * 100:.0f}", colour, int(cell["returned"]))


def _name(cohort: date, period: Period) -> str:
    if period == "year":
        return str(cohort.year)
    if period == "quarter":
        return f"Q{(cohort.month + 2) // 3} {cohort.year}"
    return month(cohort)
