"""What the order and spacing of one customer's purchase days say, once more in plain Python: part of the oracle."""

import itertools
import math
import statistics


def rhythm(bought, window):
    """Return the features of gaps and calendar days."""
    when = [day["when"] for day in bought.values()]
    gaps = _gaps(bought)
    mean, sd, recency = (statistics.mean(gaps) if gaps else None), deviation(gaps), min(bought)
    # Every logarithmic term counts in whole millionths.
    logs = [round(math.log(gap + 1), 6) for gap in gaps]
    log_mean, log_sd = (statistics.fmean(logs) if gaps else None), deviation(logs)
    return {
        "gap_mean": mean,
        "gap_sd": sd,
        "gap_min": min(gaps, default=None),
        "gap_median": statistics.median(gaps) if gaps else None,
        "gap_max": max(gaps, default=None),
        "gap_last": gaps[-1] if gaps else None,
        "recency_in_gaps": recency / (mean + 1) if gaps else None,
        "recency_score": None if sd is None else (recency - mean) / (sd + 1),
        "recency_to_longest": recency / (max(gaps) + 1) if gaps else None,
        "gaps_beyond": sum(gap > recency for gap in gaps),
        "gaps_ahead": sum(recency < gap <= recency + window for gap in gaps),
        "gap_log_mean": log_mean,
        "gap_log_sd": log_sd,
        "recency_log_score": (math.log(1 + recency) - log_mean) / ((log_sd or 0) + 0.3) if gaps else None,
        "gap_variation": None if sd is None else sd / mean,
        "gap_trend": gaps[-1] / mean if gaps else None,
        "weekday": statistics.fmean(day.weekday() for day in when),
        "year_end_share": sum(day.month in (11, 12) for day in when) / len(when),
    }


def months(ages, bought):
    """Return counts and spend of the twelve months of 30 days before the as-of date, newest first, and their slopes."""
    spans = [range(first, first + 30) for first in range(1, 361, 30)]
    days = [sum(age in span for age in bought) for span in spans]
    spend = [sum(day["net"] for age, day in ages.items() if age in span) for span in spans]
    return {
        **{f"days_month_{k}": value for k, value in enumerate(days, start=1)},
        **{f"spend_month_{k}": float(value) for k, value in enumerate(spend, start=1)},
        "days_slope": _slope(days),
        "spend_slope": _slope(spend),
        "active_months": sum(value > 0 for value in days),
    }


def deviation(values):
    """Return the sample standard deviation, None below two values."""
    return statistics.stdev(values) if len(values) > 1 else None


def _gaps(bought):
    when = [day["when"] for day in bought.values()]
    return [(later - earlier).days for earlier, later in itertools.pairwise(when)]


def _slope(newest_first):
    if sum(newest_first) == 0:
        return None
    oldest_first = [float(value) for value in reversed(newest_first)]
    return statistics.linear_regression(range(12), oldest_first).slope / (float(sum(newest_first)) / 12)
