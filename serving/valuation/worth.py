"""Worth: the whole of a store's economics as of a date, for who wants to read it at once."""

from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd

from serving.economics import by_group, customer_values
from serving.storage.score_table import MARGIN
from serving.store import Store
from serving.valuation.concentration import concentration
from serving.valuation.textbook import textbook

CALLED = {MARGIN: "clv"}
REVENUE_CALLED = "discounted_revenue"
"""What `clv` is called wherever it is shown, where no margin was given."""


@dataclass(frozen=True)
class Worth:
    """What customers are worth against what they cost.

    Attributes
    ----------
    as_of, horizon_days
        Of the scores.
    basis
        `margin`, or `revenue` where no margin was given; None in a store of an older version, which did not note it.
    record
        The record of the scoring; empty in such a store.
    groups
        Of `serving.economics.by_group`; the value ahead is called `called`.
    concentration, textbook
        Of the functions of these names.
    """

    as_of: date
    horizon_days: int
    basis: str | None
    record: dict[str, Any]
    groups: pd.DataFrame
    concentration: pd.DataFrame
    textbook: pd.DataFrame

    @property
    def called(self) -> str:
        """What the value ahead is called: `clv`, or `discounted_revenue`."""
        return CALLED.get(self.basis or "", REVENUE_CALLED)

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data, without numbers that are none."""
        tables = {"groups": self.groups, "concentration": self.concentration, "textbook": self.textbook}
        return {
            "as_of": self.as_of.isoformat(),
            "horizon_days": self.horizon_days,
            "basis": self.basis,
            "total": self.record.get("total"),
            "economics": self.record.get("economics"),
            **{name: _plain(table) for name, table in tables.items()},
        }


def worth(store: Store, by: str = "segment", as_of: date | None = None, horizon_days: int | None = None) -> Worth:
    """Return what customers are worth against what they cost.

    Parameters
    ----------
    store
        The store.
    by
        One of `serving.economics.GROUPS`.
    as_of, horizon_days
        As for `Store.scores`.

    Raises
    ------
    StoreError
        As `Store.scores`.
    """
    day, days = store.choose(as_of, horizon_days)
    values = customer_values(store, day, days)
    basis = values.clv_basis.max().to_pyarrow().as_py()
    called = CALLED.get(basis or "", REVENUE_CALLED)
    groups = by_group(values, by).rename(columns={"clv": called})
    return Worth(
        day, days, basis, store.record(day, days) or {}, groups, concentration(values), textbook(store, day, days)
    )


def _plain(table: pd.DataFrame) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = table.astype(object).where(table.notna(), None).to_dict("records")
    return rows
