"""The commands of lists: `list` and `measure`."""

import getpass
import sys
from contextlib import suppress
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from regulars.errors import RegularsError
from regulars.exits import ANSWER_NO, DONE
from regulars.flags import LogFlags, LogSource, OutputFlags
from regulars.list_flags import ContactFlags, Format, LeaveFlags, WhoFlags, definition
from regulars.reading import read
from regulars.screen import Screen

if TYPE_CHECKING:
    from serving.exports import Delivery, Export
    from serving.listing.definition import Definition
    from serving.listing.effect import Effect
    from serving.measure import Measurement
    from serving.store import Store

LAYOUT, OUTPUT = LogFlags(), OutputFlags()
WHO, CONTACT, LEAVE = WhoFlags(), ContactFlags(), LeaveFlags()
UNNAMED = ("save", "hold_back", "changes")
"""What makes sense only for a list with a name."""


def list_(
    *,
    store: Path,
    who: WhoFlags = WHO,
    contact: ContactFlags = CONTACT,
    leave: LeaveFlags = LEAVE,
    format: Format | None = None,  # noqa: A002
    out: Path | None = None,
    as_of: date | None = None,
    horizon: int | None = None,
    output: OutputFlags = OUTPUT,
) -> None:
    """Write a list: filtered and ranked scores, or a play with its reasons, to a file or standard output.

    With --name it is an export: some customers are held back, and what leaves is written down in the store, so that
    `regulars measure` can say later what came of it. Customers without consent are left out where the customers table
    says who consents.

    Parameters
    ----------
    store
        Folder of the store.
    format
        Format; by default that of the file's name, csv on standard output.
    out
        File to write; by default standard output.
    as_of
        As-of date of the scores; by default the newest.
    horizon
        Horizon of the scores; needed where the store holds several.
    """
    from serving.exports import FORMATS, Delivery, format_of
    from serving.store import Store

    screen = Screen(output.quiet, output.json)
    form = format or (format_of(out) if out else FORMATS[0])
    place = Store(store)
    wanted = definition(who, contact, leave)
    if leave.name is None:
        _require_plain(contact, leave, form)
        rows, consent = _look(place, wanted, form, out, (as_of, horizon))
        said = ", without those who do not consent" if consent else ""
        screen.note(f"{rows:,} customers" + (f" in {out}" if out else "") + said)
        if not rows:
            _say_why(place, wanted, (as_of, horizon), screen)
        screen.result({"customers": rows, "out": None if out is None else str(out)})
        return
    wanted = _named(place, wanted, leave, who.given or contact != CONTACT)
    delivery = Delivery(leave.name, _person(), form, leave.changes, leave.region, as_of, horizon)
    found = _send(place, wanted, delivery, out)
    _tell(found, out, screen)
    if not found.rows and not found.held_back and not found.left_out:
        _say_why(place, wanted, (as_of, horizon), screen)
    screen.result({**found.to_dict(), "out": None if out is None else str(out)})


def measure(
    name: Annotated[str, Parameter(help="Name of the list.")],
    log: LogSource,
    *,
    store: Path,
    days: int | None = None,
    since: date | None = None,
    layout: LogFlags = LAYOUT,
    output: OutputFlags = OUTPUT,
) -> int:
    """Say what came of an exported list: those it was sent to beside those held back, in spend and return rate.

    The exit code is 3 where there is nothing to compare: nobody was held back, or the log does not reach so far yet.

    Parameters
    ----------
    store
        Folder of the store that it was exported from.
    days
        How many days after the export count; by default the horizon of the scores.
    since
        Day from which all customers count; by default the day of the export.
    """
    from serving.measure import measure as measure_list
    from serving.store import Store

    screen, place = Screen(output.quiet, output.json), Store(store)
    # A store that is not there is refused before a long log is read.
    place.held()
    found = measure_list(place, name, read(log, layout, screen), days, since)
    if found.measurable:
        screen.table(*_table(found))
    screen.facts(_facts(found))
    screen.say(found.answer)
    screen.result(found.to_dict())
    return DONE if found.measurable else ANSWER_NO


def _require_plain(contact: ContactFlags, leave: LeaveFlags, form: str) -> None:
    from serving.exports.platforms import PLATFORMS

    given = [name for name in UNNAMED if getattr(leave, name) not in (None, False)]
    if contact.max_contacts is not None:
        given.append("max_contacts")
    if given or form in PLATFORMS:
        what = f"--{given[0].replace('_', '-')}" if given else f"--format {form}"
        raise RegularsError(f"{what} needs a --name: what leaves under a name is written down in the store.")


