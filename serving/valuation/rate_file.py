"""Rate files: small tables of a name and a number, such as the margin of a category or the cost of a channel."""

import math
from pathlib import Path
from typing import Any

from features.files import SUFFIXES
from features.source import open_source
from features.transactions import as_text
from regulars.errors import RegularsError

MOST_ROWS = 100_000


def is_file(text: str) -> bool:
    """Tell whether a text names a file: by its ending, or because one is there."""
    return text.lower().endswith(SUFFIXES) or Path(text).is_file()


def read_rates(connection: Any, source: str, flag: str, name: str, number: str) -> dict[str, float]:
    """Read a file of two columns.

    Parameters
    ----------
    connection
        Ibis connection.
    source
        CSV, JSON lines or Parquet.
    flag
        Of the command line, for messages.
    name, number
        The columns.

    Returns
    -------
    dict
        Number by name.

    Raises
    ------
    RegularsError
        The file cannot be read, lacks a column, is empty or too long, names something twice or nothing, or holds what
        is no number; the message names file, column and row.
    """
    table = open_source(connection, source)
    missing = [column for column in (name, number) if column not in table.columns]
    if missing:
        raise RegularsError(
            f"{flag} {source}: there is no column {' and no column '.join(missing)}; there is "
            f"{', '.join(table.columns)}: give one row a {name}, with its {number}"
        )
    rows = table.select(name=as_text(table[name]), number=table[number].cast("string")).limit(MOST_ROWS + 1)
    pairs = [(row["name"], row["number"]) for row in rows.to_pyarrow().to_pylist()]
    if not 0 < len(pairs) <= MOST_ROWS:
        raise RegularsError(f"{flag} {source}: give from 1 to {MOST_ROWS:,} rows, one a {name}; it has {len(pairs):,}")
    found: dict[str, float] = {}
    for label, text in pairs:
        if label is None:
            raise RegularsError(f"{flag} {source}: a row with {number} {text} has no {name}: fill it in, or remove it")
        if label in found:
            raise RegularsError(f"{flag} {source}: {name} {label!r} stands there more than once: keep one row")
        found[label] = _number(text, f"{flag} {source}: {number} of {name} {label!r}")
    return found


def _number(text: str | None, what: str) -> float:
    try:
        value = float((text or "").strip())
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise RegularsError(f"{what} is {text!r}, not a number: write it as 0.35")
    return value
