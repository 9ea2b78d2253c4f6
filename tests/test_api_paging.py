"""Pages of a list: cursors of any kind of key, cursors that somebody wrote by hand, and tags of the store they read."""

import base64
import json

import ibis
import pyarrow as pa
import pytest
from fastapi import Request
from web_server import running

from benchmarks.made_up_store import AS_OF, HORIZON_DAYS, make_store
from serving.listing.ranking import KEY, Ranked
from serving.store import SCHEMA, Store
from serving.web.api.freshness import tag_of
from serving.web.api.paging import Cursor, page_of
from serving.web.app import Limits, Settings
from serving.web.reader import Reader


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    store = make_store(tmp_path_factory.mktemp("paging") / "store", 60)
    with running(Settings(store.folder, limits=Limits(burst=100_000))) as web, web.client() as client:
        yield client


@pytest.mark.parametrize("kind", ["decimal(12, 2)", "decimal(38, 0)", "int64", "uint8", "float32", "float64"])
def test_pages_go_on_after_a_number_of_any_kind(kind):
    points = pa.array([7, 9, 7, 7, None, 1]).cast(pa.decimal128(21, 2))
    table = ibis.memtable(pa.table({"customer_id": list("abcdef"), "points": points}))
    listed, found, cursor = Ranked(table.select("customer_id", **{KEY: table.points.cast(kind)}), None), [], None
    for _ in range(3):
        page = page_of(listed, 2, cursor, "v", "asked")
        found += page.rows["customer_id"].to_pylist()
        cursor = Cursor.from_text(page.next.to_text()) if page.next else None
    assert found == list("bacdfe")
    assert cursor is None


@pytest.mark.parametrize(
    ("by", "part", "value"),
    [
        ("clv", 5, "C\x001"),
        ("clv", 5, "\ud800"),
        ("clv", 4, 10**400),
        ("clv", 4, "2026-11-01"),
        ("next_order_date", 4, "tomorrow"),
        ("next_order_date", 4, 10**400),
        ("next_order_date", 4, "2026-11-01\x00"),
    ],
)
def test_a_cursor_that_somebody_changed_is_refused(client, by, part, value):
    query = {"by": by, "limit": 5}
    cursor = client.get("/api/v1/lists/all", params=query).json()["next"]
    parts = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    parts[part] = value
    changed = base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")
    refused = client.get("/api/v1/lists/all", params=query | {"cursor": changed})
    assert refused.status_code == 422
    assert "`next` of the page before" in refused.json()["detail"]


def test_no_moment_that_is_none_is_a_defect(client):
    query = {"by": "scored_at", "limit": 5}
    cursor = client.get("/api/v1/lists/all", params=query).json()["next"]
    parts = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    parts[4] = "tomorrow"
    changed = base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")
    assert client.get("/api/v1/lists/all", params=query | {"cursor": changed}).status_code == 200


def test_a_tag_is_that_of_the_store_which_was_read(tmp_path):
    store = make_store(tmp_path / "store", 50)
    reader = Reader(store)
    request = Request({"type": "http", "path": "/api/v1/lists", "query_string": b"", "headers": []})
    read = reader.here()
    tag = tag_of(request, read)
    scores = Store(store.folder).scores()
    better = scores.mutate(clv=scores.clv + 1.0).to_pyarrow().cast(SCHEMA)
    store.write(better.to_batches(), AS_OF, HORIZON_DAYS)
    reader.settle()
    assert tag_of(request, read) == tag
    assert tag_of(request, reader.here()) != tag
