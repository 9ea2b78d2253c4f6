"""Scoring night after night into one store gives, to the last bit, what scoring the whole log gives."""

from datetime import date, timedelta

import pytest

from features.ledger import build_ledger
from features.log import Log
from models.registry import Registered
from regulars import verbs
from serving.store import KEPT, Store

NIGHT = date(1998, 5, 1)


@pytest.fixture
def registered(small_bundle, monkeypatch):
    found = Registered(small_bundle, "regulars-90d", "7", "run-of-the-test")
    monkeypatch.setattr(verbs, "load_registered", lambda horizon, model: found)
    monkeypatch.setattr(verbs, "keep_card", lambda place, registered: ())
    return found


def written(store, as_of):
    """Scores and customer-days of a store, but for the moment of the scoring."""
    scores = store.scores(as_of).drop("scored_at").order_by("customer_id").to_pyarrow()
    return scores, store.ledger().order_by("customer_id", "day").to_pyarrow()


def test_nights_into_one_store_are_as_good_as_full_runs(cdnow_sample, registered, tmp_path):
    folder, kept = tmp_path / "log", Store(tmp_path / "kept")
    folder.mkdir()
    for month, rows in cdnow_sample.groupby(cdnow_sample["timestamp"].astype(str).str[:7]):
        rows.to_csv(folder / f"{month}.csv", index=False)
    held_back = folder / "1998-05.csv", folder / "1998-06.csv"
    for path in held_back:
        path.rename(path.with_suffix(".later"))
    log = Log(folder, today=date(2026, 11, 21))
    last = None
    for night, late in enumerate([None, held_back[0], held_back[1]]):
        if late is not None:
            late.with_suffix(".later").rename(late)
        if late == held_back[1]:
            # And a refund of last year that somebody forgot, in a file of its own.
            (folder / "late.csv").write_text("customer_id,timestamp,amount\n00004,1997-02-03,-5.0\n")
        as_of = NIGHT + timedelta(days=30 * night)
        verbs.score(log, kept.folder, as_of)
        full = Store(tmp_path / f"full-{night}")
        verbs.score(build_ledger(log), full.folder, as_of)
        for one, other in zip(written(kept, as_of), written(full, as_of), strict=True):
            assert one.equals(other)
        assert one != last
        last = one
    assert (kept.folder / KEPT / "manifest.json").exists()
    assert verbs.ledger(log, store=kept.folder).said == "none of 19 files is new or changed"
