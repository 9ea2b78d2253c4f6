"""The web at any size: a real server on a made-up store, measured and then asked by many at once.

Run by hand: `python -m benchmarks.web FOLDER --customers 1000000`. It fails where an answer is wrong or an error.
"""

import argparse
import http.client
import json
import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urlencode

import psutil

from benchmarks.made_up_store import make_store
from serving.plays import PLAYS
from serving.web.scopes import SCOPES
from serving.web.server import listen
from serving.web.tokens import Tokens

FILTERS = {
    "clv and churn": {"where": "clv > 200 and churn_probability < 0.5"},
    "segment, by spend": {"segment": "At Risk", "by": "expected_spend"},
    "text": {"where": "customer_id like '%77%' or country = 'FR'", "by": "monetary"},
    "dates and ranks": {"where": "next_order_date < '2026-11-21' and overdue > 1", "by": "historic_value"},
    "everybody": {},
}
TRIES = 3
MEGABYTE = 2**20


@dataclass
class Server:
    """A server in a process of its own, and the most memory that it had."""

    process: subprocess.Popen[bytes]
    port: int
    rss_start: int = 0
    rss_most: int = 0
    answers: int = 0
    faults: list[str] = field(default_factory=list)

    def get(self, path: str, token: str) -> tuple[int, bytes, float]:
        """Return status, body and seconds of one request on a connection of its own."""
        begun = time.perf_counter()
        status, body = request(http.client.HTTPConnection("127.0.0.1", self.port, timeout=600), path, token)
        return status, body, time.perf_counter() - begun

    def watch(self) -> None:
        """Keep the most memory until the process ends."""
        watched = psutil.Process(self.process.pid)
        while self.process.poll() is None:
            try:
                self.rss_most = max(self.rss_most, watched.memory_info().rss)
            except psutil.Error:
                return
            time.sleep(0.05)


def request(connection: http.client.HTTPConnection, path: str, token: str) -> tuple[int, bytes]:
    """Return status and body."""
    connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
    response = connection.getresponse()
    return response.status, response.read()


@contextmanager
def serving(store: Path) -> Iterator[Server]:
    """Run `regulars serve` for as long as this lasts."""
    with listen("127.0.0.1", 0) as found:
        port = found.getsockname()[1]
    command = [sys.executable, "-m", "regulars", "serve", "--store", str(store), "--port", str(port)]
    server = Server(subprocess.Popen(command, env=os.environ | {"OMP_WAIT_POLICY": "PASSIVE"}), port)
    try:
        while True:
            try:
                server.get("/health", "")
                break
            except ConnectionError:
                if server.process.poll() is not None:
                    raise
                time.sleep(0.1)
        server.rss_start = psutil.Process(server.process.pid).memory_info().rss
        threading.Thread(target=server.watch, daemon=True).start()
        yield server
    finally:
        server.process.terminate()
        server.process.wait(60)


def measure(server: Server, token: str) -> dict[str, float]:
    """Return seconds of the overview and of lists, and rows a second of CSV."""
    found: dict[str, float] = {}
    begun = time.perf_counter()
    timed(server, "/api/v1/lists/all?limit=1", token)
    found["loading the store, s"] = time.perf_counter() - begun
    timed(server, "/", token)
    found["overview warm, s"] = statistics.median(timed(server, "/", token) for _ in range(TRIES))
    for name, query in FILTERS.items():
        path = "/api/v1/lists/all?" + urlencode({**query, "top": 1_000, "limit": 1_000})
        found[f"top 1,000, {name}, s"] = statistics.median(timed(server, path, token) for _ in range(TRIES))
    for play in PLAYS:
        found[f"play {play.slug}, 1,000 rows, s"] = timed(server, f"/api/v1/lists/{play.slug}?limit=1000", token)
    found |= csv_speed(server, token)
    return found


def timed(server: Server, path: str, token: str) -> float:
    """Return the seconds of a request that has to succeed."""
    status, body, seconds = server.get(path, token)
    if status != 200:
        raise SystemExit(f"{path}: {status} {body[:300]!r}")
    return seconds


