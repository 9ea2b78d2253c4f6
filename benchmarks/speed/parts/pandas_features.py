"""The features of a log of customer, time and amount in pandas: what a good afternoon's work would be.

Written apart from the product, from the catalogue's definitions, and all of them. Vectorised, no loop over customers;
ids become numbers at once, a customer-day is one number, and a sum over few days reads only those.
`python -m benchmarks.speed.parts.pandas_features LOG AS_OF OUT`
"""

import sys
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.speed.parts.clock import tell

MONEY = 10_000
"""Money is added up in whole ten-thousandths."""
SPANS, DECAYS, MONTHS = (7, 14, 30, 60, 90, 180, 365), (15, 45, 120, 365), range(1, 13)
MONTH_DAYS, LAST_YEAR, LATELY = 30, 364, 180
THURSDAY = 3
"""Weekday of day 0, 1970-01-01."""

Columns = dict[str, pd.Series]


@dataclass(frozen=True)
class Days:
    """Customer-days in order: numbers of customers, days since 1970, ages, and money in ten-thousandths."""

    customer: pd.Series
    day: pd.Series
    age: pd.Series
    net: pd.Series
    gross: pd.Series

    def where(self, inside: pd.Series) -> "Days":
        """Return some of them."""
        return Days(*(getattr(self, name)[inside] for name in self.__annotations__))

    def total(self, values: pd.Series, index: pd.Index, inside: pd.Series | None = None) -> pd.Series:
        """Add up by customer; nought where there is nothing."""
        if inside is not None:
            return values[inside].groupby(self.customer[inside]).sum().reindex(index, fill_value=0)
        return values.groupby(self.customer).sum()

    def by_month(self, values: pd.Series) -> pd.DataFrame:
        """Add up by customer and month of thirty days, the newest first."""
        recent = self.age <= MONTH_DAYS * len(MONTHS)
        month = (self.age[recent] - 1) // MONTH_DAYS + 1
        return values[recent].groupby([self.customer[recent], month]).sum().unstack(fill_value=0)  # noqa: PD010


def features(log: Path, as_of: date, window: int = 90) -> pd.DataFrame:
    """Return the features of every customer who bought before an as-of date, indexed by `customer_id`."""
    days, ids = customer_days(log, as_of)
    bought = days.where(days.gross > 0)
    found = rfm(days, bought)
    found |= rhythm(bought, found, window)
    found |= momentum(days, bought, found, window)
    found |= months(days, bought, found)
    found |= refunds(days, found)
    table = pd.DataFrame({name: values.astype("float64") for name, values in found.items() if name[0] != "_"})
    return table.set_axis(pd.Index(ids[table.index], name="customer_id"))


def customer_days(log: Path, as_of: date) -> tuple[Days, pd.Index]:
    """Read a log; return the days of customers with a purchase, and the id of each number of a customer."""
    rows = pd.read_parquet(log, columns=["customer_id", "timestamp", "amount"])
    rows = rows[rows["timestamp"] < pd.Timestamp(as_of)]
    numbers, ids = pd.factorize(rows["customer_id"])
    day = rows["timestamp"].to_numpy().astype("datetime64[D]").astype(np.int64)
    net = np.rint(rows["amount"].to_numpy() * MONEY).astype(np.int64)
    del rows
    end = (as_of - date(1970, 1, 1)).days
    # One key is grouped in a third of the time of two.
    flat = pd.DataFrame({"key": numbers * end + day, "net": net, "gross": np.maximum(net, 0)})
    table = flat.groupby("key").sum().reset_index()
    del flat
    table["customer"], table["day"] = table["key"] // end, table["key"] % end
    buyers = np.zeros(len(ids), dtype=bool)
    buyers[table["customer"][table["gross"] > 0]] = True
    table = table[buyers[table["customer"]]]
    return Days(table["customer"], table["day"], end - table["day"], table["net"], table["gross"]), ids


def rfm(days: Days, bought: Days) -> Columns:
    """Return recency, frequency, monetary value and tenure."""
    age, net = bought.age.groupby(bought.customer), (bought.net / MONEY).groupby(bought.customer)
    logs = np.log1p(bought.gross / MONEY).round(6).groupby(bought.customer)
    recency, tenure, count = age.min(), age.max(), age.size()
    spend, gross = days.total(days.net, count.index) / MONEY, days.total(days.gross, count.index) / MONEY
    mean, spread, first, last, most = spend / count, net.std(), net.first(), net.last(), net.max()
    return {
        "recency_days": recency,
        "purchase_days": count,
        "orders": count,
        "spend": spend,
        "monetary": mean,
        "monetary_median": net.median(),
        "monetary_sd": spread,
        "monetary_min": net.min(),
        "monetary_max": most,
        "monetary_first": first,
        "monetary_last": last,
        "monetary_log_mean": logs.mean(),
        "monetary_log_sd": logs.std(),
        "monetary_variation": over(spread, mean),
        "last_to_mean": over(last, mean),
        "first_to_mean": over(first, mean),
        "max_share": most / gross,
        "tenure_days": tenure,
        "days_rate": count / (tenure + 1),
        "spend_rate": spend / (tenure + 1),
        "recency_to_tenure": recency / tenure,
        "first_orders": count.clip(upper=1),
        "first_weekday": (bought.day.groupby(bought.customer).first() + THURSDAY) % 7,
        "_gross": gross,
    }


