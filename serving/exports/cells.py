"""Cells: what stands in the cells of CSV and JSON files, so that it is read as it was and harms no spreadsheet."""

import json
from collections.abc import Callable, Collection
from typing import Any, BinaryIO, Protocol

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow.csv import CSVWriter
from pyarrow.parquet import ParquetWriter

REASONS_JOINED_BY = " · "
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\x00", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What spreadsheets take for a formula, wide forms included: https://owasp.org/www-community/attacks/CSV_Injection ."""
E164 = r"^\+[0-9]{7,15}$"
"""A telephone number: a plus in front of nothing but digits calculates nothing."""


class Writer(Protocol):
    """Writes Arrow batches into a sink."""

    def write_batch(self, batch: Any) -> None:
        """Write a batch."""

    def close(self) -> None:
        """Finish; the sink stays open."""


class CsvWriter:
    """Writes CSV.

    Parameters
    ----------
    sink
        Where to.
    schema
        Of the batches.
    phones
        Columns in which telephone numbers in E.164 stay as they are.
    """

    def __init__(self, sink: BinaryIO, schema: pa.Schema, phones: Collection[str] = ()) -> None:
        self._phones = phones
        nothing = self._cells(pa.RecordBatch.from_pylist([], schema=schema))
        self._writer = CSVWriter(sink, nothing.schema)

    def write_batch(self, batch: pa.RecordBatch) -> None:
        """Write a batch."""
        self._writer.write_batch(self._cells(batch))

    def close(self) -> None:
        """Finish; the sink stays open."""
        self._writer.close()

    def _cells(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        names = batch.schema.names
        columns = [
            _phone_column(column) if name in self._phones else _csv_column(column)
            for name, column in zip(names, batch.columns, strict=True)
        ]
        return pa.RecordBatch.from_arrays(columns, _without_formulas(pa.array(names, pa.string())).to_pylist())


class JsonWriter:
    """Writes JSON lines."""

    def __init__(self, sink: BinaryIO, schema: pa.Schema) -> None:
        self._sink = sink

    def write_batch(self, batch: pa.RecordBatch) -> None:
        """Write a batch."""
        cells = pa.RecordBatch.from_arrays([_json_cells(column) for column in batch.columns], batch.schema.names)
        # Dates and decimals are the only other values, and their text is what JSON readers expect.
        lines = (json.dumps(row, ensure_ascii=False, allow_nan=False, default=str) for row in cells.to_pylist())
        self._sink.writelines(f"{line}\n".encode() for line in lines)

    def close(self) -> None:
        """Nothing is left to finish."""


def parquet_writer(sink: BinaryIO, schema: pa.Schema) -> Writer:
    """Return a writer of Parquet that looks for repetition where there is some: numbers with a point seldom repeat."""
    repeated = [field.name for field in schema if not pa.types.is_floating(field.type)]
    writer: Writer = ParquetWriter(sink, schema, use_dictionary=repeated)
    return writer


WRITERS: dict[str, Callable[[BinaryIO, pa.Schema], Writer]] = {
    "csv": CsvWriter,
    "json": JsonWriter,
    "parquet": parquet_writer,
}
"""Writers of plain files by format."""


def _phone_column(column: pa.Array) -> pa.Array:
    text = column.cast(pa.string())
    return pc.if_else(pc.match_substring_regex(text, E164), text, _without_formulas(text))


def _csv_column(column: pa.Array) -> pa.Array:
    kind = column.type
    if pa.types.is_timestamp(kind):
        return _iso_utc(column)
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return _without_formulas(_joined_column(column))
    if pa.types.is_floating(kind):
        return _finite(column)
    if pa.types.is_dictionary(kind):
        return _csv_column(column.dictionary_decode())
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return _without_formulas(column.cast(pa.string()))
    return column


def _joined_column(column: pa.Array) -> pa.Array:
    if pa.types.is_string(column.type.value_type) and not column.flatten().null_count:
        return pc.binary_join(column, REASONS_JOINED_BY)
    return pa.array(map(_joined, column.to_pylist()), pa.string())


def _joined(items: list[Any] | None) -> str | None:
    return None if items is None else REASONS_JOINED_BY.join(str(item) for item in items if item is not None)


def _without_formulas(text: pa.Array) -> pa.Array:
    is_formula = pc.is_in(pc.utf8_slice_codeunits(text, 0, 1), value_set=pa.array(FORMULA_STARTS))
    if not pc.any(is_formula).as_py():
        return text  # as nearly always, and a copy of all text takes longer than the rest
    return pc.if_else(is_formula, pc.binary_join_element_wise("'", text, ""), text)


def _json_cells(column: pa.Array) -> pa.Array:
    if pa.types.is_timestamp(column.type):
        return _iso_utc(column)
    return _finite(column) if pa.types.is_floating(column.type) else column


def _finite(numbers: pa.Array) -> pa.Array:
    # Neither JSON nor a spreadsheet has a word for the others.
    return pc.if_else(pc.is_finite(numbers), numbers, pa.scalar(None, numbers.type))


def _iso_utc(moments: pa.Array) -> pa.Array:
    # Writing a moment is slow, and most rows have the same one.
    found = moments.cast(pa.timestamp("us", tz="UTC"), safe=False).dictionary_encode()
    return pc.strftime(found.dictionary, format="%Y-%m-%dT%H:%M:%SZ").take(found.indices)
