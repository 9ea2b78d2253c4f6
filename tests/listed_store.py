"""Stores with a few hundred made-up customers whom one can write to, for lists that leave."""

import csv
import sqlite3
from contextlib import closing
from datetime import date, timedelta

import numpy as np
import pandas as pd
from valued_store import AS_OF, ledger_of, valued_store

from features.log import Columns
from models.lifetime import Economics

CUSTOMERS = 200


def log_of(customers=CUSTOMERS, seed=7) -> pd.DataFrame:
    """Return purchases from January to June 2024, of customers c0000, c0001, …: each buys on one day to six."""
    draw = np.random.default_rng(seed)
    rows = []
    for number in range(customers):
        days = np.sort(draw.choice(180, size=1 + number % 6, replace=False))
        rows += [
            (f"c{number:04d}", date(2024, 1, 1) + timedelta(days=int(day)), round(float(draw.gamma(2, 30)), 2))
            for day in days
        ]
    return pd.DataFrame(rows, columns=["customer_id", "timestamp", "amount"])


def people_of(customers=CUSTOMERS) -> pd.DataFrame:
    """Return a customers table: every fifth has not consented, every seventh has no address."""
    numbers = range(customers)
    return pd.DataFrame(
        {
            "customer_id": [f"c{number:04d}" for number in numbers],
            "consent": ["no" if number % 5 == 0 else "YES" for number in numbers],
            "email": ["" if number % 7 == 0 else f"user{number}@example.com" for number in numbers],
            "country": ["GB" if number % 2 else "US" for number in numbers],
        }
    )


def scores_of(log: pd.DataFrame, as_of=AS_OF) -> pd.DataFrame:
    """Return made-up scores of the customers of a log, their facts as the log has them."""
    known = log.assign(timestamp=pd.to_datetime(log["timestamp"]))
    ages = (pd.Timestamp(as_of) - known["timestamp"]).dt.days
    grouped = known.assign(age=ages).groupby("customer_id")
    scored = pd.DataFrame(
        {
            "recency_days": grouped["age"].min().astype(float),
            "frequency": grouped["age"].nunique().astype(float),
            "monetary": grouped["amount"].mean(),
            "tenure_days": grouped["age"].max().astype(float),
        }
    )
    rank = np.arange(len(scored)) / len(scored)
    return scored.assign(
        expected_spend=scored["monetary"] * (1 - rank),
        churn_probability=rank,
        clv=scored["monetary"] * 3,
        next_order_date=[as_of + timedelta(days=int(10 * value)) for value in rank],
        r_score=1 + (np.arange(len(scored)) % 5),
        f_score=scored["frequency"].clip(upper=5).astype(int),
        m_score=3,
        segment=["At Risk" if number % 2 else "Lost" for number in range(len(scored))],
        value_tier=["Top", "High", "Medium", "Low"] * (len(scored) // 4),
        reasons=[["last order long ago", "one order"]] * len(scored),
    ).reset_index()


def listed_store(folder, people=None, economics=None, log=None, as_of=AS_OF):
    """Write such a store and return it; `people` False: without a customers table."""
    log = log_of() if log is None else log
    people = people_of() if people is None else people
    ledger = ledger_of(log, None if people is False else people, Columns())
    return valued_store(folder, ledger, economics or Economics(margin=0.5), scores_of(log, as_of), as_of)


def rows(path) -> list[dict[str, str]]:
    """Return the rows of a written list."""
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def ids(path) -> list[str]:
    """Return the customers of a written list, in order."""
    return [row["customer_id"] for row in rows(path)]


def ask(store, query: str, *parameters) -> list[tuple]:
    """Return what `service.db` answers to a query."""
    with closing(sqlite3.connect(store.folder / "service.db")) as connection:
        return connection.execute(query, parameters).fetchall()


def consenting() -> set[str]:
    """Return who of `people_of` has consented."""
    return {f"c{number:04d}" for number in range(CUSTOMERS) if number % 5}
