"""Apache Spark: the same expressions in the executors of a cluster, or of this machine."""

import os
import shutil
import sys
from typing import Any

import ibis

from features.engines.spark_files import land, open_csv, open_delta, open_json, open_parquet, show
from regulars.errors import RegularsError

__all__ = ["DISTRIBUTED", "connect", "fork", "land", "open_csv", "open_delta", "open_json", "open_parquet", "show"]

DISTRIBUTED = True
BATCH_ROWS = 50_000
"""Rows that a Python worker gets at a time."""
TASKS_A_CORE = 2


def connect(master: str, time_zone: str, memory: str | None = None) -> Any:
    """Open an Ibis connection to a session of its own on a Spark cluster.

    Parameters
    ----------
    master
        As Spark calls it: ``spark://host:port``, or ``local[2]`` for this machine.
    time_zone
        Business time zone, IANA name.
    memory
        Memory of the driver, such as ``"2GB"``, where this process starts it; None: Spark's own configuration.

    Raises
    ------
    RegularsError
        Spark is not installed, does not start, or runs in this process with another master already.
    """
    session = _session(master, memory).newSession()
    from features.engines.spark_backend import SparkBackend
    from features.engines.spark_sql import FUNCTIONS

    ibis.pyspark  # noqa: B018  asking for it makes its options known, without which ours does not work
    connection = SparkBackend().connect(session)
    # Ibis sets UTC; days begin and end in the business time zone.
    session.conf.set("spark.sql.session.timeZone", time_zone)
    session.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", str(BATCH_ROWS))
    if master.startswith("local"):
        session.conf.set("spark.sql.shuffle.partitions", str(TASKS_A_CORE * session.sparkContext.defaultParallelism))
    for function in FUNCTIONS:
        session.sql(function)
    return connection


def fork(connection: Any) -> Any:
    """Return the connection: a session takes the questions of several threads."""
    return connection


def _session(master: str, memory: str | None) -> Any:
    try:
        from pyspark.errors import PySparkException
        from pyspark.sql import SparkSession
    except ImportError as error:
        raise RegularsError(f"--engine {master} needs Spark: pip install 'regulars[spark]'") from error
    if shutil.which("java") is None and not os.environ.get("JAVA_HOME"):
        raise RegularsError(f"--engine {master} needs Java 17 or 21: install it, or name its folder in JAVA_HOME")
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.master(master).appName("regulars").config("spark.ui.showConsoleProgress", "false")
    if memory is not None:
        builder = builder.config("spark.driver.memory", memory.upper().removesuffix("IB").removesuffix("B"))
    if master.startswith("local"):
        builder = builder.config("spark.ui.enabled", "false").config("spark.driver.host", "127.0.0.1")
    try:
        session = builder.getOrCreate()
    except (PySparkException, RuntimeError) as error:
        raise RegularsError(f"Spark does not start with --engine {master}: {error}") from error
    running = session.sparkContext.master
    if running != master:
        raise RegularsError(f"Spark runs in this process with {running} already: it cannot be {master} as well")
    # What goes wrong comes as an exception, and is said once.
    session.sparkContext.setLogLevel("FATAL")
    return session
