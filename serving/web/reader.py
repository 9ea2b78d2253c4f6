"""Reading the store for many callers at once: one DuckDB for each version of it, and a cursor for each thread.

Opening the store anew for every request would scan its files every time, and work out what customers are worth. So
that is done once for each version, into a DuckDB in a scratch file, which every later request of any thread reads. When
a job has scored again, the next edition is loaded behind the scenes, while requests are answered from the one before.
Whoever still reads the old one finishes in peace.
"""

import logging
import threading
import time
from datetime import date

from fastapi import Request
from ibis.expr import types as ir

from serving.store import Store
from serving.web.edition import Edition, LoadedStore
from serving.web.held import dated
from serving.web.versions import Versions

LOG = logging.getLogger("regulars")
PAUSE_SECONDS = 10.0
"""After a version of the store could not be loaded, until the next try."""


class Reader:
    """Scores and customers' values of a store, quick to read from any thread.

    Parameters
    ----------
    store
        What is read.
    memory
        Most memory of the engine, such as ``"512MB"``.
    """

    def __init__(self, store: Store, memory: str = "512MB") -> None:
        self.store = store
        self._memory = memory
        self._versions = Versions(store.folder)
        self._lock = threading.Lock()
        self._newest: Edition | None = None
        self._loading: threading.Thread | None = None
        self._next_try = 0.0
        self._threads = threading.local()

    @property
    def version(self) -> str:
        """What answers are made from: another text once a newer version of the store is loaded."""
        return self._edition().version

    def is_there(self) -> bool:
        """Return whether there is a store to read."""
        return self._versions.are_there()

    def here(self) -> LoadedStore:
        """Return the store as it is now, for this thread; what is read bit by bit needs its `apart()`.

        Raises
        ------
        StoreError
            It is not there, or cannot be read.
        """
        edition = self._edition()
        if getattr(self._threads, "edition", None) is not edition:
            self._threads.edition, self._threads.store = edition, LoadedStore(edition)
        store: LoadedStore = self._threads.store
        return store

    def scores(self, as_of: date | None = None, horizon_days: int | None = None) -> ir.Table:
        """Return scores as `Store.scores` does, for this thread; of several horizons the shortest.

        Raises
        ------
        StoreError
            The store is not there; `NotHeldError`: it has no such scores.
        """
        return self.here().scores(as_of, horizon_days)

    def values(self, as_of: date | None = None, horizon_days: int | None = None) -> ir.Table:
        """Return what every customer is worth as `customer_values` does; parameters and errors as for `scores`.

        Beside it stand the columns of `serving.listing.standing` and `serving.listing.breadth`.
        """
        return self.here().kept_values(as_of, horizon_days)

    def held(self) -> list[tuple[date, int]]:
        """Return the as-of dates and horizons that there are scores of, oldest first."""
        return self.here().held()

    def warm(self) -> None:
        """Load what most requests ask for, before the first does; what goes wrong is logged."""
        try:
            edition = self._edition()
            if edition.held:
                edition.load(*dated(edition.held))
        except Exception:
            LOG.exception("%s cannot be loaded yet", self.store.folder)

    def settle(self) -> None:
        """Wait until a newer version that is being loaded is there."""
        self._edition()
        loading = self._loading
        if loading is not None:
            loading.join()

    def _edition(self) -> Edition:
        version = self._versions.now()
        with self._lock:
            if self._newest is None:
                self._newest = Edition(version, self.store, self._memory)
            elif self._newest.version != version:
                self._load_next(version)
            return self._newest

    def _load_next(self, version: str) -> None:
        is_loading = self._loading is not None and self._loading.is_alive()
        if not is_loading and time.monotonic() >= self._next_try:
            self._loading = threading.Thread(target=self._replace, args=(version,), daemon=True)
            self._loading.start()

    def _replace(self, version: str) -> None:
        try:
            edition = Edition(version, self.store, self._memory)
            if edition.held:
                edition.load(*dated(edition.held))
            with self._lock:
                self._newest = edition
        except Exception:
            self._next_try = time.monotonic() + PAUSE_SECONDS
            LOG.exception("%s: its newest version cannot be loaded; the one before stands", self.store.folder)


def reader_of(request: Request) -> Reader:
    """Return the reader of the server that answers a request."""
    reader: Reader = request.app.state.reader
    return reader
