"""An edition: what a store held at one version, in a DuckDB that many threads read."""

import threading
from contextlib import suppress
from datetime import date
from functools import cached_property
from typing import Any

import ibis
from ibis.expr import types as ir

from features.engine import connect
from regulars.errors import StoreError
from serving.economics import customer_values
from serving.listing.breadth import with_breadth
from serving.listing.saved_lists import lifetime_of
from serving.listing.standing import standing
from serving.store import Store
from serving.web.held import dated

MOST_TABLES = 16
"""How many tables stay loaded: dates that people compare; beyond, the one that was asked for longest ago goes."""


class Edition:
    """Tables of one version of a store.

    Parameters
    ----------
    version
        Of the store.
    store
        Where it is.
    memory
        Most memory of the engine; the tables themselves lie in its scratch file.
    """

    def __init__(self, version: str, store: Store, memory: str) -> None:
        self.version = version
        self._engine = connect(memory=memory)
        self.store = Store(store.folder, self._engine)
        self.held, self.scorings = store.held(), store.scorings()
        self._loaded: dict[str, None] = {}
        self._lock = threading.Lock()

    def load(self, as_of: date, horizon_days: int) -> str:
        """Load what customers were worth at a date, where it is not there yet, and return the name of the table.

        Who asks for it meanwhile waits rather than load it as well.
        """
        name = f"customers_{as_of:%Y%m%d}_{horizon_days}"
        with self._lock:
            if name not in self._loaded:
                # In the order of customers, so that one of them is found without looking at all.
                self._engine.create_table(name, self._prepared(as_of, horizon_days).order_by("customer_id"))
            self._loaded[name] = self._loaded.pop(name, None)
            while len(self._loaded) > MOST_TABLES:
                oldest = next(iter(self._loaded))
                del self._loaded[oldest]
                self._engine.drop_table(oldest)
        return name

    def _prepared(self, as_of: date, horizon_days: int) -> ir.Table:
        # With what plays compare, because comparing all customers with one another takes longer than any filter.
        values = customer_values(self.store, as_of, horizon_days)
        with suppress(StoreError):
            values = with_breadth(values, self.store.ledger())
        return standing(values, lifetime_of(self.store, as_of, horizon_days))

    def cursor(self) -> Any:
        """Return an Ibis connection to these tables, for one thread at a time."""
        cursor = ibis.duckdb.from_connection(self._engine.con.cursor())
        # The scratch file goes with the edition, which so lives as long as anybody has a cursor on it.
        cursor.edition = self
        return cursor


class LoadedStore(Store):
    """A store as it was when its edition began, on a cursor of its own: for one thread at a time.

    Whatever takes a `Store` takes this one, and is quick.

    Parameters
    ----------
    edition
        What it reads.
    """

    def __init__(self, edition: Edition) -> None:
        super().__init__(edition.store.folder, edition.cursor())
        self._edition = edition
        self._scores: dict[tuple[date, int], ir.Table] = {}
        self._values: dict[str, ir.Table] = {}

    @property
    def version_text(self) -> str:
        """The version of the edition: of all tables, not of the scores alone."""
        return self._edition.version

    def apart(self) -> "LoadedStore":
        """Return the same store on another cursor: for a result that is read bit by bit, or tables of one's own."""
        return LoadedStore(self._edition)

    def held(self) -> list[tuple[date, int]]:
        """Return what there are scores of, as-of dates and horizons, oldest first."""
        return list(self._edition.held)

    def scorings(self) -> list[dict[str, Any]]:
        """Return the record of every scoring, the newest as-of date first."""
        return list(self._edition.scorings)

    def choose(self, as_of: date | None = None, horizon_days: int | None = None) -> tuple[date, int]:
        """Return the newest as-of date by default, and of several horizons the shortest.

        Raises
        ------
        NotHeldError
            There are no such scores.
        """
        return dated(self._edition.held, as_of, horizon_days)

    def scores(self, as_of: date | None = None, horizon_days: int | None = None) -> ir.Table:
        """Return scores; parameters and errors as for `choose`."""
        # From Parquet, which is quick enough; every reading leaves a view on its connection, so each is read once.
        key = self.choose(as_of, horizon_days)
        if key not in self._scores:
            self._scores[key] = super().scores(*key)
        return self._scores[key]

    def kept_values(self, as_of: date | None, horizon_days: int | None) -> ir.Table:
        """Return what `serving.economics.customer_values` gives, loaded; parameters and errors as for `choose`."""
        day, days = self.choose(as_of, horizon_days)
        name = self._edition.load(day, days)
        if name not in self._values:
            self._values[name] = self.connection.table(name)
        return self._values[name]

    def ledger(self) -> ir.Table:
        """Return the customer-days that the newest scoring knew."""
        return self._ledger

    def customers(self) -> ir.Table:
        """Return the customers that the newest scoring knew."""
        return self._customers

    @cached_property
    def _ledger(self) -> ir.Table:
        return super().ledger()

    @cached_property
    def _customers(self) -> ir.Table:
        return super().customers()
