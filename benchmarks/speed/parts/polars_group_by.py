"""The group-by of `group_by` in Polars, by its streaming engine: `python -m … LOG`."""

import sys

import polars as pl


def main() -> None:
    """Group."""
    amount, time = pl.col("amount"), pl.col("timestamp")
    wanted = [pl.len(), amount.sum(), time.min().alias("first"), time.max().alias("last")]
    pl.scan_parquet(sys.argv[1]).group_by("customer_id").agg(wanted).collect(engine="streaming")


if __name__ == "__main__":
    main()
