"""What training must at least do: read the log, take the past snapshots, grow the bundle's trees on them.

`python -m benchmarks.speed.parts.training LOG AS_OF HORIZON`
"""

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any

import lightgbm as lgb
import numpy as np

from benchmarks.speed.parts.clock import working
from features.ledger import build_ledger
from features.log import Log
from models.booster import OffsetBooster
from models.bundle import Bundle
from training.fit import fit_prepared
from training.fitting import Fitting
from training.lessons import Lessons
from training.preparation import prepare


def targets(bundle: Bundle, lessons: Lessons) -> list[tuple[OffsetBooster, Any]]:
    """Return each booster of the models and what it learns."""
    spend, churn = bundle.spend.members_, bundle.churn.members_
    active = ~lessons.outcome["churned"].to_numpy()
    return [
        (spend["spend"], lessons.spend / bundle.spend.mean_),
        (spend["count"], lessons.outcome["outcome_days"].to_numpy()),
        (churn["rate"], active.astype(np.float64)),
        (churn["btyd"], active.astype(np.float64)),
    ]


def main() -> None:
    """Train, then grow the same trees alone."""
    log, as_of, horizon = sys.argv[1], date.fromisoformat(sys.argv[2]), int(sys.argv[3])
    fitting = Fitting()
    with working("log to ledger"):
        ledger = build_ledger(Log(log))
    with working("past snapshots, BTYD, level"):
        ready = prepare(ledger, as_of, horizon, fitting.rows)
    with working("fitting one bundle"):
        bundle = fit_prepared(ready, ledger, fitting).bundle
    matrix = np.ascontiguousarray(ready.lessons.features.to_numpy(dtype=np.float64))

    def grow(booster: OffsetBooster, target: Any) -> None:
        trained = booster.booster_
        lgb.train(trained.params, lgb.Dataset(matrix, target, params=trained.params), trained.num_trees())

    with working("raw lightgbm.train of its boosters") as facts, ThreadPoolExecutor(os.cpu_count()) as pool:
        for one in [pool.submit(grow, *pair) for pair in targets(bundle, ready.lessons)]:
            one.result()
        facts |= {"rows": len(matrix), "columns": matrix.shape[1]}


if __name__ == "__main__":
    main()
