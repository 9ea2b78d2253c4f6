"""Lists as CSV: whole, of any size, in bounded memory, and written down in the record of exports.

A play or a saved list leaves as it does by the command line: consent, cap and hold-back are applied, and who is on it
is remembered as contacted. The list `all` is a copy of the scores for a program, not a list to write to: nobody is held
back, nobody counts as contacted, and only who took how many rows is remembered. A part of it (where, segment, top) has
only those who consent. To write to customers, save the list.
"""

from collections.abc import Iterator
from typing import Annotated, Any

import pyarrow as pa
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response
from ibis.expr import types as ir

from serving.exports import Delivery, stream_list
from serving.exports.files import stream_list_rows
from serving.exports.record import Entry, begin, finish
from serving.listing.definition import Definition
from serving.listing.headings import headed
from serving.listing.personal import without_personal
from serving.listing.saved_lists import SavedList
from serving.web.access import Caller, caller, check_site
from serving.web.api.asked import DownloadAsked
from serving.web.api.documented import found, problems
from serving.web.api.freshness import KEPT, is_known, scored_since, tag_of, unchanged
from serving.web.api.lists import Name, listed_of
from serving.web.api.naming import ALL, list_named
from serving.web.download import download
from serving.web.edition import LoadedStore
from serving.web.reader import reader_of

ROWS_A_BATCH = 16_384
router = APIRouter(tags=["lists"])


@router.get(
    "/lists/{name}.csv",
    dependencies=[Depends(check_site)],
    responses=found(200, **{"text/csv": {"schema": {"type": "string"}}}) | problems(404, 422),
    response_class=Response,
)
def list_csv(
    request: Request,
    name: Name,
    asked: Annotated[DownloadAsked, Query()],
    who: Annotated[Caller, Depends(caller("lists:read"))],
) -> Response:
    """Return a whole list as CSV, best first, and write down that it was taken.

    Plays and saved lists: without customers who do not consent, and without those held back to measure against; the
    others count as contacted. `all`: a copy of the scores, by which nobody is contacted; the whole of it leaves nobody
    out, a part of it (where, segment, top) those who do not consent.
    """
    store = reader_of(request).here()
    named = list_named(store, name, asked)
    definition = named.definition
    headers = dict(KEPT)
    if definition.cap is None and not asked.changes:
        # What a cap or the last pull leaves over is another list every day.
        headers["ETag"] = tag_of(request, store, definition.to_json())
        if is_known(request, headers["ETag"]):
            return unchanged(headers["ETag"])
    as_of, horizon = store.choose(asked.as_of, asked.horizon)
    delivery = Delivery(named.name, who.who, "csv", asked.changes, as_of=as_of, horizon_days=horizon)
    return download(_chunks(store, named, delivery, asked), f"{named.name} {as_of}.csv", headers)


def _chunks(store: LoadedStore, named: SavedList, delivery: Delivery, asked: DownloadAsked) -> Iterator[bytes]:
    scores = store.scores(delivery.as_of, delivery.horizon_days)
    is_newer = asked.since is None or scored_since(scores, asked.since).count().to_pyarrow().as_py() > 0
    if named.name != ALL and is_newer:
        return iter(stream_list(store, named.definition, delivery))
    own = store.apart()
    rows = headed(without_personal(listed_of(own, named, delivery.as_of, delivery.horizon_days).rows()))
    return _copied(own, rows if is_newer else rows.limit(0), named.definition, delivery)


def _copied(store: LoadedStore, rows: ir.Table, definition: Definition, delivery: Delivery) -> Iterator[bytes]:
    version = str(rows.model_version.max().to_pyarrow().as_py() or "")
    entry = Entry(
        delivery.who,
        delivery.name,
        definition.to_json(),
        delivery.format,
        str(delivery.as_of),
        int(delivery.horizon_days or 0),
        version,
    )
    number = begin(store.folder, entry, [])
    sent = 0

    def counted(batches: Any) -> Iterator[pa.RecordBatch]:
        nonlocal sent
        for batch in batches:
            sent += batch.num_rows
            yield batch

    batches = rows.to_pyarrow_batches(chunk_size=ROWS_A_BATCH)
    reader = pa.RecordBatchReader.from_batches(batches.schema, counted(batches))
    yield from stream_list_rows(reader, delivery.format)
    finish(store.folder, number, sent)
