"""Measurement: what came of a list, by the difference between customers it was sent to and those held back."""

import tempfile
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import ibis

from features.exact import money
from features.ledger import Ledger
from regulars.errors import RegularsError, StoreError
from serving.exports.record import FIRST_CONTACTS, first_contacts, settle, spill
from serving.listing.answer import left_out, nothing, said
from serving.listing.control import held_back
from serving.listing.definition import Definition
from serving.listing.effect import CONFIDENCE, Effect, Group, adjusted_welch, newcombe, welch
from serving.listing.saved_lists import list_name
from serving.storage.service import service
from serving.store import Store

PEOPLED = "rows is not null and exists (select 1 from contacts where export = exports.id)"
"""Of exports that count: whole, and with anybody on them."""
FEWEST_HELD = 2
"""Customers in a group below which there is no spread, and so nothing to compare."""


@dataclass(frozen=True)
class Measurement:
    """What came of a list.

    Attributes
    ----------
    list
        Its name.
    since, until
        First day that counts, of the first export, and the day after the last.
    days
        How many days of each customer are seen: from the first export on, as far as the log reaches.
    exports
        How many exports of the list count: those with anybody on them.
    contacted, held_back
        The two groups.
    spend, adjusted_spend
        Difference in net spend a customer, as it is, and less what spend in as many days before explains of it: the
        same difference, with less noise. None where a group has fewer than two customers.
    returned
        Difference in the share of customers who bought.
    answer
        All of it in words.
    """

    list: str
    since: date
    until: date
    days: int
    exports: int
    contacted: Group | None
    held_back: Group | None
    spend: Effect | None = None
    adjusted_spend: Effect | None = None
    returned: Effect | None = None
    answer: str = ""

    @property
    def measurable(self) -> bool:
        """Whether there are two groups to compare."""
        return self.spend is not None

    @property
    def incremental(self) -> dict[str, float] | None:
        """Revenue that the contacts brought, and its interval: the adjusted difference times the contacted."""
        if self.adjusted_spend is None or self.contacted is None:
            return None
        effect, customers = self.adjusted_spend, self.contacted.customers
        parts = {"revenue": effect.difference, "low": effect.low, "high": effect.high}
        return {name: value * customers for name, value in parts.items()}

    def to_dict(self) -> dict[str, Any]:
        """Return the measurement as plain data for JSON."""
        groups = {
            name: None
            if group is None
            else {
                "customers": group.customers,
                "returned": group.returned,
                "return_rate": group.rate,
                "spend": group.mean,
            }
            for name, group in (("contacted", self.contacted), ("held_back", self.held_back))
        }
        effects = {
            name: None if effect is None else {**asdict(effect), "clear": effect.clear}
            for name, effect in (
                ("spend", self.spend),
                ("adjusted_spend", self.adjusted_spend),
                ("returned", self.returned),
            )
        }
        times = {"since": str(self.since), "until": str(self.until), "days": self.days, "exports": self.exports}
        return {
            "list": self.list,
            **times,
            "confidence": CONFIDENCE,
            **groups,
            **effects,
            "incremental": self.incremental,
            "answer": self.answer,
        }


def measure(store: Store, name: str, ledger: Ledger, days: int | None = None, since: date | None = None) -> Measurement:
    """Compare what customers did whom a list was sent to and whom it held back, from its first export on.

    Every customer counts once, in the group and from the day of the first export of the list that they were on,
    whatever later exports did: groups stay as they were drawn. That day is the one on which it was exported; where the
    scores were older than their own horizon by then, a past is being replayed, and it is their as-of date. Customers
    whom the log does not reach are not counted, nor those whose group depends on which export it is because not all
    held back the same share: on later exports or not, since who is on them may be what the list brought about.

    Parameters
    ----------
    store
        Where the list was exported from.
    name
        Of the list.
    ledger
        The log since.
    days
        How many days of each customer count at most; None: the horizon of the scores.
    since
        Day from which all customers count; None: the day of their first export.

    Raises
    ------
    StoreError
        The list was never exported with anybody on it.
    RegularsError
        `days` is not positive.
    """
    if days is not None and days < 1:
        raise RegularsError(f"A measurement needs one day or more, and days is {days}.")
    wanted = list_name(name)
    settle(store.folder)
    exports = _exports(store, wanted)
    length = days or max(export["horizon_days"] for export in exports)
    starts = {export["id"]: since or _start(export) for export in exports}
    first = min(starts.values())
    until = min(ledger.span.end, max(starts.values()) + timedelta(days=length))
    window = min(length, (ledger.span.end - first).days)
    shares = [Definition.from_json(export["definition"]).hold_back for export in exports]
    listed = _Listed(wanted, starts, length, (min(shares), max(shares)))
    groups, unsaid = _groups(store, ledger, listed) if window > 0 else ({}, "")
    contacted, held = groups.get(0), groups.get(1)
    found = Measurement(wanted, first, until, max(window, 0), len(exports), contacted, held)
    if contacted is None or held is None or min(contacted.customers, held.customers) < FEWEST_HELD:
        return replace(found, answer=nothing(window, contacted, held, (ledger.span.last_day, first)) + unsaid)
    spend, returned = adjusted_welch(contacted, held), newcombe(contacted, held)
    answer = said(spend, returned, contacted, held) + unsaid
    return replace(found, spend=welch(contacted, held), adjusted_spend=spend, returned=returned, answer=answer)


