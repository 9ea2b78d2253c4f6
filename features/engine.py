"""Engines: DuckDB in this process, or Spark where one is named; `features.engines` says what they do differently."""

import itertools
import sys
from collections.abc import Sequence
from typing import Any, Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import duckdb
import ibis

from features.engines import duckdb as in_process
from regulars.errors import LogError, RegularsError

DUCKDB = "duckdb"
SPARK = ("local", "spark://", "yarn", "k8s://")
"""How the names of Spark's masters begin."""
HINTS = ("Possible ", "Try ", "LINE ")


class Engine(Protocol):
    """What each module of `features.engines` says in its own way; connections are Ibis'."""

    DISTRIBUTED: bool
    """Whether other processes do the work, which see neither this one's memory nor its scratch folder."""

    def open_parquet(self, connection: Any, files: Sequence[str]) -> Any:
        """Return Parquet files as one table, columns brought together by name."""

    def open_csv(self, connection: Any, files: Sequence[str]) -> Any:
        """Return delimited files with a header as one table of text."""

    def open_json(self, connection: Any, files: Sequence[str]) -> Any:
        """Return files of JSON lines as one table of numbers and text."""

    def open_delta(self, connection: Any, table: Any) -> Any:
        """Return a `deltalake.DeltaTable` as a table."""

    def show(self, connection: Any, data: Any) -> Any:
        """Return an Arrow table or data set of this process as a table."""

    def land(self, connection: Any, batches: Any) -> Any:
        """Return a stream of Arrow batches, which can be read only once, as a table."""

    def fork(self, connection: Any) -> Any:
        """Return a connection to the same tables for another thread."""


def connect(time_zone: str = "UTC", memory: str | None = None, threads: int | None = None, engine: str = DUCKDB) -> Any:
    """Open an Ibis connection whose tables go when it goes.

    Parameters
    ----------
    time_zone
        Business time zone, IANA name: decides on which day a timestamp with an offset falls.
    memory
        Most memory that DuckDB may take, such as ``"2GB"``; beyond it, it spills to a scratch folder. None: a quarter
        of the machine's memory. Of Spark, the driver's.
    threads
        Most threads; None: all cores. Spark's master says its own.
    engine
        ``duckdb``; or the master of a Spark cluster, such as ``spark://host:7077``, or ``local[2]``.

    Raises
    ------
    LogError
        The time zone is unknown.
    RegularsError
        There is no such engine, it does not start, or the memory limit cannot be read.
    """
    try:
        ZoneInfo(time_zone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise LogError(f"unknown time zone {time_zone!r}: use an IANA name such as 'Europe/Paris' or 'UTC'") from error
    # Writing each select of a query into the next takes Ibis as long as many an answer, and saves engines nothing.
    ibis.options.sql.fuse_selects = False
    if engine == DUCKDB:
        return in_process.connect(time_zone, memory, threads)
    if not engine.startswith(SPARK):
        raise RegularsError(
            f"there is no engine {engine!r}: {DUCKDB}, or the master of a Spark cluster, such as spark://host:7077 or "
            "local[2]"
        )
    from features.engines import spark

    return spark.connect(engine, time_zone, memory)


def engine_of(connection: Any) -> Engine:
    """Return the engine of a connection."""
    if connection.name == DUCKDB:
        return in_process
    from features.engines import spark

    return spark


def engine_errors() -> tuple[type[Exception], ...]:
    """Return what engines raise where a query fails or a file cannot be read."""
    spark, bridge = (sys.modules.get(name) for name in ("pyspark.errors", "py4j.protocol"))
    return (duckdb.Error,) if not spark or not bridge else (duckdb.Error, spark.PySparkException, bridge.Py4JJavaError)


def reason_of(error: Exception) -> str:
    """Return what an engine's message says is wrong: the lines before its hints, which are options of the engine."""
    cause = getattr(error, "java_exception", None)
    while cause is not None and cause.getCause() is not None:
        cause = cause.getCause()
    said = str(error if cause is None else cause.getMessage()).strip()
    lines = itertools.takewhile(lambda line: line and not line.startswith(HINTS), said.splitlines())
    return "; ".join(lines)