def rhythm(bought: Days, found: Columns, window: int) -> Columns:
    """Return what gaps and calendar days say."""
    recency, count = found["recency_days"], found["purchase_days"]
    gap = bought.day.groupby(bought.customer).diff()
    by_gap, by_log = gap.groupby(bought.customer), np.log1p(gap).round(6).groupby(bought.customer)
    silence = recency.reindex(bought.customer).set_axis(gap.index)
    beyond = gap > silence
    mean, spread, last, longest = by_gap.mean(), by_gap.std(), by_gap.last(), by_gap.max()
    log_mean, log_spread = by_log.mean(), by_log.std()
    month = bought.day.to_numpy().astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) % 12
    year_end = pd.Series(month >= 10, index=gap.index)
    return {
        "gap_mean": mean,
        "gap_sd": spread,
        "gap_min": by_gap.min(),
        "gap_median": by_gap.median(),
        "gap_max": longest,
        "gap_last": last,
        "recency_in_gaps": recency / (mean + 1),
        "recency_score": (recency - mean) / (spread + 1),
        "recency_to_longest": recency / (longest + 1),
        "gaps_beyond": bought.total(beyond, count.index),
        "gaps_ahead": bought.total(beyond & (gap <= silence + window), count.index),
        "gap_log_mean": log_mean,
        "gap_log_sd": log_spread,
        "recency_log_score": (np.log1p(recency) - log_mean) / (log_spread.fillna(0) + 0.3),
        "gap_variation": spread / mean,
        "gap_trend": last / mean,
        "weekday": bought.total((bought.day + THURSDAY) % 7, count.index) / count,
        "year_end_share": bought.total(year_end, count.index) / count,
    }


def momentum(days: Days, bought: Days, found: Columns, window: int) -> Columns:
    """Return what happened lately: in spans, in windows, decayed, and in the same weeks a year ago."""
    index = found["purchase_days"].index
    season = (LAST_YEAR - window, LAST_YEAR)
    spans = {str(span): (0, span) for span in SPANS} | {"_season": season}
    spans |= {f"window_{k}": ((k - 1) * window, k * window) for k in (1, 2, 3)}
    recent: Columns = {}
    one = pd.Series(1, index=bought.age.index)
    for name, (low, high) in spans.items():
        recent[f"days_{name}"] = bought.total(one, index, (bought.age > low) & (bought.age <= high))
        recent[f"spend_{name}"] = days.total(days.net, index, (days.age > low) & (days.age <= high)) / MONEY
    for tau in DECAYS:
        recent[f"days_decay_{tau}"] = bought.total(np.exp(-bought.age / tau).round(6), index)
        recent[f"spend_decay_{tau}"] = days.total((days.net / MONEY * np.exp(-days.age / tau)).round(6), index)
    whole_year = found["tenure_days"] >= LAST_YEAR
    for what in ("days", "spend"):
        newer, older = recent[f"{what}_window_1"], recent[f"{what}_window_2"]
        recent[f"{what}_trend"] = over(newer, (newer + older).round(6))
        recent[f"{what}_decay_trend"] = over(recent[f"{what}_decay_45"], recent[f"{what}_decay_365"].round(6))
        recent[f"season_{what}"] = recent.pop(f"{what}__season").where(whole_year)
    return recent


def months(days: Days, bought: Days, found: Columns) -> Columns:
    """Return counts and spend of the last twelve months of thirty days, and their slopes."""
    index = found["purchase_days"].index
    counted, spent = bought.by_month(bought.net * 0 + 1), days.by_month(days.net)
    recent: Columns = {}
    for what, table, unit in (("days", counted, 1), ("spend", spent, MONEY)):
        table = table.reindex(index=index, columns=list(MONTHS), fill_value=0)
        rise = sum(table[k] * (6.5 - k) for k in MONTHS) / 143
        recent[f"{what}_slope"] = over(rise, table.sum(axis=1) / 12)
        recent |= {f"{what}_month_{k}": table[k] / unit for k in MONTHS}
    active = (counted > 0).sum(axis=1).reindex(index, fill_value=0)
    return recent | {"active_months": active}


def refunds(days: Days, found: Columns) -> Columns:
    """Return how often and how much came back."""
    index, gross = found["purchase_days"].index, found["_gross"]
    returned = days.where(days.gross > days.net)
    money = returned.gross - returned.net
    ages = returned.age.groupby(returned.customer)
    refunded = returned.total(money, index, money > 0) / MONEY
    return {
        "refund_days": ages.size().reindex(index, fill_value=0),
        "refund_recency_days": ages.min().reindex(index),
        "refunded": refunded,
        "refunded_recent": returned.total(money, index, returned.age <= LATELY) / MONEY,
        "refund_share": refunded / gross,
    }


def over(part: pd.Series, whole: pd.Series) -> pd.Series:
    """Divide; nothing where there is nothing to divide by."""
    return part / whole.where(whole != 0)


def main() -> None:
    """Read, compute, and write as Parquet."""
    found = features(Path(sys.argv[1]), date.fromisoformat(sys.argv[2]))
    found.to_parquet(sys.argv[3])
    tell(features=len(found.columns))


if __name__ == "__main__":
    main()
