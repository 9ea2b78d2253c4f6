"""Customers drawn from BG/NBD with known parameters, and the cost of one evaluation of its likelihood.

`python -m benchmarks.speed.parts.btyd_customers OUT CUSTOMERS SEED`
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.parametric import BGNBD
from benchmarks.speed.parts.clock import working

TRUTH = BGNBD(r=0.6, alpha=6.0, a=0.8, b=2.5)
"""Weeks are the unit of time."""
DAYS = 730


def draw(customers: int, seed: int) -> pd.DataFrame:
    """Return `frequency`, `recency` and `T`, days over seven, of customers who came at any day of two years."""
    rng = np.random.default_rng(seed)
    lasts = rng.integers(1, DAYS, customers) / 7
    rate = rng.gamma(TRUTH.r, 1 / TRUTH.alpha, customers)
    dropout = rng.beta(TRUTH.a, TRUTH.b, customers)
    x, t_x, clock = np.zeros(customers), np.zeros(customers), np.zeros(customers)
    alive = np.arange(customers)
    while len(alive):
        clock[alive] += rng.exponential(1 / np.maximum(rate[alive], 1e-12))
        alive = alive[clock[alive] < lasts[alive]]
        x[alive] += 1
        t_x[alive] = clock[alive]
        alive = alive[rng.random(len(alive)) >= dropout[alive]]
    # Logs know days, no hours; a repeat purchase is at least a day after the first.
    t_x = np.where(x > 0, np.clip(np.floor(t_x * 7), 1, lasts * 7), 0) / 7
    return pd.DataFrame({"customer_id": np.arange(customers), "frequency": x, "recency": t_x, "T": lasts})


def main() -> None:
    """Draw, write, and evaluate the likelihood of the truth once."""
    out, customers, seed = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    table = draw(customers, seed)
    table.to_parquet(out)
    history = [table[name].to_numpy() for name in ("frequency", "recency", "T")]
    with working() as facts:
        facts["log-likelihood"] = float(TRUTH.log_likelihood(*history).sum())


if __name__ == "__main__":
    main()
