"""Writing lists to files, standard output and streams: whole or not at all, batch by batch."""

import io
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
from ibis.expr import types as ir

from features.whole_file import whole_file
from regulars.errors import RegularsError
from serving.exports.audience import Audience
from serving.exports.cells import WRITERS, CsvWriter, Writer
from serving.exports.platforms import PHONES, PLATFORMS
from serving.listing.headings import DISCOUNTED_REVENUE, VALUE

ROWS_A_BATCH = 65_536
FORMATS = (*WRITERS, *PLATFORMS)


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


def require_format(format: str) -> None:  # noqa: A002
    """Refuse a format that there is not."""
    if format not in FORMATS:
        raise RegularsError(f"There is no format {format!r}; the formats are {', '.join(FORMATS)}.")


def write_list(table: pa.RecordBatchReader | ir.Table, path: Path | None, format: str) -> int:  # noqa: A002
    """Write a list, and return its number of rows.

    Parameters
    ----------
    table
        The rows, in order; they pass through batch by batch.
    path
        The file, which appears whole or not at all; it is replaced if it exists. None is standard output.
    format
        ``csv`` (UTF-8, RFC 4180 quoting, nulls as empty cells, lists of text joined, and text that a spreadsheet would
        take for a formula behind an apostrophe), ``json`` (JSON lines, UTF-8) or ``parquet`` (as it is). In CSV and
        JSON, dates are ISO dates, timestamps ISO in UTC, and numbers that are not finite null. ``google``, ``meta`` and
        ``klaviyo``: CSV in the columns of these platforms (`serving.exports.customer_match`, `meta`, `klaviyo`), of
        rows with the columns of the customers table. The file's extension does not matter.

    Raises
    ------
    RegularsError
        For another format, rows without the columns that a platform needs, or a path at which no file can be.
    """
    batches, schema = _shaped(table, format)
    if isinstance(table, ir.Table):
        batches = _fetched_ahead(batches)
    with _destination(path) as sink:
        return write_batches(batches, schema, sink, format)


def write_batches(batches: Iterable[pa.RecordBatch], schema: pa.Schema, sink: BinaryIO, format: str) -> int:  # noqa: A002
    """Write batches that are in a format's columns already into a sink, and return the number of rows."""
    rows = 0
    with closing(writer(sink, schema, format)) as writing:
        for batch in batches:
            writing.write_batch(batch)
            rows += batch.num_rows
    return rows


def stream_list_rows(table: pa.RecordBatchReader | ir.Table, format: str = "csv") -> Iterator[bytes]:  # noqa: A002
    """Yield the bytes that `write_list` would write, one piece a batch: nothing is held but the present batch."""
    batches, schema = _shaped(table, format)
    buffer = io.BytesIO()
    with closing(writer(buffer, schema, format)) as writing:
        for batch in batches:
            writing.write_batch(batch)
            yield _taken(buffer)
    yield _taken(buffer)


def writer(sink: BinaryIO, schema: pa.Schema, format: str) -> Writer:  # noqa: A002
    """Return the writer of a format."""
    return (partial(CsvWriter, phones=PHONES) if format in PLATFORMS else WRITERS[format])(sink, schema)


def empty(schema: pa.Schema) -> pa.RecordBatch:
    """Return a batch of no rows."""
    return pa.RecordBatch.from_pylist([], schema=schema)


def _shaped(table: pa.RecordBatchReader | ir.Table, format: str) -> tuple[Iterable[pa.RecordBatch], pa.Schema]:  # noqa: A002
    require_format(format)
    batches = table.to_pyarrow_batches(chunk_size=ROWS_A_BATCH) if isinstance(table, ir.Table) else table
    if format not in PLATFORMS:
        return batches, batches.schema
    value = VALUE if VALUE in batches.schema.names else DISCOUNTED_REVENUE
    audience = Audience(PLATFORMS[format], batches.schema.names, value)
    return map(audience.batch, batches), audience.batch(empty(batches.schema)).schema


def _fetched_ahead(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Yield batches; while one is written, the engine gets the next one ready."""
    coming = iter(batches)
    with ThreadPoolExecutor(1) as fetcher:
        fetched = fetcher.submit(next, coming, None)
        while (batch := fetched.result()) is not None:
            fetched = fetcher.submit(next, coming, None)
            yield batch


def _taken(buffer: io.BytesIO) -> bytes:
    taken = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return taken


@contextmanager
def _destination(path: Path | None) -> Iterator[BinaryIO]:
    if path is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    with whole_file(path) as part, part.open("wb") as sink:
        yield sink
