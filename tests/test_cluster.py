"""Trees that grow on a Dask cluster, here of two worker processes: nearly those of one process."""

import sys
from datetime import date

import numpy as np
import pytest
from distributed import LocalCluster
from simulated import customers

from models.booster import OffsetBooster
from regulars.errors import RegularsError
from training.fit import fit_bundle
from training.fitting import Fitting

PLACE = {"host": "127.0.0.1", "dashboard_address": "127.0.0.1:0", "threads_per_worker": 1, "silence_logs": 50}


@pytest.fixture(scope="module")
def address():
    with LocalCluster(n_workers=2, processes=True, **PLACE) as cluster:
        yield cluster.scheduler_address


@pytest.mark.parametrize("objective", ["tweedie", "poisson", "binary"])
def test_boosters_of_a_cluster_say_nearly_what_those_of_one_process_say(address, objective):
    X, spend, orders = customers(6_000)
    target = {"tweedie": spend / spend.mean(), "poisson": orders, "binary": (orders > 0).astype(float)}[objective]
    rows = X.to_numpy(), np.asarray(target, dtype=float), np.zeros(len(X)), (), np.linspace(0.5, 1.5, len(X))
    here, there = (OffsetBooster(objective, 60, threads=1, dask=dask).fit(*rows) for dask in (None, address))
    corrections = [booster.correction(X.to_numpy()) for booster in (here, there)]
    assert there.booster_.num_trees() == 60
    assert np.corrcoef(*corrections)[0, 1] > 0.97
    assert corrections[1].mean() == pytest.approx(corrections[0].mean(), abs=0.02)
    again = OffsetBooster.from_text(there.to_text(), objective=objective)
    assert np.array_equal(again.correction(X.to_numpy()), corrections[1])


def test_settings_are_the_same_on_a_cluster(address):
    X, spend, _ = customers(1_000)
    fitted = [
        OffsetBooster(trees=2, threads=1, dask=dask).fit(X.to_numpy(), spend / spend.mean(), np.zeros(len(X)))
        for dask in (None, address)
    ]
    here, there = ({line for line in booster.to_text().splitlines() if line.startswith("[")} for booster in fitted)
    network = ("[local_listen_port", "[machines", "[num_machines", "[num_threads", "[tree_learner")
    assert {line for line in here ^ there if not line.startswith(network)} == set()


def test_a_whole_training_takes_turns_on_a_cluster(sample_ledger, small_fitted, address):
    fitted = fit_bundle(sample_ledger, date(1998, 4, 1), 90, Fitting(rows=2_000, dask=address))
    newer = fitted.rehearsal.newer.features
    bundles = small_fitted.bundle, fitted.bundle
    for said in (
        [one.spend.predict(newer) for one in bundles],
        [one.churn.predict_proba(newer)[:, 1] for one in bundles],
    ):
        assert not np.array_equal(*said)
        assert np.corrcoef(*np.log(said))[0, 1] > 0.95


def test_nobody_who_answers_is_a_clear_message(monkeypatch):
    monkeypatch.setattr("models.cluster.SECONDS", 1)
    with pytest.raises(RegularsError, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:9"):
        OffsetBooster(dask="tcp://127.0.0.1:9").fit(np.zeros((9, 1)), np.ones(9), np.zeros(9))


def test_a_cluster_without_workers_is_a_clear_message(monkeypatch):
    monkeypatch.setattr("models.cluster.SECONDS", 1)
    with (
        LocalCluster(n_workers=0, processes=True, **PLACE) as cluster,
        pytest.raises(RegularsError, match="has no worker: start one"),
    ):
        OffsetBooster(dask=cluster.scheduler_address).fit(np.zeros((9, 1)), np.ones(9), np.zeros(9))


def test_without_dask_the_message_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(RegularsError, match=r"pip install 'regulars\[dask\]'"):
        OffsetBooster(dask="tcp://127.0.0.1:9").fit(np.zeros((9, 1)), np.ones(9), np.zeros(9))
