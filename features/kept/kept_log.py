"""The kept log: customer-days of a log by month, in a folder, so that the next night reads only what is new.

Nothing in the folder is ever changed: a night writes new files, then a manifest that names them and those that still
hold. So a job that is killed leaves what was kept before, and deleting the folder costs nothing but time.
"""

import shutil
import time
import uuid
from collections import Counter
from collections.abc import Collection
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import duckdb
import ibis

from features.daily import CHANNEL, VARIETIES, Reading
from features.kept.changes import Changes, find_changes, log_files
from features.kept.manifest import Manifest, load_manifest, save_manifest
from features.kept.night import DAYS, Night
from features.kept.parts import kept_rows, no_rows
from features.log import Log

FORMAT = 1
"""To be raised with every change of what is kept, or of how a row of the log becomes what is kept."""
TEXT = "VARCHAR"
LEFT_SECONDS = 86_400
"""For how long files stay that no manifest names any more: another job may be reading them."""


@dataclass(frozen=True)
class KeptLog:
    """What is kept of a log.

    Attributes
    ----------
    folder
        Where; made when something is kept first.
    """

    folder: Path

    def read(self, connection: Any, log: Log) -> Reading | None:
        """Read what is new of a log, and the rest from what is kept; keep both for the next time.

        Parameters
        ----------
        connection
            Ibis connection to DuckDB.
        log
            The log.

        Returns
        -------
        Reading
            Exactly what reading the whole log gives. None where it has to be read whole: it is not in files, or in a
            single one, or they are not alike, or one was written to while it was read, or no row of it can be used.
        """
        paths = log_files(log.source)
        if paths is None:
            return None
        # The day may end meanwhile.
        log = replace(log, today=log.last_possible_day())
        kept = load_manifest(self.folder)
        changes = find_changes(connection, log, paths, self._valid(kept, log))
        if changes is None:
            return None
        night = Night(connection, log, changes, self.folder, uuid.uuid4().hex)
        found = night.read()
        if found is None or not found[0].months:
            shutil.rmtree(self.folder / night.name, ignore_errors=True)
            return None
        manifest, again = found
        if manifest != kept:
            save_manifest(self.folder, manifest)
        self._clear({*manifest.kept(), *(kept.kept() if kept else ())})
        return self._reading(connection, log, manifest, changes, again)

    def _valid(self, kept: Manifest | None, log: Log) -> Manifest:
        """Return what is kept as far as it holds under tonight's terms."""
        terms = {
            "format": FORMAT,
            "regulars": version("regulars"),
            "duckdb": duckdb.__version__,
            "columns": asdict(log.columns),
            "time_zone": log.time_zone,
        }
        today = str(log.today)
        return kept if kept and kept.terms == terms and kept.today <= today else Manifest(terms, today)

    def _clear(self, named: Collection[str]) -> None:
        """Delete the folders of nights of which nothing is named any more."""
        used = {path.partition("/")[0] for path in named}
        for night in self.folder.iterdir():
            if night.is_dir() and night.name not in used and time.time() - night.stat().st_mtime > LEFT_SECONDS:
                shutil.rmtree(night, ignore_errors=True)

    def _reading(
        self, connection: Any, log: Log, manifest: Manifest, changes: Changes, again: Collection[str]
    ) -> Reading:
        def table(paths: Collection[str], columns: dict[str, str]) -> Any:
            return kept_rows(connection, self.folder, paths).select(*columns) if paths else no_rows(connection, columns)

        columns = changes.columns
        unusable = {"problem": TEXT} | {name: kind for name, kind in columns.items() if name != "problem"}
        days = kept_rows(connection, self.folder, manifest.paths(DAYS))
        has = [column for column in VARIETIES if column in columns or getattr(log.columns, column)]
        return Reading(
            _with_problems(days, manifest),
            {column: table(manifest.paths(column), _bought(column)) for column in has},
            table(manifest.unusable, unusable),
            _said(changes, again),
        )


def _bought(column: str) -> dict[str, str]:
    paid = {"paid": "BIGINT"} if column == CHANNEL else {}
    return {"customer_id": TEXT, "day": "DATE", column: TEXT} | paid


def _with_problems(days: Any, manifest: Manifest) -> Any:
    """Return customer-days of usable rows, and what `features.daily.daily` gives of those that are none."""
    problems: Counter[str] = Counter()
    for file in manifest.files.values():
        problems.update(file.problems)
    if not problems:
        return days
    schema = {"customer_id": "string", "rows": "int64"}
    counts = ibis.memtable({"customer_id": list(problems), "rows": list(problems.values())}, schema=schema)
    others = {name: ibis.null(kind) for name, kind in days.schema().items() if name not in schema}
    return days.union(counts.mutate(**others).select(days.columns))


def _said(changes: Changes, months: Collection[str]) -> str:
    new, gone, files = len(changes.new), len(changes.gone), len(changes.new) + len(changes.same)
    if not changes.before.files:
        return f"all {files:,} files were read; the next time, only those that are new or changed"
    if not new and not gone:
        return f"none of {files:,} files is new or changed"
    said = [f"{new:,} of {files:,} files are new or changed"] if new else []
    said += [f"{gone:,} are gone"] if gone else []
    span = sorted(months)
    read = f"months {span[0]} to {span[-1]}" if len(span) > 1 else f"month {span[0]}" if span else "no month"
    return f"{', '.join(said)}; {read} read again"
