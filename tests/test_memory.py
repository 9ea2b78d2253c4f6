"""The setting `memory`: what it may say, how it is shared out, and that a log larger than it is learnt from."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

import features.memory
from features.memory import Memory, machine_memory
from features.sample import learnt_from, parts
from regulars.errors import RegularsError
from training.card.recipe import data
from training.fit import Fitting, fit_bundle
from training.tracking import _parameters

ROOM = 1_100 * 2**20
"""What Python, its libraries and the writers of tables take beside the data."""


@pytest.mark.parametrize(
    ("text", "total"), [("2GB", 2 * 10**9), ("512MiB", 2**29), ("1.5 gb", 1_500_000_000), ("300mb", 300 * 10**6)]
)
def test_an_amount_of_memory_is_read(text, total):
    assert Memory.of(text).total == total


@pytest.mark.parametrize("text", ["lots", "", "2", "-1GB", "2XB"])
def test_what_is_no_amount_of_memory_is_refused(text):
    with pytest.raises(RegularsError, match="write it as 2GB or 512MiB"):
        Memory.of(text)


def test_half_of_it_is_the_engines(sample_ledger):
    assert Memory.of("2GiB").engine == "1024MiB"
    assert Memory.of().total == machine_memory() // 2
    assert sample_ledger.memory == Memory.of()


def control_group(root, lines, limits):
    """Write the files in which a kernel says what a process may take."""
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/self/cgroup").write_text("\n".join(lines) + "\n")
    for path, limit in limits.items():
        (root / "sys/fs/cgroup" / path).parent.mkdir(parents=True, exist_ok=True)
        (root / "sys/fs/cgroup" / path).write_text(f"{limit}\n")


@pytest.mark.parametrize(
    ("lines", "limits", "memory"),
    [
        (["0::/"], {"memory.max": 2**30}, 2**30),
        (["0::/"], {"memory.max": "max"}, None),
        (["0::/jobs/night"], {"jobs/night/memory.max": "max", "jobs/memory.max": 2**29}, 2**29),
        (["0::/outside/of/the/container"], {"memory.max": 2**28}, 2**28),
        (["5:cpu:/", "4:memory:/docker/ab", "0::/"], {"memory/docker/ab/memory.limit_in_bytes": 2**30}, 2**30),
        (["4:memory:/docker/ab"], {"memory/memory.limit_in_bytes": 2**63 - 4096}, None),
        ([], {}, None),
    ],
)
def test_the_limit_of_a_container_counts_as_the_machines_memory(tmp_path, lines, limits, memory):
    if lines:
        control_group(tmp_path, lines, limits)
    assert machine_memory(tmp_path) == (memory or machine_memory(Path("/nowhere")))


# More customers than memory allows


def test_a_sample_is_the_same_customers_in_every_run_and_about_as_many_as_allowed(sample_ledger, monkeypatch):
    monkeypatch.setattr(features.memory, "FEWEST_CUSTOMERS", 500)
    small = replace(sample_ledger, memory=Memory(2 * 500 * features.memory.LEARNT_CUSTOMER))

    def customers(ledger):
        return set(ledger.days.select("customer_id").distinct().to_pyarrow()["customer_id"].to_pylist())

    drawn = customers(learnt_from(small))
    assert drawn == customers(learnt_from(small))
    assert 400 < len(drawn) < 600
    assert customers(learnt_from(small).fork()) == drawn
    assert learnt_from(sample_ledger) is sample_ledger


def test_a_training_on_a_sample_says_so(sample_ledger, small_fitted, monkeypatch):
    monkeypatch.setattr(features.memory, "FEWEST_CUSTOMERS", 500)
    few = learnt_from(replace(sample_ledger, memory=Memory(2 * 500 * features.memory.LEARNT_CUSTOMER)))
    from conftest import SMALL_AS_OF

    fitting = Fitting(rows=1_000, spend_trees=5, churn_trees=5)
    fitted = fit_bundle(few, SMALL_AS_OF, 90, fitting)
    assert fitted.bundle.facts["customers_share"] == few.share == pytest.approx(500 / 2357)
    assert _parameters(fitted, fitting)["customers_share"] == few.share
    assert "a sample: 21.2% of the log's customers" in str(data(fitted, {}))
    assert small_fitted.bundle.facts["customers_share"] == 1.0
    assert "sample:" not in str(data(small_fitted, {}))


def test_every_customer_is_in_one_part(sample_ledger, monkeypatch):
    small = replace(sample_ledger, memory=Memory(2 * 400 * features.memory.SNAPSHOT_CUSTOMER))
    found = [part.days.order_by("customer_id", "day").to_pyarrow() for part in parts(small)]
    assert len(found) == 6
    assert all(200 < len(set(part["customer_id"].to_pylist())) < 600 for part in found)
    together = pa.concat_tables(found).sort_by([("customer_id", "ascending"), ("day", "ascending")])
    assert together.equals(sample_ledger.days.order_by("customer_id", "day").to_pyarrow())


JOB = """
# Checks a log, learns from it, and scores it, with little memory; says what it found and how much it took.
import json, resource, sys
from datetime import date
from pathlib import Path
import duckdb, lightgbm, mlflow, pandas
from features.sample import learnt_from, parts
from models.registry import Registered
from regulars.verbs import check, ledger
from serving.score import score
from serving.store import Store
from training.fit import Fitting, fit_bundle
folder, memory, as_of = Path(sys.argv[1]), sys.argv[2], date(2024, 9, 1)
known = ledger(folder / "log.parquet", memory)
learnt = learnt_from(known)
fitted = fit_bundle(learnt, as_of, 90, Fitting(spend_trees=10, churn_trees=10))
scored = score(known, as_of, Registered(fitted.bundle, "regulars-90d", "1", "run"), Store(folder / "store"))
print(json.dumps({"rows": check(known).rows, "buyers": known.before(as_of).days.filter(
    lambda days: days.purchase_number == 1).count().to_pyarrow().as_py(), "learnt": fitted.rows, "share": learnt.share,
    "parts": sum(1 for _ in parts(known)), "scored": scored.customers,
    "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}))
"""
LOG = """
    COPY (
        SELECT 'customer-' || lpad((hash(n) % 80000)::varchar, 9, '0') AS customer_id,
            TIMESTAMP '2022-01-01' + INTERVAL (hash(n * 11) % 1095) DAY AS timestamp,
            round(5 + (hash(n * 13) % 9000) / 100.0, 2) AS amount, md5(n::varchar) AS order_id
        FROM range(2400000) t(n)
    ) TO $1
"""


@pytest.mark.slow
def test_a_log_larger_than_memory_is_checked_learnt_from_and_scored(tmp_path):
    import duckdb

    memory = Memory.of("300MB")
    duckdb.execute(LOG.replace("$1", f"'{tmp_path}/log.parquet'"))
    job = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", JOB, str(tmp_path), "300MB"],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        check=False,
    )
    assert job.returncode == 0, job.stderr[-2_000:]
    found = json.loads(job.stdout.splitlines()[-1])
    # An order takes 32 bytes, an id 18, day and amount 16: more than the whole of the setting, let alone half of it.
    assert found["rows"] * 66 > memory.total / 2
    assert found["rows"] == 2_400_000
    assert found["scored"] == found["buyers"] > 79_000
    assert found["share"] < 0.5
    assert found["learnt"] < 3 * memory.learnt_rows
    assert found["parts"] > 2
    assert found["peak"] < memory.total + ROOM