def csv_speed(server: Server, token: str) -> dict[str, float]:
    """Return seconds to the first byte and rows a second of everybody as CSV."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=600)
    begun = time.perf_counter()
    connection.request("GET", "/api/v1/lists/all.csv", headers={"Authorization": f"Bearer {token}"})
    response = connection.getresponse()
    lines = size = 0
    first = 0.0
    while piece := response.read(MEGABYTE):
        first = first or time.perf_counter() - begun
        lines += piece.count(b"\n")
        size += len(piece)
    seconds = time.perf_counter() - begun
    return {
        "CSV rows": lines - 1,
        "CSV first byte, s": first,
        "CSV rows a second": (lines - 1) / seconds,
        "CSV MB a second": size / seconds / MEGABYTE,
    }


def crowd(server: Server, tokens: Sequence[str], customers: int, seconds: float) -> None:
    """Let many ask at once, each with its own token for its own customers; keep what was not its own answer."""
    until = time.monotonic() + seconds
    threads = [
        threading.Thread(target=visitor, args=(server, i, token, len(tokens), customers, until))
        for i, token in enumerate(tokens)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def visitor(server: Server, number: int, token: str, visitors: int, customers: int, until: float) -> None:
    """Ask until the time is up. Every third visitor's token is not good for customers, and must never see one."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=120)
    asked = 0
    while time.monotonic() < until:
        mine = [f"C{(number + visitors * (asked + k)) % customers:09d}" for k in range(3)]
        for path, is_right in questions(number, mine, scoped=number % 3 != 0):
            try:
                status, body = request(connection, path, token)
                if not is_right(status, body):
                    server.faults.append(f"visitor {number}: {path}: {status} {body[:200]!r}")
            except Exception as error:  # whatever it is, it is no answer
                server.faults.append(f"visitor {number}: {path}: {error!r}")
                connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=120)
            server.answers += 1
        asked += 1


def questions(number: int, mine: Sequence[str], scoped: bool) -> Iterator[tuple[str, Callable[[int, bytes], bool]]]:
    """Yield what a visitor asks, and what tells whether the answer is the visitor's own."""
    name = f"visitor {number}"

    def one(status: int, body: bytes) -> bool:
        if not scoped:
            return status == 403
        return status == 200 and [score["customer_id"] for score in json.loads(body)["scores"]] == [mine[0]]

    def some(status: int, body: bytes) -> bool:
        return status == 200 and sorted(row["customer_id"] for row in json.loads(body)["rows"]) == sorted(set(mine))

    def page(status: int, body: bytes) -> bool:
        return status == 200 and f"Signed in as {name}".encode() + b'"' in body

    yield f"/api/v1/customers/{mine[0]}", one
    listed = ", ".join(f"'{customer}'" for customer in mine)
    yield f"/api/v1/lists/all?where={quote(f'customer_id in ({listed})')}", some
    yield "/docs", page


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and say."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="of the store; made where it is not there")
    parser.add_argument("--customers", type=int, default=200_000)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args(arguments)
    if not (given.folder / "scores").is_dir():
        make_store(given.folder, given.customers)
    tokens = credentials(given.folder, given.clients)
    with serving(given.folder) as server:
        found = measure(server, tokens[1])
        found["MB above the start, one caller"] = (server.rss_most - server.rss_start) / MEGABYTE
        crowd(server, tokens, given.customers, given.seconds)
    found["clients at once"], found["answers"] = given.clients, server.answers
    found["answers a second"] = server.answers / given.seconds
    found["errors and answers of others"] = len(server.faults)
    found["MB at the start"] = server.rss_start / MEGABYTE
    found["MB above the start, most"] = (server.rss_most - server.rss_start) / MEGABYTE
    for name, value in found.items():
        print(f"{name:45} {value:>14,.2f}")
    if given.json:
        given.json.write_text(json.dumps(found, indent=2))
    if server.faults:
        raise SystemExit("\n".join(server.faults[:10]))


def credentials(folder: Path, clients: int) -> list[str]:
    """Return a new token for every client; every third is not good for customers."""
    tokens, known = Tokens(folder), {token.name for token in Tokens(folder).all()}
    for i in range(clients):
        if f"visitor {i}" in known:
            tokens.revoke(f"visitor {i}")
    everything = [scope for scope in SCOPES if scope != "lists:write"]
    without = [scope for scope in everything if scope != "customers:read"]
    return [tokens.create(f"visitor {i}", everything if i % 3 else without) for i in range(clients)]


if __name__ == "__main__":
    main()
