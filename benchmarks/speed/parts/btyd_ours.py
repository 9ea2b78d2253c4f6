"""Our BG/NBD on a table of customers: `python -m benchmarks.speed.parts.btyd_ours CUSTOMERS`."""

import sys

import pandas as pd

from benchmarks.speed.parts.clock import working
from models.dropout import BGNBD


def main() -> None:
    """Fit."""
    table = pd.read_parquet(sys.argv[1])
    with working() as facts:
        fitted = BGNBD().fit(table["frequency"], table["recency"], table["T"])
        facts |= {"r": fitted.r_, "alpha": fitted.alpha_, "a": fitted.a_, "b": fitted.b_}


if __name__ == "__main__":
    main()
