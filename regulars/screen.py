"""What a person sees: tables, notes and progress on a terminal, plain lines elsewhere."""

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text


class Screen:
    """Results to standard output, notes and progress to standard error.

    Parameters
    ----------
    quiet
        Say nothing.
    to
        File for the result as JSON; ``-`` is standard output, which then holds nothing else.
    """

    def __init__(self, quiet: bool = False, to: Path | None = None) -> None:
        self.to = to
        piped = to is not None and str(to) == "-"
        self._results = Console(quiet=quiet or piped, highlight=False)
        self._notes = Console(stderr=True, quiet=quiet, highlight=False)

    def say(self, text: str, whole: bool = False) -> None:
        """Print a line of the result; `whole` does not fold it, so that it can be copied."""
        self._results.print(Text(text), soft_wrap=whole)

    def note(self, text: str, whole: bool = False) -> None:
        """Print a line about what is going on; `whole` does not fold it, so that it can be copied."""
        self._notes.print(Text(text, style="dim"), soft_wrap=whole)

    def table(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Print a table: text to the left in the first column, numbers to the right in the others."""
        self._results.print(Text(f"\n{title}", style="bold"))
        table = Table()
        for i, column in enumerate(columns):
            table.add_column(column, justify="left" if i == 0 else "right", overflow="fold")
        for row in rows:
            table.add_row(*(Text(cell) for cell in row))
        self._results.print(table)

    def facts(self, facts: Mapping[str, str]) -> None:
        """Print names and values in two columns."""
        grid = Table.grid(padding=(0, 2))
        for name, value in facts.items():
            grid.add_row(Text(name, style="dim"), Text(value))
        self._results.print(grid)

    def result(self, data: Mapping[str, Any]) -> None:
        """Write the result as JSON where that was asked for."""
        if self.to is None:
            return
        text = json.dumps(data, indent=2, ensure_ascii=False, default=str) + "\n"
        if str(self.to) == "-":
            sys.stdout.write(text)
        else:
            from features.whole_file import whole_file

            with whole_file(self.to) as part:
                part.write_text(text, encoding="utf-8")

    @contextmanager
    def progress(self, label: str, total: int | None, passes: int = 1) -> Iterator[Callable[[int], None]]:
        """Show how far a job is: a bar on a terminal, a line at its end elsewhere.

        Parameters
        ----------
        label, total
            What is done, and how much of it there is; None: not known.
        passes
            How often each one is reported as done: people see it counted once.
        """
        if self._notes.quiet or not self._notes.is_terminal:
            done = 0

            def count(more: int) -> None:
                nonlocal done
                done += more

            yield count
            self.note(f"{label}: {done // passes:,} done")
            return
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=self._notes, transient=True) as bar:
            task = bar.add_task(label, total=total)
            yield lambda more: bar.advance(task, more / passes)
