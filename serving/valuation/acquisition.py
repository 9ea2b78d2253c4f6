"""Acquisition cost: what winning each customer cost, from one amount, their channel, or the customers table."""

import math
from dataclasses import dataclass
from typing import Any

import ibis

from features.exact import number
from features.ledger import Ledger
from features.log import source_name
from features.profiles import is_personal
from models.lifetime import Economics
from regulars.errors import RegularsError
from serving.valuation.rate_file import is_file, read_rates

CHANNELS = ("acquisition_channel", "channel")
"""Columns of the customers table that say by which channel a customer was won; the first that is there counts."""
COST = "acquisition_cost"
"""The column of the customers table that is used where no other source was named."""
NAMED = 5


@dataclass(frozen=True)
class Acquisition:
    """Where costs come from.

    Attributes
    ----------
    given
        What was given, as text; None: nothing, and there is no column `COST` either.
    amount, costs, column
        The one amount; the cost by channel; the column of the customers table: one of them, or none.
    """

    given: str | None = None
    amount: float | None = None
    costs: dict[str, float] | None = None
    column: str | None = None

    def cost_of(self, customers: Any) -> Any:
        """Return each customer's cost as float64, null where it is not known.

        Parameters
        ----------
        customers
            Table with `channel` and, where a column was named, the columns of the customers table.
        """
        if self.amount is not None:
            return number(self.amount)
        if self.costs is not None:
            named = [(name, number(cost)) for name, cost in sorted(self.costs.items())]
            return customers.channel.cases(*named, else_=ibis.null("float64")).cast("float64")
        if self.column is not None:
            return customers[self.column].cast("float64").nullif(math.nan)
        return ibis.null("float64")

    def notes(self, customers: Any) -> tuple[str, ...]:
        """Return what a person should know: which channels of a table of customers have no cost."""
        if self.costs is None:
            return ()
        absent = customers.filter(customers.channel.isnull() | ~customers.channel.isin(list(self.costs)))
        found = absent.group_by("channel").aggregate(n=absent.count()).order_by(ibis.desc("n"), "channel")
        rows = found.limit(NAMED).to_pyarrow().to_pylist()
        if not rows:
            return ()
        names = ", ".join(f"{row['channel'] or 'unknown'} ({row['n']:,} customers)" for row in rows)
        return (f"{self.given} has no cost for channel {names}: theirs is not known",)


def find_acquisition(ledger: Ledger, economics: Economics) -> Acquisition:
    """Return where acquisition costs come from.

    Parameters
    ----------
    ledger
        The ledger, with its customers table or without.
    economics
        What was given.

    Raises
    ------
    RegularsError
        A file or column that is not there, or holds what is no cost; the message names it, and the row.
    """
    given, profiles = economics.acquisition_cost, ledger.profiles
    columns = () if profiles is None else tuple(name for name in profiles.columns if name != "customer_id")
    if given is None:
        return _column(ledger, COST) if COST in columns and profiles[COST].type().is_numeric() else Acquisition()
    if not isinstance(given, str):
        return Acquisition(f"{given:g}", amount=float(given))
    if given in columns:
        return _column(ledger, given)
    if not is_file(given):
        shown = ", ".join(name for name in columns if not is_personal(name))
        there = (
            f"that has {shown or 'no column that could be meant'}" if columns else "none was given: --customers TABLE"
        )
        raise RegularsError(
            f"--acquisition-cost {given!r} is no amount, no file, and no column of the customers table ({there})"
        )
    costs = read_rates(ledger.connection, given, "--acquisition-cost", "channel", "cost")
    for name, cost in costs.items():
        if cost < 0:
            raise RegularsError(f"--acquisition-cost {given}: cost {cost:g} of channel {name!r} is below 0")
    return Acquisition(given, costs=costs)


def _column(ledger: Ledger, name: str) -> Acquisition:
    profiles, column = ledger.profiles, ledger.profiles[name]
    table = "" if ledger.log is None else f" {source_name(ledger.log.customers)}"
    where = f"--acquisition-cost {name}: this column of the customers table{table}"
    if not column.type().is_numeric():
        texts = profiles.filter(column.notnull() & column.cast("string").try_cast("float64").isnull())
        rows = texts.order_by("customer_id").limit(1).to_pyarrow().to_pylist()
        found = f"{rows[0][name]!r} of customer {rows[0]['customer_id']}" if rows else str(column.type())
        raise RegularsError(f"{where} holds {found}, which is no amount of money: write it as 12.50, or leave it empty")
    number = column.cast("float64").nullif(math.nan)
    wrong = profiles.filter((number < 0) | number.isinf()).order_by("customer_id").limit(1).to_pyarrow().to_pylist()
    if wrong:
        raise RegularsError(
            f"{where} says {wrong[0][name]:g} of customer {wrong[0]['customer_id']}: a cost is 0 or more, or left empty"
        )
    return Acquisition(name, column=name)
