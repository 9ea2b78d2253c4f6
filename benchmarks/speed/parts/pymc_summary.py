"""Frequency, recency, age and mean value by customer, as `pymc-marketing` makes them: `python -m … LOG AS_OF`."""

import sys

import pandas as pd
from pymc_marketing.clv import rfm_summary


def main() -> None:
    """Read and summarise."""
    log = pd.read_parquet(sys.argv[1], columns=["customer_id", "timestamp", "amount"])
    rfm_summary(log, "customer_id", "timestamp", monetary_value_col="amount", observation_period_end=sys.argv[2])


if __name__ == "__main__":
    main()
