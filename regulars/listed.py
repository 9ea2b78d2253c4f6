"""The verbs of lists: who is on them, sending them out, and measuring what came of it."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from regulars.opening import day_of, ledger
from serving.exports import Delivery, Export, export_list
from serving.listing.definition import Definition
from serving.listing.ranking import ranked
from serving.listing.saved_lists import list_rows
from serving.measure import Measurement
from serving.measure import measure as measure_list
from serving.store import Store

__all__ = ["export", "list", "measure"]


def list(  # noqa: A001
    store: str | Path,
    segment: str | Sequence[str] = (),
    where: str | None = None,
    top: int | None = None,
    by: str = "clv",
    as_of: date | str | None = None,
    horizon: int | None = None,
    definition: Definition | None = None,
) -> pd.DataFrame:
    """Return a list: filtered and ranked scores, indexed by `customer_id`.

    This is a look: nothing is written down, and nobody is held back. `regulars.export` sends a list out.

    Parameters
    ----------
    store
        Folder of the store.
    segment
        Name or names of segments; none: all.
    where
        Filter over the columns of the scores, such as ``clv > 200 and churn_probability < 0.5``.
    top
        How many customers at most; None: all.
    by
        Column to rank by, highest first.
    as_of
        As-of date of the scores; None: the newest.
    horizon
        Horizon of the scores; None: the only one there is.
    definition
        A whole definition, such as ``Definition(play="save", contact=Contact(cost=1, response_rate=0.03))``, in place
        of `segment`, `where`, `top` and `by`.

    Returns
    -------
    DataFrame
        The columns of the scores as the store has them (`clv_basis` says what `clv` is of); for a definition also those
        of `serving.economics.customer_values` that are not personal, and for plays `expected_profit` and `reason`.

    Raises
    ------
    StoreError, ExpressionError
        The store holds no such scores, or the filter cannot be read.
    """
    place = Store(Path(store))
    if definition is not None:
        rows = list_rows(place, definition, day_of(as_of), horizon)
    else:
        segments = (segment,) if isinstance(segment, str) else tuple(segment)
        wanted = Definition(segment=segments, where=where, top=top, by=by)
        rows = ranked(place.scores(day_of(as_of), horizon), wanted).rows()
    return rows.to_pandas().set_index("customer_id")


def export(store: str | Path, definition: Definition, delivery: Delivery, out: str | Path) -> Export:
    """Send a list out: to a file, with consent, cap and hold-back applied, and written down in the store.

    Parameters
    ----------
    store
        Folder of the store.
    definition
        Who is on the list.
    delivery
        Its name and format, and for whom.
    out
        The file, which appears whole or not at all.

    Raises
    ------
    RegularsError
        Name, format, definition or file cannot be used; nothing is written down then.
    """
    return export_list(Store(Path(store)), definition, delivery, Path(out))


def measure(
    name: str, log: Any, store: str | Path, days: int | None = None, since: date | str | None = None
) -> Measurement:
    """Compare the customers whom a list was sent to with those it held back.

    Parameters
    ----------
    name
        Of the list.
    log
        As for `ledger`: the log since the export.
    store
        Folder of the store it was exported from.
    days
        How many days of each customer count at most; None: the horizon of the scores.
    since
        Day from which all customers count; None: the day of the export.

    Raises
    ------
    StoreError, LogError
        The list was never exported, or the log cannot be used.
    """
    return measure_list(Store(Path(store)), name, ledger(log), days, day_of(since))
