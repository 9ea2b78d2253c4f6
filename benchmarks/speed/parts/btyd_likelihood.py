"""The log-likelihood of BG/NBD under several sets of parameters, by a function that no contender shares.

`python -m benchmarks.speed.parts.btyd_likelihood CUSTOMERS NAME r alpha a b [NAME r alpha a b …]`
"""

import sys

import pandas as pd

from benchmarks.parametric import BGNBD
from benchmarks.speed.parts.clock import tell


def main() -> None:
    """Evaluate."""
    table = pd.read_parquet(sys.argv[1])
    history = [table[name].to_numpy() for name in ("frequency", "recency", "T")]
    for name, *values in zip(*[iter(sys.argv[2:])] * 5, strict=True):
        tell(**{name: float(BGNBD(*map(float, values)).log_likelihood(*history).sum())})


if __name__ == "__main__":
    main()
