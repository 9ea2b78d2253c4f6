"""Lifetime value beside what the customers of a made-up shop brought: three known years, three that follow."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from features.ledger import build_ledger
from features.log import Log
from features.outcome import outcomes
from features.snapshot import snapshot
from models.lifetime import Economics, value
from models.pin import Totals
from serving.scoring.past_years import long_run_question
from training.fit import Fitting, fit_bundle


def leaving_log(customers=2_000, years=6, seed=4):
    """Draw a shop in which customers buy at gamma rates with a crest in December, and leave at a constant hazard."""
    rng = np.random.default_rng(seed)
    begin, end = pd.Timestamp("2018-01-01"), pd.Timestamp("2018-01-01") + pd.Timedelta(days=365.25 * years)
    first = rng.uniform(-365.0, (end - begin).days, customers)
    rate, gone = rng.gamma(1.5, 1 / 60, customers), first + rng.exponential(500.0, customers)
    rows = []
    for customer in range(customers):
        counted = rng.poisson(2 * rate[customer] * (gone[customer] - first[customer]))
        days = np.append(rng.uniform(first[customer], gone[customer], counted), first[customer])
        season = 0.5 + 0.5 * np.exp(-(((days - 345) % 365.25) ** 2) / 800)
        days = np.append(days[:-1][rng.random(counted) < season[:-1]], days[-1])
        rows.append(pd.DataFrame({"customer_id": f"{customer:05d}", "day": np.floor(days)}))
    log = pd.concat(rows).query(f"0 <= day < {(end - begin).days}")
    log = log.assign(
        timestamp=begin + pd.to_timedelta(log["day"], unit="D"), amount=rng.gamma(3.0, 10.0, len(log)).round(2)
    )
    return log[["customer_id", "timestamp", "amount"]]


@pytest.mark.slow
def test_three_years_of_a_made_up_shop_are_worth_within_a_fifth_of_what_they_brought():
    as_of = date(2021, 1, 1)
    ledger = build_ledger(Log(leaving_log()))
    known = ledger.before(as_of)
    bundle = fit_bundle(ledger, as_of, 90, Fitting(rows=5_000)).bundle
    features = snapshot(known, as_of, 90).to_pandas().set_index("customer_id").drop(columns="as_of")
    allocation = bundle.allocate(features)
    totals = Totals()
    totals.add(allocation)
    long_run = long_run_question(bundle, known.span, as_of).alone(known, bundle.btyd)
    parts = bundle.value_parts(features, allocation, long_run, Economics(discount=0.0, lifetime_days=1_000))
    found = value(parts, totals.pins(bundle.level), bundle.level)
    brought = outcomes(ledger, as_of, 1_000).to_pandas().set_index("customer_id")["net_spend"].reindex(features.index)
    assert found.sum() == pytest.approx(brought.sum(), rel=0.2)
    assert np.corrcoef(found.rank(), brought.rank())[0, 1] > 0.5
