"""What scoring must at least do: read the log, take the snapshot, and ask every booster of the bundle for every row.

`python -m benchmarks.speed.parts.score_minimum LOG AS_OF HORIZON`, in a folder with a trained champion.
"""

import sys
from collections.abc import Iterator
from datetime import date

import numpy as np
from numpy.typing import NDArray

from benchmarks.speed.parts.clock import Stopwatch, working
from features.ledger import Ledger, build_ledger
from features.log import Log
from features.snapshot import frames, snapshot
from models.bundle import Bundle, modelled
from models.registry import CHAMPION, load_registered


def matrices(bundle: Bundle, ledger: Ledger, as_of: date) -> Iterator[NDArray[np.float64]]:
    """Yield what the boosters read, batch by batch."""
    for frame in frames(snapshot(ledger, as_of, bundle.window_days)):
        features = modelled(bundle.encoding.encode(frame), bundle.btyd, bundle.gaps, bundle.window_days)
        yield np.ascontiguousarray(features[list(bundle.spend.feature_names_in_)].to_numpy(dtype=np.float64))


def main() -> None:
    """Measure each piece."""
    log, as_of, horizon = sys.argv[1], date.fromisoformat(sys.argv[2]), int(sys.argv[3])
    bundle = load_registered(horizon, CHAMPION).bundle
    with working("log to ledger"):
        ledger = build_ledger(Log(log))
    with working("snapshot"):
        for _ in snapshot(ledger, as_of, bundle.window_days).to_pyarrow_batches():
            pass
    spend, churn = bundle.spend.members_, bundle.churn.members_
    boosters = [one.booster_ for one in (spend["spend"], spend["count"], churn["rate"], churn["btyd"])]
    watch, rows = Stopwatch(), 0
    for matrix in matrices(bundle, ledger, as_of):
        rows += len(matrix)
        with watch.running():
            for booster in boosters:
                booster.predict(matrix, raw_score=True)
    watch.tell("raw Booster.predict", rows=rows, trees=sum(booster.num_trees() for booster in boosters))


if __name__ == "__main__":
    main()
