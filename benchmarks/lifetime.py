"""Lifetime value beside what customers really brought, a year and three years on, and beside simpler curves."""

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import spearmanr

from benchmarks.accuracy.judgement import decile_error
from benchmarks.accuracy.made_up.giving import Charity
from benchmarks.accuracy.made_up.shop import Shop
from benchmarks.accuracy.made_up.subscription import Subscription
from benchmarks.accuracy.windows import SEED, OnlineRetail, online_retail_path, open_cdnow
from benchmarks.generator import write_log
from benchmarks.population import Shape
from features.ledger import Ledger, build_ledger
from features.log import Log
from features.outcome import outcomes
from features.snapshot import KEYS, frames, snapshot
from models.lifetime import Economics, value
from models.long_run import LongRun
from models.pin import Totals
from serving.scoring.past_years import long_run_question
from training.fit import Fitting, fit_bundle
from training.metrics import normalised_gini

FloatArray = NDArray[np.float64]

BEGIN, YEARS, THREE_YEARS = date(2019, 1, 1), 6, 1_096
NEW_YEAR, AUTUMN = date(2022, 1, 1), date(2021, 10, 2)
SHOP = Shop(customers=12_000, start=BEGIN, days=2_192)
SHOPS = {
    "steady shop": (SHOP, NEW_YEAR),
    "seasonal shop": (replace(SHOP, season=2.5), NEW_YEAR),
    "seasonal shop, autumn": (replace(SHOP, season=2.5), AUTUMN),
    "growing shop": (replace(SHOP, growth=1.4, pace=1.1), NEW_YEAR),
    "declining shop": (replace(SHOP, growth=0.75, pace=0.9), NEW_YEAR),
    "one-time shop": (replace(SHOP, customers=20_000, one_time=0.9), NEW_YEAR),
    "subscription": (Subscription(start=BEGIN, days=2_192), NEW_YEAR),
    "giving": (Charity(), date(2019, 1, 1)),
}
"""Six years and, of giving, ten: three or four are known, three follow."""


@dataclass(frozen=True)
class Case:
    """A log, an as-of date, the horizon that is predicted, and the lifetime that is judged."""

    log: str
    ledger: Ledger
    as_of: date
    lifetime_days: int
    horizon_days: int = 90


def cases(online_retail: Path, seed: int) -> Iterator[Case]:
    """Yield the open logs that are there, then the made-up ones."""
    yield Case("CDNOW", open_cdnow(), date(1997, 7, 1), 365)
    if online_retail.exists():
        yield Case("Online Retail II", OnlineRetail(online_retail)(), date(2010, 12, 1), 365)
    for name, (shop, as_of) in SHOPS.items():
        yield Case(name, build_ledger(Log(shop.log(seed))), as_of, THREE_YEARS)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "log.parquet"
        write_log(Shape(20_000, 200_000, years=YEARS, seed=seed, start=BEGIN), path)
        yield Case("population", build_ledger(Log(path)), NEW_YEAR, THREE_YEARS)


def curves(case: Case, rows: int) -> dict[str, pd.Series]:
    """Return what each curve expects customers to spend in the lifetime, undiscounted, by its name."""
    known = case.ledger.before(case.as_of)
    bundle = fit_bundle(known, case.as_of, case.horizon_days, Fitting(rows=rows)).bundle
    read = list(frames(snapshot(known, case.as_of, bundle.window_days)))
    allocation, features = pd.concat([bundle.allocate(frame) for frame in read]), pd.concat(read)
    totals = Totals()
    totals.add(allocation)
    level, pins = bundle.level, totals.pins(bundle.level)
    whole = Economics(margin=1.0, discount=0.0, lifetime_days=case.lifetime_days)

    def worth(long_run: LongRun, fades: bool) -> pd.Series:
        parts = bundle.value_parts(features, allocation, long_run, whole)
        if not fades:
            growth = parts["value_own"] / allocation["spend"] + parts["value_btyd"] / allocation["btyd_spend"]
            parts = parts.assign(value_own=growth * allocation["spend"], value_btyd=0.0)
        return value(parts, pins, level)

    by_btyd = bundle.btyd.predict(features, case.lifetime_days)
    long_run = long_run_question(bundle, known.span, case.as_of).alone(known, bundle.btyd)
    return {
        "the horizon's level carried on": allocation["spend"]
        * pins.spend
        * (by_btyd["orders"] / allocation["btyd_orders"]),
        "BTYD alone": by_btyd["spend"],
        "own spend never fades, no long run": worth(LongRun(), fades=False),
        "own spend fades, no long run": worth(LongRun(), fades=True),
        "own spend never fades, long run": worth(long_run, fades=False),
        "Regulars: own spend fades, long run": worth(long_run, fades=True),
    }


def judged(case: Case, rows: int) -> pd.DataFrame:
    """Return one row a curve: `customers`, `total` (expected over actual), `gini`, `spearman`, `decile_error`."""
    found = curves(case, rows)
    happened = outcomes(case.ledger, case.as_of, case.lifetime_days).to_pandas().set_index(list(KEYS))["net_spend"]
    table = {}
    for name, expected in found.items():
        actual = happened.reindex(expected.index).to_numpy(dtype=np.float64)
        table[case.log, name] = _figures(actual, expected.to_numpy(dtype=np.float64))
    return pd.DataFrame(table).T.rename_axis(["log", "curve"])


def _figures(actual: FloatArray, expected: FloatArray) -> dict[str, float]:
    return {
        "customers": len(actual),
        "total": expected.sum() / actual.sum(),
        "gini": normalised_gini(actual, expected),
        "spearman": float(spearmanr(actual, expected).statistic),
        "decile_error": decile_error(actual, expected),
    }


def summed_up(table: pd.DataFrame) -> pd.DataFrame:
    """Add the means over all logs, of `total` the mean factor by which it is off."""
    means = table.assign(total=np.log(table["total"]).abs()).groupby("curve", sort=False).mean()
    means["total"] = np.exp(means["total"])
    return pd.concat([table, pd.concat({"mean": means}, names=["log"])])


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the flags, judge, print, and write the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.lifetime", description=__doc__)
    parser.add_argument("--online-retail", type=Path, default=online_retail_path(), metavar="FILE")
    parser.add_argument("--rows", type=int, default=20_000, help="rows of the past to learn from")
    parser.add_argument("--seed", type=int, default=SEED, help="of the made-up logs")
    parser.add_argument("--json", type=Path, metavar="FILE", help="file for the figures")
    flags = parser.parse_args(arguments)
    if not flags.online_retail.exists():
        print(f"Online Retail II is left out: there is no file {flags.online_retail} (--online-retail FILE)")
    table = summed_up(pd.concat([judged(case, flags.rows) for case in cases(flags.online_retail, flags.seed)]))
    forms = {
        "customers": "{:,.0f}",
        "total": "{:.2f}",
        "gini": "{:.3f}",
        "spearman": "{:.3f}",
        "decile_error": "{:.3f}",
    }
    print(table.to_string(formatters={name: form.format for name, form in forms.items()}))
    if flags.json is not None:
        logs = table.index.get_level_values("log").unique()
        flags.json.write_text(json.dumps({log: table.loc[log].T.to_dict() for log in logs}, indent=1, allow_nan=False))


if __name__ == "__main__":
    main()
