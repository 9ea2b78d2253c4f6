"""Export: the one road by which a list leaves, with consent, cap and hold-back applied, and written down."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from features.whole_file import whole_file
from regulars.errors import StoreError
from serving.exports.audience import UNREACHABLE
from serving.exports.files import require_format, write_batches
from serving.exports.record import Entry, begin, finish, forget, settle
from serving.exports.spool import Delivery, Spool, spooled
from serving.listing.definition import Definition
from serving.listing.saved_lists import list_name
from serving.store import Store

WAIT_SECONDS = 600.0
LOCK = ".exports.lock"
CHUNK_BYTES = 2**20


@dataclass(frozen=True)
class Export:
    """What left.

    Attributes
    ----------
    number
        Of the export in `service.db`.
    list
        Name of the list.
    rows
        Customers in the file.
    held_back
        Customers on the list who are not in the file, to measure against.
    left_out
        Customers by why they are not on the list: `no_consent`, `capped`, `unchanged` and those whom a platform could
        not find.
    counts
        What was done to values, such as negative ones set to 0.
    facts
        As-of date, horizon and model version of the scores.
    """

    number: int
    list: str
    rows: int
    held_back: int
    left_out: dict[str, int] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return the export as plain data."""
        return asdict(self)


def export_list(store: Store, definition: Definition, delivery: Delivery, path: Path) -> Export:
    """Write a list to a file and write down who is on it.

    The order is: the list is evaluated and written beside the file; the export and its customers are recorded in one
    transaction; the file takes its place; the record is marked whole. Killed anywhere, file and record agree from the
    next export on (`serving.exports.record`): the file is there and counts, or is not and does not.

    Parameters
    ----------
    store
        Where the scores are.
    definition
        Who is on the list.
    delivery
        Its name and format, for whom.
    path
        The file, which appears whole or not at all.

    Raises
    ------
    RegularsError
        The name, the format or the definition cannot be used, no file can be at the path, or the store lacks what they
        need; nothing is recorded then.
    """
    delivery = _checked(delivery)
    with _orderly(store, definition), spooled(store, definition, delivery) as spool:
        number = None
        try:
            with whole_file(path) as part:
                with part.open("wb") as sink:
                    rows = write_batches(spool.leaving(), spool.out_schema(), sink, delivery.format)
                entry = _entry(spool, definition, delivery, path.resolve(), part)
                now = datetime.now(UTC)
                os.utime(part, (now.timestamp(), now.timestamp()))  # by which `settle` knows it
                number = begin(store.folder, entry, spool.recorded(), now)
        except BaseException:
            if number is not None:
                forget(store.folder, number)
            raise
        finish(store.folder, number, rows)
        return _export(number, rows, spool, delivery)


@dataclass
class Stream:
    """A list on its way, to be iterated over once.

    Attributes
    ----------
    export
        What leaves.
    folder
        Where it waits, until it was read or given up.
    """

    export: Export
    folder: Path
    chunks: Iterator[bytes]
    resources: ExitStack

    def __iter__(self) -> Iterator[bytes]:
        """Yield the bytes; when the last was taken, the export counts."""
        try:
            yield from self.chunks
        finally:
            self.close()

    def close(self) -> None:
        """Give up what is held; an export that was not read to its end does not count, but stays on record."""
        self.resources.close()


def stream_list(store: Store, definition: Definition, delivery: Delivery) -> Stream:
    """Return a list as bytes, in bounded memory, and write down who is on it before the first byte leaves.

    Parameters and errors as of `export_list`. Whoever stops in the middle leaves an export without a number of rows:
    that it was begun stays on record, but it counts neither as a contact nor as a pull.
    """
    delivery = _checked(delivery)
    resources = ExitStack()
    try:
        with _orderly(store, definition):
            spool = resources.enter_context(spooled(store, definition, delivery))
            ready = spool.folder / "ready"
            with ready.open("wb") as sink:
                rows = write_batches(spool.leaving(), spool.out_schema(), sink, delivery.format)
            number = begin(store.folder, _entry(spool, definition, delivery), spool.recorded())
    except BaseException:
        resources.close()
        raise

    def chunks() -> Iterator[bytes]:
        with ready.open("rb") as source:
            while chunk := source.read(CHUNK_BYTES):
                yield chunk
        finish(store.folder, number, rows)

    return Stream(_export(number, rows, spool, delivery), spool.folder, chunks(), resources)


def _checked(delivery: Delivery) -> Delivery:
    require_format(delivery.format)
    return replace(delivery, name=list_name(delivery.name))


@contextmanager
def _orderly(store: Store, definition: Definition) -> Iterator[None]:
    settle(store.folder)
    if definition.cap is None:
        yield
        return
    # Two exports that counted at the same time would both take a customer's last place.
    try:
        with FileLock(store.folder / LOCK, timeout=WAIT_SECONDS):
            yield
    except Timeout as error:
        raise StoreError(f"{store.folder}: another export is counting contacts; run again when it is done") from error


def _entry(
    spool: Spool, definition: Definition, delivery: Delivery, file: Path | None = None, part: Path | None = None
) -> Entry:
    facts = spool.facts
    return Entry(
        delivery.who,
        delivery.name,
        definition.to_json(),
        delivery.format,
        str(facts["as_of"]),
        int(facts["horizon_days"]),
        str(facts["model_version"]),
        file,
        part,
    )


def _export(number: int, rows: int, spool: Spool, delivery: Delivery) -> Export:
    reasons = {name: count for name in ("no_consent", "capped", "unchanged") if (count := spool.counts.get(name))}
    done = dict(spool.audience.counts) if spool.audience else {}
    if unreachable := done.pop(UNREACHABLE, 0):
        reasons["unreachable"] = unreachable
    changed = {name: count for name, count in done.items() if count}
    return Export(number, delivery.name, rows, spool.counts["held_back"], reasons, changed, spool.facts)
