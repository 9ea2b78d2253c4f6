"""What a benchmark found: a table of times beside the least cost and beside ours, as text, Markdown and JSON."""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from benchmarks.speed.process import MIB, Measured, measure

WHOLE = 10_000
"""Facts from here on are shown without decimals."""

Cells = list[list[str]]


@dataclass
class Report:
    """Measurements of one run.

    Attributes
    ----------
    title
        What was measured, on what.
    folder
        Where processes run and leave their files.
    ours
        The row that the others are compared with, besides their minimum.
    rows
        What was measured; the first row is the minimum of those that name no other.
    minima
        Row -> the row that is its minimum.
    left_out
        What was not measured -> why.
    """

    title: str
    folder: Path
    ours: str | None = None
    rows: list[Measured] = field(default_factory=list)
    minima: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)

    def measure(
        self, what: str, command: Sequence[str], minimum: str | None = None, tries: int = 1, within: str = ""
    ) -> list[Measured]:
        """Measure a command, within a folder of its own if it is named, and add what it took."""
        found = measure(what, command, self.folder / within, tries)
        self.rows.extend(found)
        if minimum is not None:
            self.minima |= {row.what: minimum for row in found}
        return found

    def add_sum(self, what: str, parts: Sequence[Measured]) -> Measured:
        """Add a row that is the sum of others."""
        found = Measured(
            what,
            sum(row.seconds for row in parts),
            sum(row.cpu_seconds for row in parts),
            max(row.peak_mib for row in parts),
            max(row.scratch_mib for row in parts),
            max(row.exit_code for row in parts),
        )
        self.rows.append(found)
        return found

    def row(self, what: str | None) -> Measured | None:
        """Return a row that succeeded, or None."""
        return next((row for row in self.rows if row.what == what and not row.exit_code), None)

    def ratios(self, row: Measured) -> dict[str, float | None]:
        """Return the seconds of a row over those of its minimum and of ours, by the clock and by the processors."""
        minimum, ours = self.row(self.minima.get(row.what, self.rows[0].what)), self.row(self.ours)
        found = {"to_minimum": minimum, "to_ours": ours}
        by_clock = {name: _over(row, base, "seconds") for name, base in found.items()}
        return by_clock | {f"cpu_{name}": _over(row, base, "cpu_seconds") for name, base in found.items()}

    def cells(self, by_cpu: bool = True) -> Cells:
        """Return the table, its head first; columns in which nothing stands are left out."""
        names = list(dict.fromkeys(name for row in self.rows for name in row.facts))
        columns = {"": [row.what for row in self.rows]}
        columns["seconds"] = [f"{row.seconds:,.2f}" for row in self.rows]
        ratios = [self.ratios(row) for row in self.rows]
        columns["to minimum"] = [_ratio(found["to_minimum"]) for found in ratios]
        columns["to ours"] = [_ratio(found["to_ours"]) for found in ratios]
        if by_cpu:
            columns["CPU s"] = [f"{row.cpu_seconds:,.2f}" for row in self.rows]
            columns["CPU to minimum"] = [_ratio(found["cpu_to_minimum"]) for found in ratios]
            columns["CPU to ours"] = [_ratio(found["cpu_to_ours"]) for found in ratios]
        columns["peak MiB"] = [f"{row.peak_mib:,.0f}" for row in self.rows]
        columns["scratch MiB"] = [f"{row.scratch_mib:,.0f}" if row.scratch_mib >= 1 else "" for row in self.rows]
        columns |= {name: [_fact(row.facts.get(name)) for row in self.rows] for name in names}
        columns["exit"] = [str(row.exit_code) if row.exit_code else "" for row in self.rows]
        kept = {name: values for name, values in columns.items() if any(values)}
        return [list(kept), *(list(row) for row in zip(*kept.values(), strict=True))]

    def text(self) -> str:
        """Return the table for a terminal."""
        cells = self.cells()
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        lines = ["  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]).rstrip() for row in cells]
        return "\n".join([self.title, *lines, *self._absent()])

    def markdown(self) -> str:
        """Return the table for a page, without the processors' seconds: they are for machines that are shared."""
        head, *rows = ("| " + " | ".join(row) + " |" for row in self.cells(by_cpu=False))
        width = head.count("|") - 1
        rule = "|---|" + "---:|" * (width - 1)
        return "\n".join([self.title + ":", "", head, rule, *rows, "", *self._absent()])

    def to_dict(self) -> dict[str, Any]:
        """Return everything for a program."""
        rows = [asdict(row) | self.ratios(row) for row in self.rows]
        return {"title": self.title, "machine": machine(), "rows": rows, "left_out": self.left_out}

    def _absent(self) -> list[str]:
        return [f"Left out: {what} ({why})." for what, why in self.left_out.items()]


def machine() -> dict[str, float]:
    """Return the machine's cores and memory."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / MIB
    return {"cores": os.cpu_count() or 1, "memory_mib": memory}


def parser(module: str, about: str | None) -> argparse.ArgumentParser:
    """Return the flags that all speed benchmarks share."""
    found = argparse.ArgumentParser(prog=f"python -m benchmarks.speed.{module}", description=about)
    found.add_argument("--json", type=Path, metavar="FILE", help="file for the measurements")
    found.add_argument("--markdown", action="store_true", help="print the table as Markdown")
    found.add_argument("--folder", type=Path, help="where the temporary folder is made")
    return found


def add_log(flags: argparse.ArgumentParser) -> None:
    """Add the log and its as-of date."""
    flags.add_argument("log", type=Path, help="Parquet file with customer_id, timestamp and amount")
    flags.add_argument("--as-of", type=date.fromisoformat, required=True)


def add_horizon(flags: argparse.ArgumentParser) -> None:
    """Add the days that are predicted."""
    flags.add_argument("--horizon", type=int, default=90)


def add_rivals(flags: argparse.ArgumentParser) -> None:
    """Add the flag of the Python that rivals run in: it need not share our versions of anything."""
    flags.add_argument("--rivals", type=_placed, metavar="PYTHON", help="a Python that has the rivals, see the README")


@contextmanager
def reporting(title: str, flags: argparse.Namespace, ours: str | None = None) -> Iterator[Report]:
    """Lend a report in a temporary folder; print and write it at the end, and exit with 1 where anything failed."""
    with tempfile.TemporaryDirectory(prefix="regulars-speed-", dir=flags.folder) as name:
        report = Report(title, Path(name), ours)
        yield report
    print(report.markdown() if flags.markdown else report.text())
    if flags.json:
        flags.json.write_text(json.dumps(report.to_dict(), indent=1))
    if any(row.exit_code for row in report.rows):
        sys.exit(1)


def _over(row: Measured, base: Measured | None, name: str) -> float | None:
    if base is None or row.exit_code:
        return None
    return float(getattr(row, name) / max(getattr(base, name), 1e-9))


def _ratio(value: float | None) -> str:
    return "" if value is None else f"{value:,.2f}"


def _fact(value: Any) -> str:
    if value is None or isinstance(value, Mapping | list):
        return ""
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= WHOLE else f"{value:.6g}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _placed(path: str) -> str:
    # Not resolved: the Python of a virtual environment is a link, and knows itself by its place.
    return str(Path(path).absolute())
