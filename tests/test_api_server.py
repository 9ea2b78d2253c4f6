"""`regulars serve`, as people start it: what it says and refuses, how it ends, and that two processes answer as one."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import httpx
import pytest

from benchmarks.made_up_store import make_store
from regulars import cli
from regulars.exits import DONE, WRONG_INPUT
from serving.web.people import People
from serving.web.scopes import SCOPES
from serving.web.server import is_loopback
from serving.web.tokens import Tokens

LONG_SECRET = "0123456789 0123456789 0123456789"
COMMAND = [sys.executable, "-m", "regulars", "serve"]


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    # Of a long name, which must not break the line from which the address is copied.
    folder = tmp_path_factory.mktemp("server") / ("long" * 20) / "store"
    folder.parent.mkdir()
    make_store(folder, 30)
    return folder


@contextmanager
def serving(store, *flags: str, **environment: str) -> Iterator[tuple[subprocess.Popen, str, list[str]]]:
    """Start the command, and lend the process, the address that it says, and the lines it said before."""
    server = subprocess.Popen(
        [*COMMAND, "--store", str(store), "--port", "0", *flags],
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | environment,
    )
    # A server that never says where it is must not keep the tests waiting.
    patience = threading.Timer(120, server.kill)
    patience.start()
    try:
        said = []
        for line in server.stderr:
            said.append(line)
            if found := re.search(r"at (http://\S+)", line):
                break
        else:
            raise AssertionError(f"it never said where it is: {said}")
        patience.cancel()
        until_it_answers(found[1])
        yield server, found[1], said
    finally:
        patience.cancel()
        server.send_signal(signal.SIGINT)
        server.wait(60)
        server.stderr.close()


def until_it_answers(url: str) -> None:
    for _ in range(300):
        try:
            httpx.get(f"{url}/health")
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError(f"{url} does not answer")


@pytest.fixture
def refused(capsys, monkeypatch):
    """Start the command, which must be refused: one message, and no server that would run for ever."""
    monkeypatch.setattr("serving.web.server.serve", lambda *_: pytest.fail("it was not refused"))
    return partial(_refused, capsys)


def _refused(capsys, *flags: str) -> str:
    with pytest.raises(SystemExit) as left:
        cli.main(["serve", *flags])
    said = capsys.readouterr()
    assert left.value.code == WRONG_INPUT
    assert said.out == ""
    assert said.err.startswith("regulars: ")
    assert "Traceback" not in said.err
    return said.err


@pytest.mark.slow
def test_it_says_where_it_is_and_how_to_let_somebody_in_and_ends_with_ctrl_c(store):
    with serving(store) as (server, url, said):
        assert url.startswith("http://127.0.0.1:")
        assert said[-1].rstrip().endswith(f"at {url} (stop with Ctrl-C)")
        text = " ".join("".join(said).split())
        assert "regulars person create NAME" in text
        assert "regulars token create NAME" in text
        assert httpx.get(f"{url}/health").json() == {"status": "ok"}
        # It was started before there was anybody, and knows the token all the same.
        token = Tokens(store).create("crm", ["lists:read"])
        found = httpx.get(f"{url}/api/v1/lists/all?limit=1", headers={"Authorization": f"Bearer {token}"}, timeout=60)
        assert found.status_code == 200
        assert "server" not in found.headers
    assert server.returncode == DONE


@pytest.mark.slow
def test_two_workers_share_sessions(store):
    People(store).create("Anna", "correct horse battery", SCOPES)
    with serving(store, "--workers", "2") as (_, url, _), httpx.Client(base_url=url, timeout=60) as client:
        csrf = client.get("/sign-in").text.split('name="csrf" value="')[1].split('"')[0]
        sent = {"csrf": csrf, "name": "Anna", "password": "correct horse battery"}
        assert client.post("/sign-in", data=sent).status_code == 303
        for _ in range(10):
            # A new connection each time, so that both are asked.
            fresh = httpx.get(f"{url}/api/v1/lists", cookies=dict(client.cookies), timeout=60)
            assert fresh.status_code == 200


@pytest.mark.slow
def test_with_a_secret_sessions_outlive_the_server(store):
    People(store).create("Berta", "correct horse battery", SCOPES)
    with serving(store, REGULARS_SECRET=LONG_SECRET) as (_, url, _), httpx.Client(base_url=url, timeout=60) as client:
        csrf = client.get("/sign-in").text.split('name="csrf" value="')[1].split('"')[0]
        client.post("/sign-in", data={"csrf": csrf, "name": "Berta", "password": "correct horse battery"})
        cookies = dict(client.cookies)
    with serving(store, REGULARS_SECRET=LONG_SECRET) as (_, url, _):
        assert httpx.get(f"{url}/api/v1/lists", cookies=cookies, timeout=60).status_code == 200


def test_a_port_that_is_taken_is_one_message(store, refused):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = refused("--store", str(store), "--port", str(port))
    assert f"127.0.0.1:{port}" in said
    assert "--port" in said


def test_a_short_secret_and_no_workers_are_refused(store, refused, monkeypatch):
    assert "at least one worker" in refused("--store", str(store), "--workers", "0")
    monkeypatch.setenv("REGULARS_SECRET", "short")
    assert "REGULARS_SECRET" in refused("--store", str(store))


@pytest.mark.parametrize(
    ("host", "only_this_machine"),
    [
        ("127.0.0.1", True),
        ("127.1.2.3", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("10.0.0.1", False),
    ],
)
def test_which_addresses_others_reach(host, only_this_machine):
    assert is_loopback(host) is only_this_machine
