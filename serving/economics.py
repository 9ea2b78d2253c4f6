"""Economics: what every customer was and will be worth, beside what winning them cost; and by group.

Historic value is net spend before the as-of date, refunds taken off, times the customer's margin where one was given.
Lifetime value is historic value and `clv` together: the cost was paid at the first purchase, so all that came of it
counts. LTV:CAC is lifetime value over acquisition cost; 3 is the rule of thumb for enough (David Skok, "SaaS Metrics
2.0", https://www.forentrepreneurs.com/saas-metrics-2/).

Where no margin was given all of it is revenue, and `clv_basis` says so: such a value is no CLV, and is not to be called
one. A margin below 0 makes values negative: they are kept, and count against the others in sums.
"""

from datetime import date
from typing import Any

import ibis
import pandas as pd
from ibis.expr import types as ir

from features.exact import money_total, number
from models.lifetime import Economics
from regulars.errors import StoreError
from serving.segments import LOWEST_TIER, SEGMENTS, TIERS
from serving.storage.customer_table import OWN, UNKNOWN_CHANNEL
from serving.store import Store
from serving.valuation.concentration import concentration
from serving.valuation.margins import NUMBER
from serving.valuation.payback import payback_months, repaid_on
from serving.valuation.textbook import textbook

__all__ = ["ENOUGH", "GROUPS", "by_group", "concentration", "customer_values", "textbook"]

ENOUGH = 3.0
"""Lifetime value over acquisition cost that is said to be enough."""
GROUPS = ("segment", "channel", "cohort", "value_tier")
ADDED = (
    "margin_rate",
    "historic_value",
    "lifetime_value",
    "first_day",
    "cohort",
    "channel",
    "acquisition_cost",
    "ltv_cac",
    "payback_months",
)
"""What `customer_values` adds to the scores."""
NEVER = 1e9
"""Months; stands for never while medians are taken."""


def customer_values(store: Store, as_of: date | None = None, horizon_days: int | None = None) -> ir.Table:
    """Return the scores of an as-of date with what each customer was worth and cost.

    Parameters
    ----------
    store
        The store.
    as_of, horizon_days
        As for `Store.scores`.

    Returns
    -------
    ibis.Table
        The columns of the scores; then `margin_rate` (null where no margin was given), `historic_value`,
        `lifetime_value`, `first_day`, `cohort` (its month, such as 2011-09), `channel` (`unknown` where it is not
        known), `acquisition_cost`, `ltv_cac` (null where the cost is not known or 0), `payback_months` (from the first
        purchase, see `serving.valuation.payback`; null where the cost is not known, or is never reached); then the
        columns of the customers table, personal ones too, with `_given` behind names that are taken. In a store of an
        older version without ledger and customers, all of this is null: score again.

    Raises
    ------
    StoreError
        As `Store.scores`; or the store has ledger and customers, and they cannot be read.
    """
    if (kept := store.kept_values(as_of, horizon_days)) is not None:
        return kept
    day, days = store.choose(as_of, horizon_days)
    scores, record = store.scores(day, days), store.record(day, days)
    terms: dict[str, Any] = {} if record is None else record["economics"]
    try:
        customers, ledger = store.customers(), store.ledger()
    except StoreError:
        if store.newest_tables() is not None:
            raise  # without its customers table, a list would go to those who do not consent, too
        return _unknown(scores)
    known = ledger.filter(ledger.day < ibis.literal(day))
    values = _joined(scores, customers)
    values = _valued(values.mutate(margin_rate=_rate(values, terms)), known)
    # Without a cost to reach there is no need to look through all days for when it was.
    if any(held["economics"]["acquisition"] for held in store.scorings()):
        repaid = repaid_on(values, known)
        values = values.left_join(repaid, values.customer_id == repaid._payer)
        lifetime_days = float(terms.get("lifetime_days", Economics().lifetime_days))
        values = values.mutate(payback_months=payback_months(values, lifetime_days))
    return _arranged(values)


