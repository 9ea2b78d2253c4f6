"""The engine that runs the feature expressions: DuckDB in process, out of core, in a scratch file of its own."""

import os
import shutil
import tempfile
import weakref
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import ibis

from regulars.errors import LogError, RegularsError


def connect(time_zone: str = "UTC", memory: str | None = None, threads: int | None = None) -> Any:
    """Open an Ibis connection to a DuckDB whose tables live in a scratch folder that goes when the connection goes.

    Parameters
    ----------
    time_zone
        Business time zone, IANA name: decides on which day a timestamp with an offset falls.
    memory
        Most memory that DuckDB may take, such as ``"2GB"``; beyond it, it spills to the scratch folder.
        None: a quarter of the machine's memory.
    threads
        Most threads; None: all cores.

    Raises
    ------
    LogError
        The time zone is unknown.
    RegularsError
        The memory limit cannot be read.
    """
    try:
        ZoneInfo(time_zone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise LogError(f"unknown time zone {time_zone!r}: use an IANA name such as 'Europe/Paris' or 'UTC'") from error
    scratch = Path(tempfile.mkdtemp(prefix="regulars-"))
    try:
        connection = ibis.duckdb.connect(
            scratch / "scratch.duckdb",
            memory_limit=memory or f"{machine_memory() // 4 // 2**20}MiB",
            threads=threads or os.cpu_count() or 1,
            temp_directory=str(scratch),
            preserve_insertion_order=False,
            autoinstall_known_extensions=False,
        )
        # ZoneInfo has vetted the name; DuckDB takes this setting only once it is open, and only as a literal.
        connection.raw_sql(f"SET TimeZone = '{time_zone}'")
    except Exception as error:
        shutil.rmtree(scratch, ignore_errors=True)
        raise RegularsError(
            f"the engine does not start with memory={memory!r}, threads={threads!r}: {error}"
        ) from error
    weakref.finalize(connection, shutil.rmtree, scratch, ignore_errors=True)
    return connection


def machine_memory() -> int:
    """Return the machine's physical memory in bytes."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
