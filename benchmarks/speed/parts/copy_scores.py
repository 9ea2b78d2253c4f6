"""The least that any list must do: rank the scores of a store and copy them to a CSV file, in DuckDB.

`python -m benchmarks.speed.parts.copy_scores STORE TOP`; 0: all.
"""

import sys

import duckdb
from deltalake import DeltaTable


def main() -> None:
    """Copy."""
    store, top = sys.argv[1], int(sys.argv[2])
    ranked = duckdb.read_parquet(DeltaTable(f"{store}/scores").file_uris()).order("clv DESC, customer_id")
    (ranked.limit(top) if top else ranked).write_csv("minimum.csv")


if __name__ == "__main__":
    main()
