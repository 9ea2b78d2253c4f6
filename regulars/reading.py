"""Reading a log for a command: what cannot be used goes into quarantine, and is said."""

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from regulars.flags import LogFlags
from regulars.screen import Screen

if TYPE_CHECKING:
    from features.ledger import Ledger


def note_silence(ledger: "Ledger", as_of: date, screen: Screen) -> None:
    """Say where the log ends before the as-of date: everybody seems to have stayed away since."""
    missing = (as_of - ledger.span.end).days
    if missing > 0:
        screen.note(
            f"the log ends on {ledger.span.last_day}: the {missing} day(s) from then to {as_of} count as days "
            "without a purchase"
        )


def read(log: str, layout: LogFlags, screen: Screen, store: Path | None = None) -> "Ledger":
    """Read the log, only what is new of it where a store keeps the rest; put its unusable rows into quarantine."""
    from features.log import source_name
    from features.quality import quarantine_path, write_quarantine
    from regulars.opening import ledger

    screen.note(f"reading {source_name(log)} …")
    found = ledger(layout.log(log), layout.memory, store=store, engine=layout.engine)
    if found.said:
        screen.note(found.said)
    if found.quality.bad_rows:
        path = layout.quarantine or quarantine_path(log)
        write_quarantine(found.unusable, path)
        counts = ", ".join(f"{n:,} {problem}" for problem, n in found.quality.problems.items())
        screen.note(f"{found.quality.bad_rows:,} of {found.quality.rows:,} rows cannot be used ({counts}): see {path}")
    if found.set_aside:
        screen.note(
            f"no predictions are made from {', '.join(found.set_aside)} of the customers table: they name people"
        )
    return found
