"""The saved lists that are published: a list that jobs find in a database has left the store, as in any export.

So consent, cap and hold-back are applied, and it is written down who was on it: without that, nobody could measure what
came of it. What is written down is marked as whole right before the publication is committed, and forgotten where that
fails. Killed between the two, lists count that nobody can see; the other way round, people would be contacted and no
cap would know.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pyarrow as pa
from filelock import FileLock, Timeout

from regulars.errors import RegularsError, StoreError
from serving.exports.export import LOCK, WAIT_SECONDS
from serving.exports.record import PUBLISHED, Entry, begin, finish, forget, settle
from serving.exports.spool import Delivery, Spool, spooled
from serving.listing.contact import PROFIT
from serving.listing.ranking import REASON
from serving.listing.saved_lists import SavedList, saved_lists
from serving.store import Store

WHO = "publish"
"""Who, in the record of exports, took lists that were published."""
OF_SOME = {PROFIT: pa.float64(), REASON: pa.string()}
"""Columns that only some lists have."""
COUNTED = ("held_back", "no_consent", "capped")


@dataclass
class ListRows:
    """One saved list over one scoring.

    Attributes
    ----------
    saved, as_of, horizon_days
        What it is.
    spool
        The list as it leaves.
    taken
        How many members were taken so far.
    """

    saved: SavedList
    as_of: date
    horizon_days: int
    spool: Spool
    taken: int = 0

    def members(self) -> Iterator[pa.RecordBatch]:
        """Yield whom a job may contact, best first."""
        for batch in self.spool.leaving():
            count = batch.num_rows
            columns: dict[str, Any] = {name: pa.nulls(count, kind) for name, kind in OF_SOME.items()}
            columns |= {name: batch[name] for name in ("customer_id", *OF_SOME) if name in batch.schema.names}
            columns |= {
                "list_name": pa.repeat(self.saved.name, count),
                "horizon_days": pa.repeat(self.horizon_days, count),
                "as_of": pa.repeat(pa.scalar(self.as_of), count),
                "rank": pa.array(range(self.taken + 1, self.taken + count + 1), pa.int64()),
            }
            self.taken += count
            yield pa.RecordBatch.from_pydict(columns)

    def summary(self) -> pa.RecordBatch:
        """Return the row of the list itself, once all members were taken."""
        row: dict[str, Any] = {
            "name": self.saved.name,
            "horizon_days": self.horizon_days,
            "as_of": self.as_of,
            "definition": self.saved.definition.to_json(),
            "members": self.taken,
        }
        return pa.RecordBatch.from_pylist([row | {name: self.spool.counts.get(name, 0) for name in COUNTED}])

    def entry(self) -> Entry:
        """Return what is written down of it."""
        saved, of = self.saved, (str(self.as_of), self.horizon_days, str(self.spool.facts["model_version"]))
        return Entry(WHO, saved.name, saved.definition.to_json(), PUBLISHED, *of)


@dataclass
class Departures:
    """The lists of one publication.

    Attributes
    ----------
    store, saved
        Where they are, and which.
    begun
        Members by the number of the export, of those that were written down so far.
    """

    store: Store
    saved: list[SavedList]
    begun: dict[int, int] = field(default_factory=dict)

    def of(self, as_of: date, horizon_days: int) -> Iterator[ListRows]:
        """Yield list after list; when its members and held-back customers were taken, they are written down.

        Raises
        ------
        StoreError
            A list cannot be evaluated over these scores.
        """
        for saved in self.saved:
            with ExitStack() as stack:
                delivery = Delivery(saved.name, WHO, "parquet", as_of=as_of, horizon_days=horizon_days)
                try:
                    spool = stack.enter_context(spooled(self.store, saved.definition, delivery))
                except RegularsError as error:
                    raise StoreError(
                        f"the saved list {saved.name!r} cannot be evaluated for {horizon_days} days: {error} Nothing "
                        "was published: save the list anew, or delete it"
                    ) from error
                rows = ListRows(saved, as_of, horizon_days, spool)
                yield rows
                self.begun[begin(self.store.folder, rows.entry(), spool.recorded())] = rows.taken

    def mark(self) -> None:
        """Mark what was written down as whole: the last that is done before the publication is committed."""
        for number, members in self.begun.items():
            finish(self.store.folder, number, members)


@contextmanager
def departures(store: Store) -> Iterator[Departures]:
    """Lend the saved lists; what was written down of them is forgotten when not all goes well, the commit included.

    Raises
    ------
    StoreError
        Another export counts contacts for longer than one waits.
    """
    settle(store.folder)
    lists = Departures(store, saved_lists(store))
    with _counting(lists):
        try:
            yield lists
        except BaseException:
            for number in lists.begun:
                forget(store.folder, number)
            raise


@contextmanager
def _counting(lists: Departures) -> Iterator[None]:
    """Hold up other exports while lists with a cap count who was on them."""
    folder = lists.store.folder
    capped = any(one.definition.cap is not None for one in lists.saved)
    try:
        with FileLock(folder / LOCK, timeout=WAIT_SECONDS) if capped else nullcontext():
            yield
    except Timeout as error:
        raise StoreError(f"{folder}: another export is counting contacts; run again when it is done") from error
