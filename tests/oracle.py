"""Features and outcomes once more, one customer after the other in plain Python: what the definitions say.

Nothing of `features` is used here, so that both would have to be wrong in the same way.
"""

import math
import statistics
from collections import Counter
from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal

import pandas as pd
from oracle_sequence import deviation, months, rhythm

VARIETIES = {"product_id": "products", "category": "categories", "channel": "channels"}
LAST_YEAR = timedelta(days=364)


def features(rows, as_of, window):
    """Return the features of every customer who bought before the as-of date, indexed by customer.

    `rows` is a pandas table of `customer_id`, `timestamp` (in the business time zone), `amount` and the optional
    columns of a transaction log; columns that it does not have feed no features.
    """
    known = rows[rows["timestamp"].dt.date < as_of]
    found = {}
    for customer, own in known.groupby("customer_id"):
        days = _days(own)
        if any(day["gross"] > 0 for day in days.values()):
            found[customer] = _customer(days, as_of, window, set(rows.columns))
    return pd.DataFrame.from_dict(found, orient="index", dtype="float64").rename_axis("customer_id")


def outcomes(rows, as_of, horizon_days):
    """Return what everybody who bought before the as-of date did in the outcome window, indexed by customer."""
    end = as_of + timedelta(days=horizon_days)
    found = {}
    for customer, own in rows.groupby("customer_id"):
        days = _days(own)
        if not any(day["gross"] > 0 for when, day in days.items() if when < as_of):
            continue
        inside = {when: day for when, day in days.items() if as_of <= when < end}
        bought = sorted(when for when, day in inside.items() if day["gross"] > 0)
        found[customer] = {
            "net_spend": max(0.0, float(sum(day["net"] for day in inside.values()))),
            "purchase_days": float(len(bought)),
            "next_order_days": float((bought[0] - as_of).days) if bought else None,
            "churned": not bought,
        }
    columns = {"net_spend": "float64", "purchase_days": "float64", "next_order_days": "float64", "churned": "bool"}
    return pd.DataFrame.from_dict(found, orient="index", columns=list(columns)).astype(columns)


def _days(own):
    """Return one customer's days: money as exact decimals, and the distinct labels of the rows that were paid."""
    days = {}
    for row in own.to_dict("records"):
        day = days.setdefault(
            row["timestamp"].date(),
            {"net": Decimal(0), "gross": Decimal(0), "orders": set(), "items": Decimal(0)}
            | {plural: set() for plural in VARIETIES.values()},
        )
        amount = Decimal(repr(row["amount"])).quantize(Decimal("0.0001"), ROUND_HALF_UP)
        day["net"] += amount
        if amount <= 0:
            continue
        day["gross"] += amount
        if _present(row.get("order_id")):
            day["orders"].add(row["order_id"])
        if _present(row.get("quantity")):
            day["items"] += Decimal(repr(row["quantity"]))
        for column, plural in VARIETIES.items():
            if _present(row.get(column)):
                day[plural].add(row[column])
    return days


def _present(value):
    return value is not None and value == value and value != ""


def _customer(days, as_of, window, columns):
    ages = {(as_of - when).days: day | {"when": when} for when, day in sorted(days.items())}
    bought = {age: day for age, day in ages.items() if day["gross"] > 0}
    return {
        **_rfm(ages, bought, "order_id" in columns),
        **rhythm(bought, window),
        **_momentum(ages, bought, window),
        **months(ages, bought),
        **_refunds(ages, bought),
        **(_items(bought) if "quantity" in columns else {}),
        **{
            name: value
            for column, plural in VARIETIES.items()
            if column in columns
            for name, value in _variety([day[plural] for day in bought.values()], plural).items()
        },
    }