@dataclass(frozen=True)
class _Listed:
    """A list: its name, first day by export, how many days count, and the least and largest share held back."""

    name: str
    starts: dict[int, date]
    days: int
    shares: tuple[float, float]


def _exports(store: Store, name: str) -> list[dict[str, Any]]:
    with service(store.folder) as connection:
        rows = connection.execute(
            f"select id, at, as_of, horizon_days, definition from exports where list = ? and {PEOPLED} order by id",  # noqa: S608
            (name,),
        ).fetchall()
        known = connection.execute(f"select distinct list from exports where {PEOPLED} order by list").fetchall()  # noqa: S608
    if not rows:
        names = ", ".join(repr(row[0]) for row in known[:20]) or "none yet"
        raise StoreError(
            f"No export of a list {name!r} with anybody on it is on record; there are exports of: {names}."
        )
    return [dict(row) for row in rows]


def _start(export: dict[str, Any]) -> date:
    as_of, exported = date.fromisoformat(export["as_of"]), datetime.fromisoformat(export["at"]).date()
    return as_of if (exported - as_of).days > export["horizon_days"] else exported


def _groups(store: Store, ledger: Ledger, listed: _Listed) -> tuple[dict[int, Group], str]:
    """Return the groups, and in words who is in none of them."""
    with tempfile.TemporaryDirectory(prefix="regulars-measure-") as folder:
        contacts = first_contacts(store.folder, listed.name, listed.starts)
        customers = _seen(spill(contacts, FIRST_CONTACTS, Path(folder) / "contacts.parquet"), ledger, listed)
        counted = customers.filter(customers.steady, customers.seen > 0)
        spent = _spent(counted, ledger)
        rows = spent.group_by("held_back").aggregate(
            customers=spent.count(),
            returned=spent.bought.cast("int64").sum(),
            mean=spent.after.mean(),
            variance=spent.after.var(),
            mean_before=spent.before.mean(),
            variance_before=spent.before.var(),
            covariance=spent.after.cov(spent.before),
        )
        found = rows.to_pyarrow().to_pylist()
        moved = customers.filter(~customers.steady).count().to_pyarrow().as_py()
        unseen = customers.filter(customers.steady, customers.seen <= 0).count().to_pyarrow().as_py()
    groups = {row.pop("held_back"): Group(**{key: value or 0 for key, value in row.items()}) for row in found}
    return groups, left_out(unseen, moved)


def _seen(path: Path, ledger: Ledger, listed: _Listed) -> Any:
    customers = ledger.connection.read_parquet(path)
    least, largest = (held_back(customers.customer_id, listed.name, share) for share in listed.shares)
    passed = ibis.literal(ledger.span.end).delta(customers.since, unit="day")
    return customers.mutate(seen=ibis.least(passed, listed.days), steady=least == largest)


def _spent(customers: Any, ledger: Ledger) -> Any:
    days = ledger.days.select("customer_id", "day", "net", "purchase")
    joined = customers.left_join(days, "customer_id")
    passed = joined.day.delta(joined.since, unit="day")
    # As many days before as can be seen after, so that both weigh the same.
    after, before = (passed >= 0) & (passed < joined.seen), (passed < 0) & (passed >= -joined.seen)
    return joined.group_by("customer_id", "held_back").aggregate(
        after=money(joined.net.sum(where=after).fill_null(0)),
        before=money(joined.net.sum(where=before).fill_null(0)),
        bought=(after & joined.purchase).any().fill_null(False),
    )
