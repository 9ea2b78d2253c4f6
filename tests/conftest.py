"""What many tests start from: the bundled CDNOW log as a ledger, and a bundle that little was spent on."""

import gc
import os
import shutil
import sys
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
from filelock import FileLock
from hypothesis import settings

# What a property shows does not depend on how busy the machine is.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")

CDNOW = Path(__file__).parents[1] / "regulars" / "data" / "cdnow.parquet"
SMALL_AS_OF = date(1998, 4, 1)

# Ibis makes many small objects to compile a query; looking for garbage after every 700 of them is a fifth of the time.
gc.set_threshold(50_000, 20, 100)
# Idle threads of LightGBM otherwise spin for work, here as in the command line, and workers share the cores.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


@pytest.fixture(autouse=True, scope="module")
def forgetting():
    """MLflow remembers the store that was named last, in the process and its environment; no module inherits one."""
    yield
    if "mlflow" in sys.modules:
        sys.modules["mlflow"].set_tracking_uri(None)
    os.environ.pop("MLFLOW_TRACKING_URI", None)


# The longest first, so that nobody waits at the end for one that began late; the rest by name.
LONGEST = (
    "test_spark_score.py",
    "test_spark_features.py",
    "test_spark_sources.py",
    "test_notebooks.py",
    "test_speed_benchmarks.py",
    "test_tune.py",
    "test_kept_log.py",
    "test_memory.py",
    "test_cli.py",
    "test_online_retail.py",
    "test_browser.py",
)


def pytest_collection_modifyitems(items):
    places = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path.name, len(LONGEST)))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Files go to workers whole, and those of Spark to one: a cluster takes seconds to start, and more to warm up."""
    from xdist.scheduler import LoadFileScheduling

    class Scheduling(LoadFileScheduling):
        def _split_scope(self, nodeid):
            file = super()._split_scope(nodeid)
            return "spark" if "test_spark" in file else file

    return Scheduling(config, log)


@pytest.fixture(scope="session")
def new_registry(tmp_path_factory, worker_id):
    """Write an MLflow store without a run into a folder, and return its address; to make one takes MLflow seconds."""
    import mlflow

    own = tmp_path_factory.getbasetemp()
    # Workers have folders in one of the run: the first to come makes the store for all.
    template = (own if worker_id == "master" else own.parent) / "registry" / "mlflow.db"
    with FileLock(f"{template.parent}.lock"):
        if not template.parent.exists():
            made = tmp_path_factory.mktemp("making") / "mlflow.db"
            mlflow.MlflowClient(f"sqlite:///{made}").search_experiments()
            made.parent.rename(template.parent)

    def written(folder):
        shutil.copyfile(template, folder / "mlflow.db")
        return f"sqlite:///{folder}/mlflow.db"

    return written


@pytest.fixture(scope="session")
def new_database():
    """Make a database in a PostgreSQL server and return the address of its superuser; a server takes seconds."""
    from databases import postgres, run

    with postgres() as server:

        def made(name):
            run(server, f"create database {name}")
            return server.replace("/postgres?", f"/{name}?")

        yield made


@pytest.fixture(scope="session")
def spark():
    """What Spark calls a cluster of this machine with two executors, each a process of its own."""
    if shutil.which("java") is None:
        pytest.skip("Spark needs Java, which is not here: make java")
    os.environ["SPARK_CONF_DIR"] = str(Path(__file__).parent / "spark_conf")
    return "local-cluster[2,1,1024]"


@pytest.fixture(scope="session")
def cdnow_ledger():
    """The whole bundled log: 23,570 customers, 1997-01-01 to 1998-06-30."""
    from features.ledger import build_ledger
    from features.log import Columns, Log

    return build_ledger(Log(CDNOW, Columns(timestamp="date")))


@pytest.fixture(scope="session")
def cdnow_sample():
    """The published tenth of the log as a contract table: 2,357 customers."""
    return pd.read_parquet(CDNOW).query("sample").rename(columns={"date": "timestamp"}).drop(columns="sample")


@pytest.fixture(scope="session")
def sample_ledger(cdnow_sample):
    from features.ledger import build_ledger
    from features.log import Log

    return build_ledger(Log(cdnow_sample))


@pytest.fixture(scope="session")
def small_fitted(sample_ledger):
    """What little was spent on: 2,000 rows of the published tenth's past, as of 1998-04-01, for 90 days."""
    from training.fit import Fitting, fit_bundle

    return fit_bundle(sample_ledger, SMALL_AS_OF, 90, Fitting(rows=2_000))


@pytest.fixture(scope="session")
def small_bundle(small_fitted):
    return small_fitted.bundle


@pytest.fixture(scope="session")
def small_snapshot(sample_ledger):
    """About 1,500 customers as of 1998-04-01, in the columns that `small_bundle` reads, indexed by customer."""
    from features.snapshot import sampled, snapshot

    table = snapshot(sample_ledger, SMALL_AS_OF, 90, sampled(sample_ledger, [SMALL_AS_OF], 1_500)).to_pandas()
    return table.sort_values("customer_id").set_index("customer_id").drop(columns="as_of")


@pytest.fixture(scope="session")
def small_past(sample_ledger):
    """What lessons are made of: the past of the published tenth, as of 1998-04-01 for 60 days, about 2,400 rows."""
    from features.gaps import gap_counts
    from features.outcome import customer_groups
    from features.window import schedule
    from models.encoding import Encoding
    from models.gaps import GapCurve
    from models.level import windows
    from training.fit import fit_btyd
    from training.table import OUTCOMES, training_table

    plan = schedule(sample_ledger.span, SMALL_AS_OF, 60)
    groups = customer_groups(sample_ledger, plan.dates, 60).to_pandas()
    btyd = fit_btyd(sample_ledger, groups, SMALL_AS_OF)
    table = training_table(sample_ledger, plan, 2_400)
    past = {60: windows(groups, btyd, 60)}
    for lesson in plan.others:
        days = lesson.window_days
        past[days] = windows(customer_groups(sample_ledger, lesson.cutoffs, days).to_pandas(), btyd, days)
    return SimpleNamespace(
        plan=plan,
        table=table,
        encoding=Encoding.of(table.drop(columns=list(OUTCOMES))),
        btyd=btyd,
        gaps=GapCurve().fit(gap_counts(sample_ledger, SMALL_AS_OF).to_pandas()),
        past=past,
    )


@pytest.fixture(scope="session")
def small_lessons(small_past):
    from training.lessons import Lessons

    found = small_past
    return Lessons.of(found.table, found.encoding, found.btyd, found.gaps, found.past, found.plan)
