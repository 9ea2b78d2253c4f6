"""The spool: a list as it is about to leave, on disk: who is on it, who is held back, and what each row's hash is."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import ibis
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from ibis.expr import types as ir

from features.profiles import is_personal
from serving.exports.audience import Audience
from serving.exports.changes import row_hash
from serving.exports.files import ROWS_A_BATCH, empty
from serving.exports.platforms import PLATFORMS
from serving.exports.record import CONTACTS, capped, last_hashes, spill
from serving.listing.consent import consents
from serving.listing.control import held_back
from serving.listing.definition import Definition
from serving.listing.headings import VALUE, headed, heading
from serving.listing.personal import identities
from serving.listing.ranking import KEY
from serving.listing.saved_lists import evaluate
from serving.store import Store

HELD, HASH = "_held_back", "_row_hash"


@dataclass(frozen=True)
class Delivery:
    """On which terms a list leaves.

    Attributes
    ----------
    name
        Of the list: decides who is held back, and whose last pull `changes` looks at.
    who
        Whoever asked for it.
    format
        ``csv``, ``parquet``, ``json``, ``google``, ``meta`` or ``klaviyo``.
    changes
        Whether only customers whose row has changed since the last pull of the list in this format are wanted.
    region
        Country of telephone numbers without a country code.
    as_of, horizon_days
        Of the scores; None: the newest, and the only horizon.
    """

    name: str
    who: str = ""
    format: str = "csv"
    changes: bool = False
    region: str | None = None
    as_of: date | None = None
    horizon_days: int | None = None


@dataclass
class Spool:
    """A list on disk.

    Attributes
    ----------
    folder
        Where the files are.
    schema
        Of the rows that leave.
    counts
        Customers by what became of them.
    facts
        As-of date, horizon and model version of the scores.
    connection
        Ibis connection that nobody else uses.
    audience
        What turns rows into a platform's; None: they leave as they are.
    """

    folder: Path
    schema: pa.Schema
    counts: dict[str, int]
    facts: dict[str, Any]
    connection: Any
    audience: Audience | None = None
    contacts: Path = field(init=False)

    def __post_init__(self) -> None:
        self.contacts = self.folder / "contacts.parquet"

    @property
    def rows(self) -> Path:
        """The file of all rows, in order."""
        return self.folder / "rows.parquet"

    def leaving(self) -> Iterator[pa.RecordBatch]:
        """Yield the rows that leave, in order and in the format's columns; writes `contacts` on the way.

        Customers whom a platform could not find are neither among the rows nor among the contacts, be they held back or
        not: so the two groups stay alike.
        """
        with pq.ParquetWriter(self.contacts, CONTACTS) as writer:
            for batch in pq.ParquetFile(self.rows).iter_batches(ROWS_A_BATCH):
                held, found = batch.column(HELD), batch
                leaving = batch.select(self.schema.names)
                if self.audience:
                    leaving, reachable = self.audience.convert(leaving, held)
                    found = batch.filter(reachable)
                else:
                    leaving = leaving.filter(pc.invert(held))
                writer.write_batch(_contacts(found))
                self.counts["held_back"] += pc.sum(found.column(HELD)).as_py() or 0
                if leaving.num_rows:
                    yield leaving

    def recorded(self) -> Iterator[pa.RecordBatch]:
        """Yield who is on the list, of `CONTACTS`, by customer, once `leaving` has come to its end."""
        # In the order of its keys, SQLite writes a million rows several times faster.
        ordered = self.connection.read_parquet(self.contacts).order_by("customer_id")
        yield from ordered.to_pyarrow_batches(chunk_size=ROWS_A_BATCH)

    def out_schema(self) -> pa.Schema:
        """Return the schema of what `leaving` yields."""
        return self.audience.batch(empty(self.schema)).schema if self.audience else self.schema


@contextmanager
def spooled(store: Store, definition: Definition, delivery: Delivery) -> Iterator[Spool]:
    """Evaluate a list, apply consent, cap, hold-back, limit and changes, in this order, and lend the result."""
    with tempfile.TemporaryDirectory(prefix="regulars-list-") as name:
        # A connection of its own: exports that run at the same time share nothing.
        yield _spool(store.apart(), definition, delivery, Path(name))


def _spool(store: Store, definition: Definition, delivery: Delivery, folder: Path) -> Spool:
    as_of, horizon = store.choose(delivery.as_of, delivery.horizon_days)
    found = evaluate(store, definition, as_of, horizon)
    listed = store.connection.create_table("listed", found.customers, temp=True)
    allowed, counts = _allowed(store, listed, definition, delivery, folder)
    columns = _columns(listed, delivery.format)
    marked = allowed.mutate(
        **{HELD: held_back(allowed.customer_id, delivery.name, definition.hold_back), HASH: row_hash(allowed, columns)}
    )
    limited = _limited(marked, found.limit)
    counts["on_list"] = limited.count().to_pyarrow().as_py()
    if delivery.changes:
        limited = _changed(store, limited, delivery, folder)
        counts["unchanged"] = counts["on_list"] - limited.count().to_pyarrow().as_py()
    ordered = limited.order_by(ibis.desc(limited[KEY]), ibis.asc(limited.customer_id))
    rows = headed(ordered.select(*columns, HELD, HASH))
    spill(batches := rows.to_pyarrow_batches(chunk_size=ROWS_A_BATCH), batches.schema, folder / "rows.parquet")
    schema = pa.schema([one for one in batches.schema if one.name not in (HELD, HASH)])
    facts = {"as_of": as_of, "horizon_days": horizon, "model_version": _model_version(listed)}
    return Spool(folder, schema, counts, facts, store.connection, _audience(schema, delivery, heading(listed)))


def _allowed(
    store: Store, listed: ir.Table, definition: Definition, delivery: Delivery, folder: Path
) -> tuple[ir.Table, dict[str, int]]:
    counts = {"matching": listed.count().to_pyarrow().as_py(), "held_back": 0}
    allowed, consent = listed, consents(listed)
    if consent is not None:
        allowed = listed.filter(consent)
        counts["no_consent"] = counts["matching"] - allowed.count().to_pyarrow().as_py()
    if definition.cap is not None:
        before = allowed.count().to_pyarrow().as_py()
        path = spill(
            capped(store.folder, delivery.name, definition.cap),
            pa.schema([CONTACTS.field("customer_id")]),
            folder / "c",
        )
        allowed = allowed.anti_join(store.connection.read_parquet(path), "customer_id")
        counts["capped"] = before - allowed.count().to_pyarrow().as_py()
    return allowed, counts


def _columns(listed: ir.Table, format: str) -> list[str]:  # noqa: A002
    wanted = [name for name in listed.columns if name != KEY]
    found = identities(wanted).values() if format in PLATFORMS else ()
    if format in PLATFORMS and PLATFORMS[format].value is not None:
        return ["customer_id", VALUE, *found]
    return [name for name in wanted if name in found or not is_personal(name)]


def _limited(marked: ir.Table, limit: int | None) -> ir.Table:
    if limit is None:
        return marked
    # As many are contacted as were asked for; those held back come from among them.
    before = ibis.window(order_by=[ibis.desc(marked[KEY]), ibis.asc(marked.customer_id)], preceding=None, following=0)
    counted = marked.mutate(_contacted=(~marked[HELD]).cast("int64").sum().over(before))
    within = counted[HELD].ifelse(counted._contacted < limit, counted._contacted <= limit)
    return counted.filter(within).drop("_contacted")


def _changed(store: Store, limited: ir.Table, delivery: Delivery, folder: Path) -> ir.Table:
    schema = pa.schema([("customer_id", pa.string()), ("row_hash", pa.string())])
    path = spill(last_hashes(store.folder, delivery.name, delivery.format), schema, folder / "h")
    last = store.connection.read_parquet(path)
    same = [limited.customer_id == last.customer_id, limited[HASH] == last.row_hash]
    return limited.anti_join(last, same)


def _audience(schema: pa.Schema, delivery: Delivery, value: str) -> Audience | None:
    if delivery.format not in PLATFORMS:
        return None
    return Audience(PLATFORMS[delivery.format], schema.names, value, delivery.region)


def _contacts(batch: pa.RecordBatch) -> pa.RecordBatch:
    columns = [batch.column("customer_id"), batch.column(HELD).cast(pa.int8()), batch.column(HASH)]
    return pa.RecordBatch.from_arrays(columns, schema=CONTACTS)


def _model_version(listed: ir.Table) -> str:
    return str(listed.model_version.max().to_pyarrow().as_py() or "")
