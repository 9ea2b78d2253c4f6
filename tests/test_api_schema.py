"""The API keeps to its own description: schemathesis makes up requests, valid and not, and judges the answers."""

from collections.abc import Iterator

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import load_all_checks
from schemathesis.specs.openapi.checks import positive_data_acceptance
from web_server import SECRET, Web, running

from benchmarks.made_up_store import HORIZON_DAYS, make_store
from serving.web.app import Limits, Settings

PATHS = (
    "/health",  # takes nothing that could be made up
    "/api/v1/customers/{customer_id}",
    "/api/v1/lists",
    "/api/v1/lists/{name}",
    "/api/v1/lists/{name}.csv",
    "/api/v1/segments",
    "/api/v1/economics",
    "/api/v1/model",
)
FREE_TEXT = ("/api/v1/lists/{name}", "/api/v1/lists/{name}.csv")
"""Their parameters are filters, columns and cursors, of which no schema can say which can be read."""


@pytest.fixture(scope="module")
def web(tmp_path_factory) -> Iterator[Web]:
    store = make_store(tmp_path_factory.mktemp("schema") / "store", 30)
    card = store.card("1", HORIZON_DAYS)
    card.mkdir(parents=True)
    (card / "facts.json").write_text("{}")
    (card / "model_card.md").write_text("# Model")
    with running(Settings(store.folder, SECRET, limits=Limits(burst=10**6))) as web:
        yield web


@pytest.fixture(scope="module")
def client(web):
    with web.client() as client:
        yield client


@pytest.fixture(scope="module")
def operations(client):
    load_all_checks()
    schema = schemathesis.openapi.from_dict(client.get("/openapi.json").json())
    return {operation.path: operation for operation in (found.ok() for found in schema.get_all_operations())}


def test_every_path_is_looked_at(operations):
    assert set(operations) == set(PATHS)


@pytest.mark.slow
@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize("path", PATHS[1:])
def test_every_answer_is_one_that_is_described(web, client, operations, path, mode):
    excluded = [positive_data_acceptance] if path in FREE_TEXT else []

    @settings(
        max_examples=20,
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.explicit, Phase.generate],
    )
    @given(case=operations[path].as_strategy(generation_mode=mode))
    def judge(case):
        headers = {"Authorization": client.headers["Authorization"]}
        case.call_and_validate(base_url=web.url, headers=headers, excluded_checks=excluded)

    judge()
