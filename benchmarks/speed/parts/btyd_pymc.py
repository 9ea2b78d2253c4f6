"""BG/NBD of `pymc-marketing`, by MAP, on a table of customers.

`python -m benchmarks.speed.parts.btyd_pymc CUSTOMERS`; a first fit on few customers, which compiles what PyTensor keeps
for later, is not counted.
"""

import sys

import pandas as pd
from pymc_marketing import clv

from benchmarks.speed.parts.clock import working

FEW = 1_000


def fit(table: pd.DataFrame) -> clv.BetaGeoModel:
    """Return the fitted model."""
    model = clv.BetaGeoModel(table)
    model.fit(method="map")
    return model


def main() -> None:
    """Fit."""
    table = pd.read_parquet(sys.argv[1])
    fit(table.head(FEW))
    with working() as facts:
        found = fit(table).fit_result
        facts |= {name: float(found[name].squeeze()) for name in ("r", "alpha", "a", "b")}


if __name__ == "__main__":
    main()