def _rfm(ages, bought, names_orders):
    nets = [float(day["net"]) for day in bought.values()]
    logs = [math.log1p(day["gross"]) for day in bought.values()]
    spend, gross = _net(ages), float(sum(day["gross"] for day in bought.values()))
    monetary, recency, tenure = spend / len(bought), min(bought), max(bought)
    orders = [max(len(day["orders"]), 1) if names_orders else 1 for day in bought.values()]
    return {
        "recency_days": recency,
        "purchase_days": len(bought),
        "orders": sum(orders),
        "spend": spend,
        "monetary": monetary,
        "monetary_median": statistics.median(nets),
        "monetary_sd": deviation(nets),
        "monetary_min": min(nets),
        "monetary_max": max(nets),
        "monetary_first": nets[0],
        "monetary_last": nets[-1],
        "monetary_log_mean": statistics.fmean(logs),
        "monetary_log_sd": deviation(logs),
        "monetary_variation": _over(deviation(nets), monetary),
        "last_to_mean": _over(nets[-1], monetary),
        "first_to_mean": _over(nets[0], monetary),
        "max_share": max(nets) / gross,
        "tenure_days": tenure,
        "days_rate": len(bought) / (tenure + 1),
        "spend_rate": spend / (tenure + 1),
        "recency_to_tenure": recency / tenure,
        "first_orders": orders[0],
        "first_weekday": bought[tenure]["when"].weekday(),
    }


def _momentum(ages, bought, window):
    found = {}
    for days in (7, 14, 30, 60, 90, 180, 365):
        found[f"days_{days}"] = sum(age <= days for age in bought)
        found[f"spend_{days}"] = _net({age: day for age, day in ages.items() if age <= days})
    for k in (1, 2, 3):
        found[f"days_window_{k}"] = sum((k - 1) * window < age <= k * window for age in bought)
        inside = {age: day for age, day in ages.items() if (k - 1) * window < age <= k * window}
        found[f"spend_window_{k}"] = _net(inside)
    # Every weighted term counts in whole millionths.
    for tau in (15, 45, 120, 365):
        found[f"days_decay_{tau}"] = math.fsum(round(math.exp(-age / tau), 6) for age in bought)
        decayed = (round(float(day["net"]) * math.exp(-age / tau), 6) for age, day in ages.items())
        found[f"spend_decay_{tau}"] = round(math.fsum(decayed), 6)
    found |= {
        f"{what}_trend": _over(
            found[f"{what}_window_1"], round(found[f"{what}_window_1"] + found[f"{what}_window_2"], 6)
        )
        for what in ("days", "spend")
    }
    found |= {
        f"{what}_decay_trend": _over(found[f"{what}_decay_45"], found[f"{what}_decay_365"])
        for what in ("days", "spend")
    }
    return found | _season(ages, bought, window)


def _season(ages, bought, window):
    if max(bought) < LAST_YEAR.days:
        return {"season_days": None, "season_spend": None}
    same_weeks = range(LAST_YEAR.days - window + 1, LAST_YEAR.days + 1)
    return {
        "season_days": sum(age in same_weeks for age in bought),
        "season_spend": _net({age: day for age, day in ages.items() if age in same_weeks}),
    }


def _refunds(ages, bought):
    back = {age: day["gross"] - day["net"] for age, day in ages.items() if day["net"] < day["gross"]}
    return {
        "refund_days": len(back),
        "refund_recency_days": min(back, default=None),
        "refunded": float(sum(back.values())),
        "refunded_recent": float(sum(money for age, money in back.items() if age <= 180)),
        "refund_share": float(sum(back.values())) / float(sum(day["gross"] for day in bought.values())),
    }


def _items(bought):
    items = sum(day["items"] for day in bought.values())
    gross = sum(day["gross"] for day in bought.values())
    return {
        "items": float(items),
        "items_mean": float(items) / len(bought),
        "item_value": _over(float(gross), float(items)),
    }


def _variety(days, plural):
    """Return breadth and concentration from the set of things bought on each purchase day."""
    times = Counter(thing for things in days for thing in things)
    bought = sum(times.values())
    return {
        f"{plural}_distinct": len(times),
        f"{plural}_mean": bought / len(days),
        f"{plural}_max": max(len(things) for things in days),
        f"{plural}_last": len(days[-1]),
        f"{plural}_repeat_share": 1 - len(times) / bought if bought else None,
        f"{plural}_concentration": sum((n / bought) ** 2 for n in times.values()) if bought else None,
    }


def _net(days):
    return float(sum(day["net"] for day in days.values()))


def _over(part, whole):
    return None if part is None or whole == 0 else part / whole
