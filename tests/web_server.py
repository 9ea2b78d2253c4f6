"""A real server for tests: uvicorn in a thread, over a made-up store, and clients with tokens of their own."""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import uvicorn
from fastapi import FastAPI

from serving.web.app import Settings, create_app
from serving.web.people import People
from serving.web.scopes import SCOPES
from serving.web.server import listen
from serving.web.tokens import Tokens

PASSWORD = "correct horse battery staple"
SECRET = "a secret that is only used in tests, 0123456789"


@dataclass
class Web:
    """A running server."""

    app: FastAPI
    store: Path
    url: str

    def client(self, scopes: Sequence[str] | None = SCOPES, name: str | None = None) -> httpx.Client:
        """Return a client with a new token; without credentials where scopes are None."""
        headers = {}
        if scopes is not None:
            name = name or f"client {time.monotonic_ns()}"
            headers["Authorization"] = f"Bearer {Tokens(self.store).create(name, scopes)}"
        return httpx.Client(base_url=self.url, headers=headers, timeout=60)

    def form(self, client: httpx.Client, **fields: str) -> httpx.Response:
        """Sign in by the form, as a browser does."""
        page = client.get("/sign-in")
        csrf = page.text.split('name="csrf" value="')[1].split('"')[0]
        return client.post("/sign-in", data={"csrf": csrf, **fields})

    @contextmanager
    def signed_in(self, name: str = "Anna", scopes: Sequence[str] = SCOPES) -> Iterator[httpx.Client]:
        """Lend a client that has signed in with a name and a password."""
        People(self.store).create(name, PASSWORD, scopes)
        with self.client(None) as client:
            assert self.form(client, name=name, password=PASSWORD).status_code == 303
            yield client


@contextmanager
def running(settings: Settings) -> Iterator[Web]:
    """Run a server for as long as this lasts."""
    listening = listen("127.0.0.1", 0)
    app = create_app(settings)
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", server_header=False))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        yield Web(app, settings.store, f"http://127.0.0.1:{listening.getsockname()[1]}")
    finally:
        server.should_exit = True
        thread.join()
        listening.close()
