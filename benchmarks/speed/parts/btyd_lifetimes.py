"""BG/NBD of `lifetimes` on a table of customers: `python -m benchmarks.speed.parts.btyd_lifetimes CUSTOMERS`."""

import sys

import pandas as pd
from lifetimes import BetaGeoFitter

from benchmarks.speed.parts.clock import working


def main() -> None:
    """Fit."""
    table = pd.read_parquet(sys.argv[1])
    with working() as facts:
        fitted = BetaGeoFitter().fit(table["frequency"], table["recency"], table["T"])
        facts |= {name: float(fitted.params_[name]) for name in ("r", "alpha", "a", "b")}


if __name__ == "__main__":
    main()
