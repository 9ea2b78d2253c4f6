"""Stores of any size with made-up scores, laid out as by scoring, but without a model: seconds a million."""

import argparse
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import ibis
from deltalake import write_deltalake

from features.engine import connect
from serving.segments import segment, value_tier
from serving.storage.score_table import SCHEMA
from serving.store import CUSTOMERS, LEDGER, Store

AS_OF, HORIZON_DAYS, MARGIN = date(2026, 11, 1), 90, 0.4
MONTH_DAYS = 30
CHANNELS = "['web', 'shop', 'app', 'referral']"
# Every number follows from the customer's own, so that a customer can be told by the score: `u` gives even ones in 0-1.
PEOPLE = """
create table people as
with drawn as (
    select i, 'C' || lpad(i::varchar, 9, '0') as customer_id,
        (hash(i, 1) % 1000003 + 1) / 1000004.0 as u1, (hash(i, 2) % 1000003 + 1) / 1000004.0 as u2,
        (hash(i, 3) % 1000003 + 1) / 1000004.0 as u3, (hash(i, 4) % 1000003 + 1) / 1000004.0 as u4
    from range({customers}) t(i)
)
select *, (1 + floor(-ln(u1) * 3))::bigint as purchases, greatest(3, floor(-ln(u2) * 60))::bigint as gap,
    1 + floor(-ln(u3) * 120)::bigint as silent,
    round(exp(3.4 + 0.8 * sqrt(-2 * ln(u4)) * cos(6.283185 * u1)), 2) as amount
from drawn
"""
SCORES = """
select customer_id, expected_orders * amount as expected_spend, expected_orders * amount * 0.7 as median_spend,
    0.0 as expected_spend_low, expected_orders * amount * 2.4 as expected_spend_high, churn_probability,
    expected_orders, {margin} * expected_orders * amount * (3 + 4 * u3) as clv, {basis} as clv_basis,
    if(purchases > 1, ({as_of} + (gap % 80)::integer)::date, null) as next_order_date, recency::double as recency_days,
    purchases::double as frequency, amount as monetary, (recency + gap * (purchases - 1))::double as tenure_days,
    ntile(5) over (order by recency desc, i)::tinyint as r_score,
    ntile(5) over (order by purchases, i)::tinyint as f_score, ntile(5) over (order by amount, i)::tinyint as m_score,
    ['last order ' || recency || ' days ago; usually every ' || gap || ' days', purchases || ' orders in all',
     round(amount) || ' spent an order'] as reasons,
    '1' as model_version, 'made-up' as run_id, 'made-up' as log_fingerprint
from (
    select *, silent + {later} as recency, 1 / (1 + exp(-(silent + {later} - gap) / 40.0)) as churn_probability,
        90.0 / gap / (1 + exp((silent + {later} - gap) / 40.0)) as expected_orders
    from people
)
"""
LEDGERED = """
select customer_id, ({as_of} - (silent + gap * (purchases - k))::integer)::date as day,
    round(amount * (0.7 + 0.6 * ((hash(i, k) % 1009) / 1009.0)) * 10000)::bigint as net, net as gross,
    1::bigint as orders, 20000::bigint as items, true as purchase, k as purchase_number,
    if(k > 1, gap, null) as gap_days, 2::bigint as categories,
    if(k <= 1 + i % 4, 1, 0)::bigint as new_categories, strftime(day, '%Y-%m') as month
from people, unnest(range(1, purchases + 1)) t(k)
"""
CUSTOMERED = """
select customer_id, ({as_of} - (silent + gap * (purchases - 1))::integer)::date as first_day,
    {channels}[1 + i % 4] as channel, round(5 + 30 * u4, 2) as acquisition_cost, {margin}::double as margin_rate,
    if(i % 10 = 0, 'no', 'yes') as consent, ['FR', 'DE', 'GB'][1 + i % 3] as country,
    'someone' || i || '@example.com' as email, '+4420794600' || lpad((i % 100)::varchar, 2, '0') as phone,
    'Ada' as first_name, 'Customer' || i as last_name
from people
"""


