"""Features: transaction log -> ledger -> snapshot, as Ibis expressions on DuckDB."""
