"""Versions of the store's Delta tables, found by looking for the next commit's file: microseconds at every request."""

from pathlib import Path

from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

TABLES = ("scores", "ledger", "customers")


class Versions:
    """Which version each table of a store is at.

    Parameters
    ----------
    folder
        Of the store.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._last: dict[str, int] = {}

    def now(self) -> str:
        """Return one text for the versions of all tables: another one also where a store was made anew."""
        return ".".join(self._named(name) for name in TABLES)

    def are_there(self) -> bool:
        """Return whether there are scores at all."""
        return self._version(TABLES[0]) >= 0

    def _named(self, name: str) -> str:
        version = self._version(name)
        try:
            # A store that was made anew begins to count again.
            made = _commit(self._folder / name / "_delta_log", version).stat().st_mtime_ns
        except FileNotFoundError:
            return str(version)
        return f"{version}-{made:x}"

    def _version(self, name: str) -> int:
        log = self._folder / name / "_delta_log"
        version = self._last.get(name, -1)
        if version < 0 or not _commit(log, version).exists():
            # Never read before, or the store was made anew, or old commits were cleaned away.
            version = _read(log.parent)
        while version >= 0 and _commit(log, version + 1).exists():
            version += 1
        self._last[name] = version
        return version


def _commit(log: Path, version: int) -> Path:
    # https://github.com/delta-io/delta/blob/master/PROTOCOL.md : commits are numbered without gaps.
    return log / f"{version:020}.json"


def _read(table: Path) -> int:
    try:
        return int(DeltaTable(str(table)).version())
    except DeltaError:
        return -1
