"""MLflow keeps runs and models in the PostgreSQL into which scores are published: the whole road on one database."""

from datetime import date

import mlflow
import pytest
from databases import rows

import regulars
from models.registry import aliased, connect, load_registered
from training.tracking import log_training

pytestmark = pytest.mark.slow

AS_OF, HORIZON = date(1998, 4, 1), 90
FITTING = regulars.Fitting(rows=1_000, seed=3, spend_trees=40, churn_trees=40)


@pytest.fixture(scope="module")
def database(tmp_path_factory, new_database):
    """A database that MLflow's own variable names."""
    address = new_database("mlflow")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("mlflow"))
        patch.setenv("MLFLOW_TRACKING_URI", address)
        mlflow.set_tracking_uri(address)
        yield address


@pytest.fixture(scope="module")
def trained(database, sample_ledger):
    return regulars.train(sample_ledger, AS_OF, HORIZON, FITTING)


@pytest.fixture(scope="module")
def versions(trained, small_snapshot):
    """The first is champion; the same, logged once more, is its challenger."""
    again = log_training(trained.fitted, trained.evaluation, small_snapshot.head(), FITTING, {})
    return trained.version, again


def test_runs_and_versions_are_rows_of_the_database(database, versions):
    runs = {run_id for (run_id,) in rows(database, "select run_uuid from public.runs where status = 'FINISHED'")}
    assert {version.run_id for version in versions} <= runs
    found = rows(database, "select name, alias, version from public.registered_model_aliases order by alias")
    assert found == [("regulars-90d", "challenger", 2), ("regulars-90d", "champion", 1)]


def test_a_bundle_comes_back_the_same_to_the_last_bit(trained, small_snapshot):
    expected = trained.fitted.bundle.predict(small_snapshot)
    assert load_registered(HORIZON).bundle.predict(small_snapshot).equals(expected)


def test_what_is_scored_with_it_is_published_beside_it(database, versions, sample_ledger, tmp_path):
    found = regulars.score(sample_ledger, tmp_path, AS_OF, HORIZON)
    published = regulars.publish(tmp_path, database)
    assert [one.customers for one in published.horizons] == [found.customers]
    query = "select s.customer_id from regulars.scores s join public.runs r on r.run_uuid = s.run_id"
    assert len(rows(database, query)) == found.customers
    assert rows(database, "select model_version from regulars.published") == [("1",)]


def test_a_promotion_moves_the_aliases_and_is_kept(database, versions, sample_ledger):
    client = connect()
    found = regulars.promote(sample_ledger, HORIZON, cutoffs=1, force=True, by="somebody")
    assert found.promoted
    aliases = [aliased(client, "regulars-90d", alias) for alias in ("champion", "previous", "challenger")]
    assert aliases == ["2", "1", None]
    kept = rows(database, "select count(*) from public.tags where key = 'kind' and value = 'promotion'")
    assert kept == [(1,)]
