"""The formulas of textbooks and calculators: one number for everybody, to stand beside what customers are worth.

Order value times frequency times lifespan, and yearly spend times lifespan: HubSpot, "How to Calculate Customer
Lifetime Value", https://blog.hubspot.com/service/how-to-calculate-customer-lifetime-value ; ARPU times gross margin
over churn: David Skok, "SaaS Metrics 2.0", https://www.forentrepreneurs.com/saas-metrics-2/ .

They are computed from the newest period of a year (half of the history, where that is shorter) and the one before it. A
customer of a period bought in it; churn is the share of the customers of the period before who did not buy in the
newest.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import ibis
import pandas as pd

from features.exact import money_total
from regulars.errors import StoreError
from serving.store import Store

YEAR, MONTH = 365.25, 365.25 / 12
LONGEST_PERIOD = 365
BY = "\N{MULTIPLICATION SIGN}"
NO_MARGIN = "no margin was given: this is revenue, and no CLV"
NO_CHURN = "nobody was lost from one period to the next: churn is zero, one cannot divide by it, and there is no value"
NO_PAST = "the log has no customers in the period before the newest, so churn is not known, and there is no value"
NO_SALES = "nobody bought in the newest period: there is no order to take the mean of, and there is no value"


@dataclass(frozen=True)
class Averages:
    """What the formulas are made of.

    Attributes
    ----------
    period_days
        Length of a period.
    net, orders, customers
        Net spend, orders and customers of the newest period.
    before, lost
        Customers of the period before, and how many of them did not buy in the newest.
    lifespan_years
        Mean of the time from a customer's first to last purchase day, of all customers.
    """

    period_days: int
    net: float
    orders: float
    customers: int
    before: int
    lost: int
    lifespan_years: float

    def churn(self, days: float) -> float | None:
        """Return the share of customers lost in so many days, if as many go in each; None where it is not known."""
        if not self.before:
            return None
        return float(1.0 - (1.0 - self.lost / self.before) ** (days / self.period_days))

    @property
    def yearly(self) -> float:
        """How many periods a year has."""
        return YEAR / self.period_days


def textbook(store: Store, as_of: date | None = None, horizon_days: int | None = None) -> pd.DataFrame:
    """Return what the textbook formulas say, an average for everybody.

    Parameters
    ----------
    store
        The store.
    as_of, horizon_days
        As for `Store.scores`.

    Returns
    -------
    DataFrame
        `name`, `formula`, `value` (money a customer; null where it is not defined, and `note` says why), `basis`
        (`revenue` or `margin`), `note` (the numbers that went into it). No row in a store of an older version.

    Raises
    ------
    StoreError
        As `Store.scores`.
    """
    day, days = store.choose(as_of, horizon_days)
    try:
        ledger = store.ledger()
    except StoreError:
        return formulas(None, None)
    record = store.record(day, days)
    return formulas(averages(ledger, day), None if record is None else record["economics"]["margin"])


def averages(ledger: Any, as_of: date) -> Averages | None:
    """Return what the formulas are made of, as of a date; None where nothing was bought before it.

    Parameters
    ----------
    ledger
        Customer-days, of `Store.ledger`.
    as_of
        The as-of date.
    """
    known = ledger.filter(ledger.day < ibis.literal(as_of))
    first = known.day.min().to_pyarrow().as_py()
    if first is None:
        return None
    period = max(min(LONGEST_PERIOD, (as_of - first).days // 2), 1)
    newest = known.day >= ibis.literal(as_of - timedelta(days=period))
    earlier = ~newest & (known.day >= ibis.literal(as_of - timedelta(days=2 * period)))
    customers = known.group_by("customer_id").aggregate(
        net=money_total(known.net, newest),
        orders=known.orders.sum(where=newest).fill_null(0),
        now=known.purchase.any(where=newest).fill_null(False),
        then=known.purchase.any(where=earlier).fill_null(False),
        last=known.day.max(where=known.purchase),
        first=known.day.min(where=known.purchase),
    )
    customers = customers.filter(~customers["first"].isnull())  # who has only refunds is no customer
    lived = customers["last"].delta(customers["first"], unit="day").mean()
    sums = customers.aggregate(
        net=customers.net.sum(where=customers.now),
        orders=customers.orders.sum(where=customers.now),
        customers=customers.now.sum(),
        before=customers.then.sum(),
        lost=(customers.then & ~customers.now).sum(),
        lived=lived,
    )
    found = {name: value or 0 for name, value in sums.to_pyarrow().to_pylist()[0].items()}
    return Averages(
        period,
        float(found["net"]),
        float(found["orders"]),
        int(found["customers"]),
        int(found["before"]),
        int(found["lost"]),
        float(found["lived"]) / YEAR,
    )


def formulas(found: Averages | None, margin: float | None) -> pd.DataFrame:
    """Return the formulas as a table, as of `textbook`.

    Parameters
    ----------
    found
        What they are made of; None: there is nothing.
    margin
        Gross margin; None: not given.
    """
    rows = [] if found is None else [_by_orders(found), _by_years(found), _by_churn(found, margin)]
    table = pd.DataFrame(rows, columns=["name", "formula", "value", "basis", "note"])
    return table.astype({"value": "float64"})


def _by_orders(found: Averages) -> tuple[Any, ...]:
    name, formula = f"Order value {BY} frequency {BY} lifespan", f"mean order value {BY} orders a year {BY} mean years"
    if not found.orders or not found.customers:
        return name, formula, None, "revenue", NO_SALES
    value, frequency = found.net / found.orders, found.orders / found.customers * found.yearly
    note = (
        f"{value:,.2f} an order {BY} {frequency:.2f} orders a year {BY} {found.lifespan_years:.2f} years from first to "
        f"last purchase; an average, of revenue{_negative(value)}; too low where most customers are still there"
    )
    return name, formula, value * frequency * found.lifespan_years, "revenue", note


def _by_years(found: Averages) -> tuple[Any, ...]:
    name, formula = f"Yearly spend {BY} lifespan", f"mean spend a customer and year {BY} (1 ÷ yearly churn)"
    churn = found.churn(YEAR)
    problem = _undefined(found, churn)
    if problem is not None or churn is None:
        return name, formula, None, "revenue", problem
    spend = found.net / found.customers * found.yearly
    note = (
        f"{spend:,.2f} a year {BY} {1 / churn:.2f} years (yearly churn {churn:.1%}); an average, of revenue"
        f"{_negative(spend)}; takes everybody to leave at the same rate"
    )
    return name, formula, spend / churn, "revenue", note


def _by_churn(found: Averages, margin: float | None) -> tuple[Any, ...]:
    name, formula = f"ARPU {BY} gross margin ÷ churn", f"mean spend a customer and month {BY} margin ÷ monthly churn"
    basis = "revenue" if margin is None else "margin"
    churn = found.churn(MONTH)
    problem = _undefined(found, churn)
    if problem is not None or churn is None:
        return name, formula, None, basis, problem
    spend, share = found.net / found.customers * MONTH / found.period_days, 1.0 if margin is None else margin
    note = (
        f"{spend:,.2f} a month {BY} {share:.1%} ÷ {churn:.2%} monthly churn; an average{_negative(spend * share)}; "
        f"takes everybody to leave at the same rate{'; ' + NO_MARGIN if margin is None else ''}"
    )
    return name, formula, spend * share / churn, basis, note


def _undefined(found: Averages, churn: float | None) -> str | None:
    if not found.customers:
        return NO_SALES
    if churn is None:
        return NO_PAST
    return None if churn > 0 else NO_CHURN


def _negative(value: float) -> str:
    return "; negative: refunds or costs are above what was paid" if value < 0 else ""
