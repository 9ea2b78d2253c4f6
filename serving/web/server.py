"""The server: one address, one or several processes, until somebody stops it."""

import contextlib
import ipaddress
import json
import os
import socket
from dataclasses import asdict
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI
from uvicorn.supervisors import Multiprocess

from regulars.errors import RegularsError
from serving.web.app import Limits, Settings, create_app

HANDED_ON = "REGULARS_SERVER_SETTINGS"
"""Environment variable in which the settings, the secret among them, reach the worker processes."""
MOST_AT_ONCE = 500
"""Connections; more are answered 503 at once rather than late."""


def listen(host: str, port: int) -> socket.socket:
    """Take an address.

    Raises
    ------
    RegularsError
        It is taken, or none of this machine's.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=2_048)
    except (OSError, OverflowError) as error:
        raise RegularsError(
            f"{host}:{port} cannot be listened on ({error}); stop what holds it, or choose another with --port."
        ) from error


def is_loopback(host: str) -> bool:
    """Return whether only this machine reaches an address."""
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost"


def serve(settings: Settings, listening: socket.socket, workers: int = 1) -> None:
    """Answer until the process is told to stop, then finish what has begun.

    Parameters
    ----------
    settings
        Of the server.
    listening
        The address, of `listen`.
    workers
        Processes. Each has its own cache of the store and its own count of how often a caller has asked.
    """
    if workers == 1:
        server = uvicorn.Server(_config(create_app(settings)))
        # Ctrl-C is how a server is stopped, not an error.
        with contextlib.suppress(KeyboardInterrupt):
            server.run(sockets=[listening])
        return
    os.environ[HANDED_ON] = json.dumps(asdict(settings), default=str)
    config = _config("serving.web.server:handed_on", factory=True, workers=workers)
    Multiprocess(config, sockets=[listening]).run()


def handed_on() -> FastAPI:
    """Return the application of a worker process."""
    found: dict[str, Any] = json.loads(os.environ[HANDED_ON])
    limits = Limits(**found.pop("limits"))
    return create_app(Settings(**{**found, "store": Path(found["store"]), "limits": limits}))


def _config(app: Any, **more: Any) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        log_level="warning",
        server_header=False,
        limit_concurrency=MOST_AT_ONCE,
        timeout_graceful_shutdown=30,
        **more,
    )
