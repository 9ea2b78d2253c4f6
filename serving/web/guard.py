"""The guard around everything: bodies of bounded size, safe headers on every response, no traceback to anybody."""

import logging
from collections.abc import MutableMapping
from http import HTTPStatus
from typing import Any

from fastapi import Request
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.web.problems import problem

LOG = logging.getLogger("regulars")
HEADERS = {
    # Nothing from elsewhere, nothing inline, no frame around it.
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; "
        "manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
FRESH = {"cache-control": "no-store"}
"""Unless a route says otherwise: what is about customers is kept by no proxy and on no disk."""
HTTPS = {"strict-transport-security": "max-age=31536000"}


class Guard:
    """ASGI middleware.

    Parameters
    ----------
    app
        What answers.
    body_bytes
        Largest body.
    """

    def __init__(self, app: ASGIApp, body_bytes: int) -> None:
        self.app, self.body_bytes = app, body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False

        async def send_guarded(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                _add_headers(message, scope)
            await send(message)

        try:
            body = await _read(receive, self.body_bytes)
            if body is None:
                detail = f"The body is larger than {self.body_bytes:,} bytes."
                await problem(Request(scope), 413, detail, {"Connection": "close"})(scope, receive, send_guarded)
                return
            await self.app(scope, _again(body, receive), send_guarded)
        except Exception:
            LOG.exception("%s %s", scope["method"], scope["path"])
            if started:
                raise
            detail = "A defect of this server; its log says more."
            await problem(Request(scope), HTTPStatus.INTERNAL_SERVER_ERROR, detail)(scope, receive, send_guarded)


def _add_headers(message: MutableMapping[str, Any], scope: Scope) -> None:
    headers = MutableHeaders(scope=message)
    for name, value in (HEADERS | FRESH | (HTTPS if scope["scheme"] == "https" else {})).items():
        headers.setdefault(name, value)


async def _read(receive: Receive, most: int) -> list[Message] | None:
    # All of it before anything is done with it: it is small, and a body that grows too large is refused as a whole.
    messages, size = [], 0
    while True:
        message = await receive()
        messages.append(message)
        size += len(message.get("body", b""))
        if size > most:
            return None
        if message["type"] != "http.request" or not message.get("more_body", False):
            return messages


def _again(messages: list[Message], receive: Receive) -> Receive:
    read = iter(messages)

    async def replay() -> Message:
        return next(read, None) or await receive()

    return replay