def _look(
    place: "Store", wanted: "Definition", form: str, out: Path | None, scores: tuple[date | None, int | None]
) -> tuple[int, bool]:
    """Write a list that leaves no record; return its number of customers, and whether consent left any out."""
    from serving.exports import write_list
    from serving.listing.consent import consenting, consents
    from serving.listing.headings import headed
    from serving.listing.personal import without_personal
    from serving.listing.saved_lists import evaluate

    found = evaluate(place, wanted, *scores)
    rows = replace(found, customers=consenting(found.customers)).rows()
    if wanted.play is None and wanted.contact is None:
        rows = rows.select(*place.scores(*scores).columns)
    return write_list(headed(without_personal(rows)), out, form), consents(found.customers) is not None


def _say_why(place: "Store", wanted: "Definition", scores: tuple[date | None, int | None], screen: Screen) -> None:
    from serving.listing.emptiness import why_empty

    if why := why_empty(place, wanted, *scores):
        screen.note(why)


def _named(place: "Store", wanted: "Definition", leave: LeaveFlags, given: bool) -> "Definition":
    from serving.listing.saved_lists import save_list, saved_list

    if leave.name is not None and not given and not leave.save:
        saved = saved_list(place, leave.name).definition
        return saved if leave.hold_back is None else replace(saved, hold_back=leave.hold_back)
    if leave.name is not None and leave.save:
        save_list(place, leave.name, wanted, _person())
    return wanted


def _send(place: "Store", wanted: "Definition", delivery: "Delivery", out: Path | None) -> "Export":
    from serving.exports import export_list, stream_list

    if out is not None:
        return export_list(place, wanted, delivery, out)
    stream = stream_list(place, wanted, delivery)
    for chunk in stream:
        sys.stdout.buffer.write(chunk)
    sys.stdout.buffer.flush()
    return stream.export


def _person() -> str:
    with suppress(OSError, KeyError, ImportError):  # no user of this number, or none at all
        return getpass.getuser()
    return ""


LEFT_OUT = {
    "no_consent": "without consent",
    "capped": "on enough lists already",
    "unchanged": "unchanged since the last export",
    "unreachable": "that the platform could not find",
}


def _tell(found: "Export", out: Path | None, screen: Screen) -> None:
    screen.note(f"{found.rows:,} customers" + (f" in {out}" if out else "") + f", {found.held_back:,} held back")
    for reason, count in found.left_out.items():
        screen.note(f"left out: {count:,} {LEFT_OUT[reason]}")
    for what, count in found.counts.items():
        screen.note(f"{count:,} {what}")


def _table(found: "Measurement") -> tuple[str, tuple[str, ...], list[tuple[str, ...]]]:
    contacted, held, spend, returned = found.contacted, found.held_back, found.spend, found.returned
    if contacted is None or held is None or spend is None or found.adjusted_spend is None or returned is None:
        raise ValueError("nothing was compared")
    columns = ("", "contacted", "held back", "difference", "95 % interval")
    rows: list[tuple[str, ...]] = [
        ("customers", f"{contacted.customers:,}", f"{held.customers:,}", "", ""),
        ("spend a customer", f"{contacted.mean:,.2f}", f"{held.mean:,.2f}", *_money(spend)),
        ("the same, less spend before", "", "", *_money(found.adjusted_spend)),
        (
            "came back",
            f"{contacted.rate:.1%}",
            f"{held.rate:.1%}",
            f"{returned.difference:+.1%}",
            f"{returned.low:+.1%}, {returned.high:+.1%}",
        ),
    ]
    return f"{found.list}: what came of it", columns, rows


def _money(effect: "Effect") -> tuple[str, str]:
    return f"{effect.difference:+,.2f}", f"{effect.low:+,.2f}, {effect.high:+,.2f}"


def _facts(found: "Measurement") -> dict[str, str]:
    facts = {"counted": f"{found.since} to {found.until}, {found.days} days a customer, {found.exports} export(s)"}
    if found.incremental is not None:
        more = found.incremental
        facts["revenue of the contacts"] = f"{more['revenue']:+,.0f} ({more['low']:+,.0f} to {more['high']:+,.0f})"
    return facts
