"""The verb `serve`: the page and the API of a store, until somebody stops it."""

import os
from collections.abc import Callable
from pathlib import Path

from regulars.errors import RegularsError
from serving.store import Store
from serving.web.app import Limits, Settings
from serving.web.server import listen
from serving.web.server import serve as run

SECRET = "REGULARS_SECRET"  # noqa: S105
SHORTEST_SECRET = 32
HOST, PORT = "127.0.0.1", 8080


def serve(
    store: str | Path,
    host: str = HOST,
    port: int = PORT,
    currency: str = "",
    workers: int = 1,
    started: Callable[[str], None] = lambda address: None,
) -> None:
    """Serve the page and the API of a store until the process is told to stop.

    Sessions are signed with the environment variable REGULARS_SECRET; without it they end when the server stops.

    Parameters
    ----------
    store
        Folder of the store.
    host, port
        Address to listen on; by default only this machine reaches it.
    currency
        Stands beside money on pages, such as €.
    workers
        Processes; each keeps the store at hand, and counts how often a caller asks.
    started
        Called with the address once it is taken.

    Raises
    ------
    RegularsError
        There is no store, the address cannot be listened on, or the secret is too short.
    """
    if workers < 1:
        raise RegularsError(f"A server needs at least one worker, not {workers}.")
    limits, folder = Limits(), Path(store)
    secret = _secret()
    settings = Settings(folder, secret, currency, limits) if secret else Settings(folder, currency=currency)
    # Says what is wrong where there is no store.
    Store(folder).held()
    with listen(host, port) as listening:
        taken, port = listening.getsockname()[:2]
        started(f"http://[{taken}]:{port}" if ":" in taken else f"http://{taken}:{port}")
        run(settings, listening, workers)


def _secret() -> str:
    secret = os.environ.get(SECRET, "")
    if secret and len(secret) < SHORTEST_SECRET:
        raise RegularsError(
            f"{SECRET} has fewer than {SHORTEST_SECRET} characters, and who guesses it is anybody. Make one with: "
            'python -c "import secrets; print(secrets.token_urlsafe(32))"'
        )
    return secret