def make_store(folder: Path, customers: int, scorings: int = 1, margin: float | None = MARGIN) -> Store:
    """Write a store.

    Parameters
    ----------
    folder
        Of the store.
    customers
        How many.
    scorings
        How many as-of dates, 30 days apart, the last of them `AS_OF`.
    margin
        Share of revenue; None: values are revenue.
    """
    engine = connect()
    engine.raw_sql(PEOPLE.format(customers=customers))
    store = Store(folder)
    known = {"as_of": f"date '{AS_OF}'", "channels": CHANNELS, "margin": 1.0 if margin is None else margin}
    tables = {
        LEDGER: _write(engine, folder / LEDGER, LEDGERED.format(**known), partition_by=["month"]),
        CUSTOMERS: _write(engine, folder / CUSTOMERS, CUSTOMERED.format(**known)),
    }
    for back in reversed(range(scorings)):
        _score(engine, store, AS_OF - timedelta(days=MONTH_DAYS * back), margin, tables if not back else None)
    return store


def _score(engine: Any, store: Store, as_of: date, margin: float | None, tables: dict[str, Any] | None) -> None:
    later = MONTH_DAYS * ((AS_OF - as_of).days // MONTH_DAYS)
    basis = "'revenue'" if margin is None else "'margin'"
    query = SCORES.format(later=later, as_of=f"date '{as_of}'", basis=basis, margin=margin or 1.0)
    made = datetime(as_of.year, as_of.month, as_of.day, 4, tzinfo=UTC)
    scores = _made(engine, "scored", query)
    scores = scores.mutate(
        segment=segment(scores.r_score, scores.f_score, scores.m_score),
        value_tier=value_tier(scores),
        as_of=ibis.literal(as_of),
        horizon_days=ibis.literal(HORIZON_DAYS, "int32"),
        scored_at=ibis.literal(made, type="timestamp('UTC')"),
    ).select(*SCHEMA.names)
    batches = scores.to_pyarrow_batches(chunk_size=100_000)
    store.write(
        (batch.cast(SCHEMA) for batch in batches), as_of, HORIZON_DAYS, lambda: _record(as_of, made, margin, tables)
    )


def _record(as_of: date, made: datetime, margin: float | None, tables: dict[str, Any] | None) -> dict[str, Any]:
    kind = "none" if margin is None else "number"
    return {
        "as_of": as_of.isoformat(),
        "horizon_days": HORIZON_DAYS,
        "model_version": "1",
        "run_id": "made-up",
        "scored_at": made.isoformat(),
        "customers": 0,
        "level": {"spend": 1.0, "orders": 1.0, "active": 1.0, "rule": "made up"},
        "window_days": HORIZON_DAYS,
        "economics": {
            "margin": margin,
            "margin_kind": kind,
            "margin_given": margin,
            "discount": 0.1,
            "lifetime_days": 1_096,
            "acquisition": "acquisition_cost",
        },
        "total": {"expected_spend": 1.0, "low": 0.8, "high": 1.25},
        "notes": [],
        "tables": tables,
    }


def _write(engine: Any, path: Path, query: str, **how: Any) -> dict[str, Any]:
    batches = _made(engine, "written", query).to_pyarrow_batches(chunk_size=100_000)
    write_deltalake(str(path), batches, mode="overwrite", **how)
    return {"version": 0, "columns": [], "months": {}}


def _made(engine: Any, name: str, query: str) -> Any:
    engine.raw_sql(f"create or replace table {name} as {query}")
    return engine.table(name)


def main(arguments: Sequence[str] | None = None) -> None:
    """Write a store from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--customers", type=int, default=200_000)
    parser.add_argument("--scorings", type=int, default=1)
    given = parser.parse_args(arguments)
    make_store(given.folder, given.customers, given.scorings)


if __name__ == "__main__":
    main()
