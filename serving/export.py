"""Writing lists to files and standard output: whole or not at all, batch by batch."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import pyarrow as pa
import pyarrow.compute as pc
from ibis.expr import types as ir
from pyarrow.csv import CSVWriter
from pyarrow.parquet import ParquetWriter

from features.whole_file import whole_file
from regulars.errors import RegularsError

ROWS_A_BATCH = 65_536
REASONS_JOINED_BY = " · "
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\x00", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What spreadsheets take for a formula, wide forms included: https://owasp.org/www-community/attacks/CSV_Injection ."""


class _Writer(Protocol):
    def write_batch(self, batch: Any) -> None: ...

    def close(self) -> None: ...


def format_of(path: Path) -> str:
    """Return the format that a file's name asks for.

    Raises
    ------
    RegularsError
        For any other ending than .csv, .parquet, .json and .jsonl.
    """
    formats = {".csv": "csv", ".parquet": "parquet", ".json": "json", ".jsonl": "json"}
    if path.suffix.lower() not in formats:
        raise RegularsError(f"{path}: the name ends in none of {', '.join(formats)}; name the format or another file.")
    return formats[path.suffix.lower()]


def write_list(table: pa.RecordBatchReader | ir.Table, path: Path | None, format: str) -> int:  # noqa: A002
    """Write a list as CSV, Parquet or JSON lines, and return its number of rows.

    Parameters
    ----------
    table
        The rows, in order; they pass through batch by batch.
    path
        The file, which appears whole or not at all; it is replaced if it exists. None is standard output.
    format
        ``csv`` (UTF-8, RFC 4180 quoting, nulls as empty cells, lists of text joined, and text that a spreadsheet would
        take for a formula behind an apostrophe), ``json`` (JSON lines, UTF-8) or ``parquet`` (as it is). In CSV and
        JSON, dates are ISO dates, timestamps ISO in UTC, and numbers that are not finite null. The file's extension
        does not matter.

    Raises
    ------
    RegularsError
        For another format, or a path at which no file can be.
    """
    writers: dict[str, Callable[[BinaryIO, pa.Schema], _Writer]] = {
        "csv": _CsvWriter,
        "json": _JsonWriter,
        "parquet": ParquetWriter,
    }
    if format not in writers:
        raise RegularsError(f"There is no format {format!r}; the formats are {', '.join(writers)}.")
    with _destination(path) as sink:
        batches = table.to_pyarrow_batches(chunk_size=ROWS_A_BATCH) if isinstance(table, ir.Table) else table
        rows = 0
        with closing(writers[format](sink, batches.schema)) as writer:
            for batch in batches:
                writer.write_batch(batch)
                rows += batch.num_rows
    return rows


@contextmanager
def _destination(path: Path | None) -> Iterator[BinaryIO]:
    if path is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    with whole_file(path) as part, part.open("wb") as sink:
        yield sink


class _CsvWriter:
    def __init__(self, sink: BinaryIO, schema: pa.Schema) -> None:
        nothing = _csv_cells(pa.RecordBatch.from_pylist([], schema=schema))
        self._writer = CSVWriter(sink, nothing.schema)

    def write_batch(self, batch: pa.RecordBatch) -> None:
        self._writer.write_batch(_csv_cells(batch))

    def close(self) -> None:
        self._writer.close()


class _JsonWriter:
    def __init__(self, sink: BinaryIO, schema: pa.Schema) -> None:
        self._sink = sink

    def write_batch(self, batch: pa.RecordBatch) -> None:
        cells = pa.RecordBatch.from_arrays([_json_cells(column) for column in batch.columns], batch.schema.names)
        # Dates and decimals are the only other values, and their text is what JSON readers expect.
        lines = (json.dumps(row, ensure_ascii=False, allow_nan=False, default=str) for row in cells.to_pylist())
        self._sink.writelines(f"{line}\n".encode() for line in lines)

    def close(self) -> None:
        pass


def _csv_cells(batch: pa.RecordBatch) -> pa.RecordBatch:
    names = _without_formulas(pa.array(batch.schema.names, pa.string())).to_pylist()
    return pa.RecordBatch.from_arrays([_csv_column(column) for column in batch.columns], names)


def _csv_column(column: pa.Array) -> pa.Array:
    kind = column.type
    if pa.types.is_timestamp(kind):
        return _iso_utc(column)
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return _without_formulas(pa.array(map(_joined, column.to_pylist()), pa.string()))
    if pa.types.is_floating(kind):
        return _finite(column)
    if pa.types.is_dictionary(kind):
        return _csv_column(column.dictionary_decode())
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return _without_formulas(column.cast(pa.string()))
    return column


def _joined(items: list[Any] | None) -> str | None:
    return None if items is None else REASONS_JOINED_BY.join(str(item) for item in items if item is not None)


def _without_formulas(text: pa.Array) -> pa.Array:
    is_formula = pc.is_in(pc.utf8_slice_codeunits(text, 0, 1), value_set=pa.array(FORMULA_STARTS))
    return pc.if_else(is_formula, pc.binary_join_element_wise("'", text, ""), text)


def _json_cells(column: pa.Array) -> pa.Array:
    if pa.types.is_timestamp(column.type):
        return _iso_utc(column)
    return _finite(column) if pa.types.is_floating(column.type) else column


def _finite(numbers: pa.Array) -> pa.Array:
    # Neither JSON nor a spreadsheet has a word for the others.
    return pc.if_else(pc.is_finite(numbers), numbers, pa.scalar(None, numbers.type))


def _iso_utc(moments: pa.Array) -> pa.Array:
    return pc.strftime(moments.cast(pa.timestamp("us", tz="UTC"), safe=False), format="%Y-%m-%dT%H:%M:%SZ")
