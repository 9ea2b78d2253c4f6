"""What a night adds to a kept log: the months in which something changed, read again, and the rows that are no use."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import ibis
from sqlglot import exp

from features.daily import VARIETIES, bought, daily
from features.fingerprint import month_of
from features.kept.changes import Changes
from features.kept.manifest import LogFile, Manifest, describe
from features.kept.parts import FILE, kept_rows, open_part
from features.log import Log
from features.transactions import census, transactions, unusable
from features.typed import typed_query

DAYS, UNUSABLE = "days", "unusable"
"""Names of kept tables; those of what was bought are called like their column."""


@dataclass(frozen=True)
class Night:
    """The reading of what changed.

    Attributes
    ----------
    connection
        Ibis connection to DuckDB.
    log
        The log, its last possible day stated.
    changes
        What changed.
    folder, name
        The folder of what is kept, and the name of tonight's folder in it.
    """

    connection: Any
    log: Log
    changes: Changes
    folder: Path
    name: str

    def read(self) -> tuple[Manifest, set[str]] | None:
        """Read what changed; return the manifest of what is kept now, and the months that were read again.

        None where a file was written to meanwhile, so that nobody can say what was read.
        """
        before, new = self.changes.before, self.changes.new
        stamps = _stamps(new)
        files = self.changes.same | self._counted()
        changed = [known[path] for known in (before.files, files) for path in known if path not in self.changes.same]
        touched = {month for file in changed for month in file.months}
        months = {month: tables for month, tables in before.months.items() if month not in touched}
        manifest = replace(before, today=str(self.log.today), files=files, months=months)
        if changed:
            (self.folder / self.name).mkdir(parents=True)
            manifest.months.update(self._keep_months(files, touched))
            manifest = replace(manifest, unusable=self._keep_unusable(files))
        if stamps != _stamps(new) or not self._agree(manifest, touched):
            return None
        return manifest, touched

    def _counted(self) -> dict[str, LogFile]:
        """Return the new files, their rows counted."""
        found = {path: describe(Path(path), columns) for path, columns in self.changes.new.items()}
        if found:
            rows = open_part(self.connection, found, self.changes.columns)
            for row in census(rows, self.log, FILE).to_pyarrow().to_pylist():
                file = found[row["source"]]
                if row["problem"] is None:
                    file.months[f"{row['month']:%Y-%m}"] = row["rows"]
                else:
                    file.problems[row["problem"]] = row["rows"]
        return found

    def _keep_months(self, files: dict[str, LogFile], months: set[str]) -> dict[str, dict[str, dict[str, int]]]:
        holders = [path for path, file in files.items() if not months.isdisjoint(file.months)]
        if not holders:
            return {}
        rows = transactions(open_part(self.connection, holders, self.changes.columns), self.log)
        rows = rows.filter(rows.problem.isnull())
        if self.changes.same:
            rows = rows.filter(month_of(rows).isin(sorted(months)))
        self._write(DAYS, daily(rows))
        for column in VARIETIES:
            if column in rows.columns:
                self._write(column, bought(rows, column))
        kept: dict[str, dict[str, dict[str, int]]] = {}
        for table in (DAYS, *VARIETIES):
            for path, size in self._written(table).items():
                month = Path(path).parent.name.partition("=")[2]
                kept.setdefault(month, {}).setdefault(table, {})[path] = size
        return kept

    def _keep_unusable(self, files: dict[str, LogFile]) -> dict[str, int]:
        kept = list(self.changes.before.unusable)
        parts = []
        if kept:
            old = kept_rows(self.connection, self.folder, kept)
            parts.append(old.filter(old[FILE].isin(list(self.changes.same))))
        holders = [path for path in self.changes.new if files[path].problems]
        if holders:
            parts.append(unusable(open_part(self.connection, holders, self.changes.columns), self.log))
        if parts:
            self._write(UNUSABLE, ibis.union(*parts) if len(parts) > 1 else parts[0])
        return self._written(UNUSABLE)

    def _write(self, table: str, rows: Any) -> None:
        """Write rows under a name; those with a day, by month."""
        place, options, query = self.folder / self.name / table, "FORMAT parquet, COMPRESSION zstd", ""
        if table == UNUSABLE:
            place.mkdir()
            place, query = place / "rows.parquet", self.connection.compile(rows)
        else:
            rows, options = rows.mutate(month=month_of(rows)), f"{options}, PARTITION_BY (month)"
            # The engine's sums are wider than the numbers that they are, and Parquet has nothing as wide.
            query = typed_query(self.connection, rows)
        target = exp.Literal.string(str(place)).sql("duckdb")
        self.connection.raw_sql(f"COPY ({query}) TO {target} ({options})")

    def _written(self, table: str) -> dict[str, int]:
        place = self.folder / self.name / table
        return {path.relative_to(self.folder).as_posix(): path.stat().st_size for path in place.rglob("*.parquet")}

    def _agree(self, manifest: Manifest, months: Collection[str]) -> bool:
        """Return whether the months that were written hold as many rows as the files were found to have there."""
        counted: Counter[str] = Counter()
        for file in manifest.files.values():
            counted.update({month: rows for month, rows in file.months.items() if month in months})
        paths = [path for month in months for path in manifest.months.get(month, {}).get(DAYS, ())]
        written: dict[str, int] = {}
        if paths:
            rows = kept_rows(self.connection, self.folder, paths)
            rows = rows.group_by(month=month_of(rows)).aggregate(rows=rows.rows.sum())
            written = {row["month"]: row["rows"] for row in rows.to_pyarrow().to_pylist()}
        return dict(counted) == written


def _stamps(paths: Collection[str]) -> list[tuple[int, int]]:
    return [((now := Path(path).stat()).st_size, now.st_mtime_ns) for path in sorted(paths)]
