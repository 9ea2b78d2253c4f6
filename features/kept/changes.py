"""What changed in the files of a log since they were read."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from features.engines.duckdb import plain_files
from features.files import JSON, format_of, list_files
from features.kept.manifest import LogFile, Manifest
from features.kept.parts import FILE, columns_of
from features.log import Log
from features.transactions import AFTER_TODAY


@dataclass(frozen=True)
class Changes:
    """The files of tonight beside those that were read before.

    Attributes
    ----------
    before
        What is kept and still holds.
    same
        The files that are as they were, by path.
    new
        Of the files that are new or changed, by path: their columns and types.
    """

    before: Manifest
    same: dict[str, LogFile]
    new: dict[str, dict[str, str]]

    @property
    def gone(self) -> list[str]:
        """Paths of files that were read before and are no more."""
        return [path for path in self.before.files if path not in self.same and path not in self.new]

    @property
    def columns(self) -> dict[str, str]:
        """Columns that any of the files has, in the order in which they are met."""
        found = {path: file.columns for path, file in self.same.items()} | self.new
        return union(found[path] for path in sorted(found))


def log_files(source: Any) -> list[Path] | None:
    """Return the files of a log that can be read one without the others; None where it has no such files.

    A log in a single file has none: it is read whole whenever it changes. Nor has JSON, in which what is a number and
    what a text is known only when all of it was seen.
    """
    parts = [source] if isinstance(source, (str, Path)) else source
    if not isinstance(parts, (list, tuple)) or any("://" in str(part) for part in parts):
        return None
    texts = [str(part) for part in parts]
    delta = len(texts) == 1 and (Path(texts[0]) / "_delta_log").is_dir()
    paths = _delta_files(texts[0]) if delta else list_files(texts)
    return None if len(paths) < 2 or format_of(paths) == JSON else paths


def find_changes(connection: Any, log: Log, paths: Collection[Path], before: Manifest) -> Changes | None:
    """Return what changed; None where columns of one name hold values of several types, so that files are not alike."""
    clock_moved = str(log.last_possible_day()) != before.today
    same, new = {}, {}
    for path in paths:
        known = before.files.get(str(path))
        if known is not None and clock_moved and AFTER_TODAY in known.problems:
            known = None
        still = None if known is None else known.still(path)
        if still is None:
            new[str(path)] = columns_of(connection, str(path))
        else:
            same[str(path)] = still
    changes = Changes(before, same, new)
    if not _alike([*new.values(), *(file.columns for file in same.values()), {FILE: ""}]):
        return None
    if before.files and changes.columns != union(file.columns for file in before.files.values()):
        # What the log has a column for, it has in all months.
        return find_changes(connection, log, paths, Manifest(before.terms, before.today))
    return changes


def union(columns: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Return the columns that any of several files has, in the order in which they are met."""
    return {name: kind for file in columns for name, kind in file.items()}


def _alike(columns: Iterable[Mapping[str, str]]) -> bool:
    kinds = {(name, kind) for file in columns for name, kind in file.items()}
    return len(kinds) == len({name.casefold() for name, _ in kinds})


def _delta_files(path: str) -> list[Path]:
    from deltalake import DeltaTable

    return sorted(map(Path, plain_files(DeltaTable(path)) or ()))
