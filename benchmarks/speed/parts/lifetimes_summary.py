"""Frequency, recency, age and mean value by customer, as `lifetimes` makes them: `python -m … LOG AS_OF`."""

import sys

import pandas as pd
from lifetimes.utils import summary_data_from_transaction_data


def main() -> None:
    """Read and summarise."""
    log = pd.read_parquet(sys.argv[1], columns=["customer_id", "timestamp", "amount"])
    summary_data_from_transaction_data(
        log, "customer_id", "timestamp", monetary_value_col="amount", observation_period_end=sys.argv[2]
    )


if __name__ == "__main__":
    main()
