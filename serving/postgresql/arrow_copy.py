"""Arrow batches into a PostgreSQL table, through COPY: batch by batch, whatever the number of rows."""

from collections.abc import Callable, Iterable

import pyarrow as pa
import pyarrow.compute as pc
from psycopg import sql
from pyarrow.csv import WriteOptions, write_csv

from serving.postgresql.postgres import Connection

HEADLESS = WriteOptions(include_header=False)


def copy_batches(
    connection: Connection,
    table: sql.Identifier,
    columns: Iterable[str],
    batches: Iterable[pa.RecordBatch],
    progress: Callable[[int], None] = lambda rows: None,
) -> int:
    """Append rows to a table and return how many they were.

    Nulls stay nulls and empty texts stay empty: CSV as Arrow writes it quotes every text, and PostgreSQL reads an empty
    cell without quotes as null.

    Parameters
    ----------
    table, columns
        Where they go. Batches hold these columns, in any order; others are left out.
    batches
        Texts, numbers, dates, timestamps and lists of text. Numbers that are not finite become null.
    progress
        Called with the number of rows of each batch when it is sent.
    """
    names = list(columns)
    statement = sql.SQL("copy {} ({}) from stdin (format csv)").format(
        table, sql.SQL(", ").join(map(sql.Identifier, names))
    )
    rows = 0
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for batch in batches:
            copy.write(memoryview(as_csv(batch.select(names))))
            rows += batch.num_rows
            progress(batch.num_rows)
    return rows


def as_csv(batch: pa.RecordBatch) -> pa.Buffer:
    """Return a batch as PostgreSQL reads CSV."""
    cells = pa.RecordBatch.from_arrays([_cells(column) for column in batch.columns], batch.schema.names)
    sink = pa.BufferOutputStream()
    write_csv(cells, sink, HEADLESS)
    return sink.getvalue()


def _cells(column: pa.Array) -> pa.Array:
    if pa.types.is_list(column.type):
        return _array_literals(column)
    if pa.types.is_floating(column.type):
        # In PostgreSQL "not a number" is greater than every number, and would come first in every ranking.
        return pc.if_else(pc.is_finite(column), column, pa.scalar(None, column.type))
    return column


def _array_literals(lists: pa.ListArray) -> pa.Array:
    """Return lists of text as PostgreSQL writes arrays: ``{"one","two"}``."""
    escaped = pc.replace_substring(pc.replace_substring(lists.flatten(), "\\", "\\\\"), '"', '\\"')
    quoted = pc.fill_null(pc.binary_join_element_wise('"', escaped, '"', ""), "NULL")
    # The offsets of a slice are those of the whole; those of its own items follow from the lengths.
    lengths = pc.fill_null(pc.list_value_length(lists), 0)
    offsets = pa.concat_arrays([pa.array([0], pa.int32()), pc.cumulative_sum(lengths).cast(pa.int32())])
    joined = pc.binary_join(pa.ListArray.from_arrays(offsets, quoted), ",")
    return pc.if_else(pc.is_null(lists), None, pc.binary_join_element_wise("{", joined, "}", ""))
