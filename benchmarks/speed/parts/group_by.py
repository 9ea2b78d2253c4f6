"""The least that any reader of a log must do: count, sum, first and last by customer, in DuckDB.

`python -m benchmarks.speed.parts.group_by LOG [MEMORY [CUSTOMER TIMESTAMP AMOUNT]]`; the amount may be a product of
columns, such as `Quantity * Price`.
"""

import sys

import duckdb

from benchmarks.speed.parts.clock import tell


def main() -> None:
    """Group, and say how many rows and customers there are."""
    log, memory, *columns = [*sys.argv[1:], ""][:5]
    names = [name for name in columns if name] or ["customer_id", "timestamp", "amount"]
    customer, timestamp, amount = (" * ".join(f'"{factor.strip()}"' for factor in name.split("*")) for name in names)
    engine = duckdb.connect(config={"memory_limit": memory} if memory else {})
    engine.execute("SET preserve_insertion_order = false")
    engine.execute(
        f"CREATE TEMP TABLE customers AS SELECT {customer}, count(*) AS n, sum({amount}), min({timestamp}), "
        f"max({timestamp}) FROM read_parquet(?) GROUP BY 1",
        [log],
    )
    rows, customers = engine.execute("SELECT sum(n)::bigint, count(*) FROM customers").fetchone() or (0, 0)
    tell(rows=rows, customers=customers)


if __name__ == "__main__":
    main()
