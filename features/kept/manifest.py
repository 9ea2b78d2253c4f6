"""The manifest of a kept log: which files were read, what they hold, and where the customer-days of each month lie."""

import hashlib
import json
import os
import time
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from features.whole_file import sync, whole_file

MANIFEST = "manifest.json"
SETTLED_NS = 2_000_000_000
"""A file that was written less than this before it was read may be written again without a later time."""


@dataclass(frozen=True)
class LogFile:
    """A file of the log, as it was when it was read.

    Attributes
    ----------
    size, modified
        Bytes, and time of the last writing in nanoseconds; None where it lay too close to the reading to be trusted.
    digest
        SHA-256 of the content.
    columns
        Types of the engine by column, in the file's order.
    months
        Number of usable rows by month, such as 2011-09.
    problems
        Number of unusable rows by problem.
    """

    size: int
    modified: int | None
    digest: str
    columns: dict[str, str]
    months: dict[str, int]
    problems: dict[str, int]

    def still(self, path: Path) -> "LogFile | None":
        """Return this file with the time that it bears now; None where what stands at the path is another.

        It is opened only where its size is the same and its time is not.
        """
        now = path.stat()
        if now.st_size != self.size or (now.st_mtime_ns != self.modified and digest(path) != self.digest):
            return None
        return replace(self, modified=_settled(now))


@dataclass(frozen=True)
class Manifest:
    """What is kept.

    Attributes
    ----------
    terms
        What the rows were read by: columns, time zone, versions. Under other terms nothing of it holds.
    today
        Day after which no row was usable, as text.
    files
        The log's files by path.
    months
        By month and table, size of the files in which it is kept, by their path in the folder.
    unusable
        The same of the unusable rows.
    """

    terms: dict[str, Any]
    today: str
    files: dict[str, LogFile] = field(default_factory=dict)
    months: dict[str, dict[str, dict[str, int]]] = field(default_factory=dict)
    unusable: dict[str, int] = field(default_factory=dict)

    def kept(self) -> dict[str, int]:
        """Return the size of every file in which something is kept, by its path."""
        found = dict(self.unusable)
        for tables in self.months.values():
            for files in tables.values():
                found |= files
        return found

    def paths(self, table: str) -> list[str]:
        """Return the files in which a table is kept."""
        return [path for tables in self.months.values() for path in tables.get(table, {})]


def load_manifest(folder: Path) -> Manifest | None:
    """Return the manifest in a folder; None where there is none, or a file that it names is not there as it was."""
    try:
        found = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        files = {path: LogFile(**kept) for path, kept in found.pop("files").items()}
        manifest = Manifest(files=files, **found)
        whole = all((folder / path).stat().st_size == size for path, size in manifest.kept().items())
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        # What is kept only saves time: where it cannot be read, the log can.
        return None
    return manifest if whole else None


def save_manifest(folder: Path, manifest: Manifest) -> None:
    """Put a manifest in the old one's place, once all that it names lies safely on the disk."""
    for path in manifest.kept():
        sync(folder / path)
    with whole_file(folder / MANIFEST) as part:
        part.write_text(json.dumps(asdict(manifest), ensure_ascii=False), encoding="utf-8")


def describe(path: Path, columns: dict[str, str]) -> LogFile:
    """Return a file of which no row was counted yet."""
    now = path.stat()
    return LogFile(now.st_size, _settled(now), digest(path), columns, {}, {})


def digest(path: Path) -> str:
    """Return what identifies the content of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _settled(now: os.stat_result) -> int | None:
    return now.st_mtime_ns if now.st_mtime_ns < time.time_ns() - SETTLED_NS else None
