"""The registry: what is there comes back whole, what is not is said to be missing, and a fault to be a fault."""

import os
import sqlite3
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import mlflow
import pytest

from models import registry
from models.registry import aliased, connect, crown, load_registered, registry_lock
from regulars.errors import BundleError
from training.tracking import EXPERIMENT, _log_bundle, _register

pytestmark = pytest.mark.slow

NAME = "regulars-90d"


@pytest.fixture(scope="module")
def folder(tmp_path_factory, new_registry):
    found = tmp_path_factory.mktemp("registry")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(found)
        patch.setenv("MLFLOW_TRACKING_URI", new_registry(found))
        mlflow.set_tracking_uri(f"sqlite:///{found}/mlflow.db")
        yield found


@pytest.fixture(scope="module")
def client(folder):
    return connect()


@pytest.fixture(scope="module")
def versions(client, small_bundle, small_snapshot):
    """Three versions of one bundle."""
    # MLflow remembers the experiment of another test's store.
    mlflow.set_experiment(EXPERIMENT)
    with mlflow.start_run() as run:
        logged = _log_bundle(small_bundle, small_snapshot.head())
    return [_register(client, NAME, logged, run.info.run_id).version for _ in range(3)]


def tables(folder):
    with sqlite3.connect(folder / "mlflow.db") as database:
        return dict(database.execute("select name, sql from sqlite_master where type = 'table'").fetchall())


class TestLoading:
    def test_a_bundle_comes_back_and_no_copy_of_it_stays_behind(
        self, versions, small_bundle, small_snapshot, tmp_path, monkeypatch, capfd
    ):
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
        found = load_registered(90)
        assert found.bundle.predict(small_snapshot).equals(small_bundle.predict(small_snapshot))
        assert list(tmp_path.iterdir()) == []
        assert capfd.readouterr() == ("", "")

    def test_nothing_is_written_into_the_store(self, versions, folder):
        def files():
            return {path: path.stat().st_mtime_ns for path in (folder / "mlruns").rglob("*")}

        before = files()
        load_registered(90)
        assert files() == before

    @pytest.mark.parametrize("asked", ["queen", "7", "0", "-1", "9" * 30, "²", "no name for an alias!", ""])
    def test_what_is_not_there_is_said_to_be_missing(self, versions, asked):
        with pytest.raises(BundleError, match="no model regulars-90d with version or alias"):
            load_registered(90, asked)

    def test_a_model_without_an_alias_is_named_all_the_same(self, client, versions):
        client.create_registered_model("regulars-7d")
        with pytest.raises(BundleError, match="regulars-7d with no alias"):
            load_registered(7)

    def test_files_that_have_gone_are_a_fault_and_no_missing_model(self, client, versions, folder):
        source = Path(client.get_model_version_download_uri(NAME, "1").removeprefix("file://"))
        source.rename(folder / "elsewhere")
        try:
            with pytest.raises(BundleError) as refusal:
                load_registered(90, "1")
        finally:
            (folder / "elsewhere").rename(source)
        assert "no model" not in str(refusal.value)

    def test_a_database_that_fails_is_a_fault_and_no_missing_model(self, versions, folder, capfd):
        made = tables(folder)["registered_model_aliases"]
        with sqlite3.connect(folder / "mlflow.db") as database:
            kept = database.execute("select * from registered_model_aliases").fetchall()
            database.execute("drop table registered_model_aliases")
        try:
            with pytest.raises(BundleError) as refusal:
                load_registered(90)
        finally:
            with sqlite3.connect(folder / "mlflow.db") as database:
                database.execute(made)
                marks = ", ".join("?" * len(kept[0]))
                database.executemany(f"insert into registered_model_aliases values ({marks})", kept)
        message = str(refusal.value)
        assert "does not answer" in message
        assert "no such table" in message
        assert "\n" not in message
        assert "Traceback" not in capfd.readouterr().err

    def test_a_server_that_refuses_is_a_fault_and_no_missing_model(self, refusing_server):
        with pytest.raises(BundleError, match="does not answer") as refusal:
            load_registered(90)
        assert "no model" not in str(refusal.value)


@pytest.fixture
def refusing_server(folder, monkeypatch):
    """A tracking server that lists experiments, and lets nobody see its models."""
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

    class Refusing(BaseHTTPRequestHandler):
        def do_GET(self):
            self.answer(403, b'{"error_code": "PERMISSION_DENIED", "message": "not for you"}')

        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            self.answer(200, b"{}")

        def answer(self, code, body):
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Refusing)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    before = mlflow.get_tracking_uri()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    mlflow.set_tracking_uri(address)
    yield address
    mlflow.set_tracking_uri(before)
    server.shutdown()
    server.server_close()


class TestChampion:
    def test_the_first_is_champion_and_the_newest_challenger(self, client, versions):
        assert [aliased(client, NAME, alias) for alias in ("champion", "challenger", "previous")] == ["1", "3", None]

    def test_a_crowned_version_is_champion_and_challenger_no_more_and_the_old_one_previous(self, client, versions):
        crown(client, NAME, "2")
        assert [aliased(client, NAME, alias) for alias in ("champion", "challenger", "previous")] == ["2", "3", "1"]
        crown(client, NAME, "3")
        assert [aliased(client, NAME, alias) for alias in ("champion", "challenger", "previous")] == ["3", None, "2"]

    def test_crowning_the_champion_changes_nothing(self, client, versions):
        crown(client, NAME, "3")
        assert [aliased(client, NAME, alias) for alias in ("champion", "challenger", "previous")] == ["3", None, "2"]

    def test_a_version_that_is_not_there_is_not_crowned(self, client, versions):
        with pytest.raises(BundleError, match="9"):
            crown(client, NAME, "9")
        assert aliased(client, NAME, "champion") == "3"


HOLD = """
import sys
from models.registry import connect, registry_lock
connect()
with registry_lock():
    print("held", flush=True)
    sys.stdin.readline()
"""


class TestLock:
    def test_another_process_waits_for_it(self, client, folder):
        surroundings = {**os.environ, "PYTHONPATH": str(Path(registry.__file__).parents[1])}
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        with subprocess.Popen([sys.executable, "-c", HOLD], cwd=folder, env=surroundings, **pipes) as other:
            assert other.stdout.readline() == "held\n"
            waiting = threading.Thread(target=lambda: registry_lock().__enter__().release())
            waiting.start()
            waiting.join(timeout=1)
            assert waiting.is_alive()
            other.communicate("go\n", timeout=60)
            waiting.join(timeout=30)
            assert not waiting.is_alive()

    def test_who_holds_it_may_take_it_again(self, client):
        with registry_lock(), registry_lock():
            assert connect()