def by_group(values: ir.Table, group: str) -> pd.DataFrame:
    """Return what the customers of each segment, channel, cohort or value tier are worth together.

    Parameters
    ----------
    values
        Of `customer_values`.
    group
        One of `GROUPS`.

    Returns
    -------
    DataFrame
        The group's name in a column called like it, in the order that people expect; `customers`; the sums
        `historic_value`, `clv`, `lifetime_value`, `expected_spend`; `acquisition_cost` of the `customers_with_cost`;
        `ltv_cac` of those customers, null where there is no cost; `enough` (at least `ENOUGH`); `payback_months`, the
        median of those customers, null where half of them or more never pay back; `share_of_value`, of the sum of all
        `clv`, null where that is not above 0. Shares sum to one; one of a group that loses money is negative.
    """
    if group not in GROUPS:
        raise ValueError(f"there is no group {group!r}: {', '.join(GROUPS)}")
    table = values.mutate(
        _months=values.payback_months.fill_null(NEVER),
        _priced=~values.acquisition_cost.isnull(),
        _cost=values.acquisition_cost,
    )
    found = table.group_by(table[group].fill_null("unknown").name(group)).aggregate(
        customers=table.count(),
        historic_value=table.historic_value.sum(),
        clv=table.clv.sum(),
        lifetime_value=table.lifetime_value.sum(),
        expected_spend=table.expected_spend.sum(),
        acquisition_cost=table._cost.sum(),
        customers_with_cost=table._cost.count(),
        won=table.lifetime_value.sum(where=table._priced),
        payback_months=table._months.median(where=table._priced),
    )
    frame = found.to_pyarrow().to_pandas().set_index(group)
    return _ratios(frame).loc[_order(frame, group)].reset_index()


def _ratios(frame: pd.DataFrame) -> pd.DataFrame:
    total = frame["clv"].sum()
    cost = frame["acquisition_cost"]
    ratio = frame["won"] / cost.where(cost > 0)
    return frame.drop(columns="won").assign(
        ltv_cac=ratio,
        enough=(ratio >= ENOUGH).astype("boolean").where(ratio.notna()),
        payback_months=frame["payback_months"].where(frame["payback_months"] < NEVER / 2),
        share_of_value=frame["clv"] / total if total > 0 else float("nan"),
    )


def _order(frame: pd.DataFrame, group: str) -> list[str]:
    names = {"segment": [known.name for known in SEGMENTS], "value_tier": [*TIERS, LOWEST_TIER]}.get(group)
    if names is not None:
        return [name for name in names if name in frame.index]
    return list((frame.sort_index() if group == "cohort" else frame.sort_values("clv", ascending=False)).index)


def _joined(scores: ir.Table, customers: ir.Table) -> ir.Table:
    taken = {*scores.columns, *ADDED}
    own = {f"{name}_given" if name in taken else name: name for name in customers.columns if name not in OWN}
    shown = {f"_{name}": customers[name] for name in OWN} | {name: customers[given] for name, given in own.items()}
    beside = customers.select(**shown)
    joined = scores.left_join(beside, scores.customer_id == beside._customer_id)
    return joined.select(*scores.columns, *(f"_{name}" for name in OWN[1:]), *own)


def _rate(values: ir.Table, terms: dict[str, Any]) -> Any:
    """Return the margin of each customer in the scoring that is asked for, null where none was given."""
    if terms.get("margin") is None:
        return ibis.null("float64")
    common = number(terms["margin"])
    return common if terms["margin_kind"] == NUMBER else ibis.coalesce(values._margin_rate, common)


def _valued(values: ir.Table, known: Any) -> ir.Table:
    spent = known.group_by(_spender=known.customer_id).aggregate(_net=money_total(known.net))
    values = values.left_join(spent, values.customer_id == spent._spender)
    values = values.mutate(
        historic_value=values._net * values.margin_rate.fill_null(1.0),
        cohort=values._first_day.strftime("%Y-%m"),
        channel=values._channel.fill_null(UNKNOWN_CHANNEL),
        first_day=values._first_day,
        acquisition_cost=values._acquisition_cost,
        payback_months=ibis.null("float64"),
    )
    values = values.mutate(lifetime_value=values.historic_value + values.clv)
    return values.mutate(ltv_cac=values.lifetime_value / values.acquisition_cost.nullif(0.0))


def _arranged(values: ir.Table) -> ir.Table:
    shown = [name for name in values.columns if not name.startswith("_") and name not in ADDED]
    scores = shown[: shown.index("scored_at") + 1]
    return values.select(*scores, *ADDED, *shown[len(scores) :])


def _unknown(scores: ir.Table) -> ir.Table:
    kinds = {"first_day": "date", "cohort": "string", "channel": "string"}
    return scores.mutate(**{name: ibis.null(kinds.get(name, "float64")) for name in ADDED})
