"""Sessions: who is signed in, in a signed cookie that a revoked token or a new password makes worthless."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import Response
from itsdangerous import BadData, URLSafeTimedSerializer

from serving.storage.service import service
from serving.web.settings import Settings

COOKIE = "regulars_session"
VISIT = "regulars_visit"
"""Names of the cookies: of somebody signed in, and of somebody about to."""


@dataclass(frozen=True)
class Session:
    """What the cookie says.

    Attributes
    ----------
    id
        Random: what forms are bound to, and what signing out ends.
    kind
        How the session began: "person" or "token".
    name
        Of the person or the token.
    proof
        Fingerprint of the hash of the password or token it began with.
    """

    id: str
    kind: str
    name: str
    proof: str


def proof_of(stored_hash: str) -> str:
    """Return what a session carries of a credential: it changes with the credential and tells nothing of it."""
    return hashlib.sha256(f"session {stored_hash}".encode()).hexdigest()[:32]


class Sessions:
    """Makes, reads and ends sessions.

    Parameters
    ----------
    settings
        Their secret, their length, and the store in which ended ones are remembered.
    """

    def __init__(self, settings: Settings) -> None:
        self._secret = settings.secret.encode()
        self._folder: Path = settings.store
        self._length = timedelta(hours=settings.limits.session_hours)
        self._signed = URLSafeTimedSerializer(
            settings.secret, salt="regulars session", signer_kwargs={"digest_method": hashlib.sha256}
        )

    def begin(self, response: Response, request: Request, kind: str, name: str, proof: str) -> None:
        """Put the cookie of a new session on a response."""
        fields = {"id": secrets.token_urlsafe(16), "kind": kind, "name": name, "proof": proof}
        _set_cookie(response, request, COOKIE, str(self._signed.dumps(fields)), self._length)
        response.delete_cookie(VISIT, path="/")

    def read(self, request: Request) -> Session | None:
        """Return the session of a request; None where its cookie is missing, forged, too old or was ended."""
        try:
            fields: Any = self._signed.loads(request.cookies[COOKIE], max_age=int(self._length.total_seconds()))
            session = Session(**fields)
        except (KeyError, TypeError, BadData):
            return None
        with service(self._folder) as database:
            ended = database.execute("select 1 from ended_sessions where id = ?", [session.id]).fetchone()
        return None if ended else session

    def end(self, response: Response, request: Request) -> None:
        """Take the cookie away, and make a copy of it worthless."""
        response.delete_cookie(COOKIE, path="/")
        session = self.read(request)
        if session is None:
            return
        now = datetime.now(UTC)
        with service(self._folder) as database:
            database.execute("delete from ended_sessions where until < ?", [now.isoformat()])
            database.execute("insert into ended_sessions values (?, ?)", [session.id, (now + self._length).isoformat()])

    def form_token(self, session: Session) -> str:
        """Return what the forms of a session carry."""
        return self._bound(session.id)

    def visit(self, response: Response, request: Request) -> str:
        """Put a cookie on a response to which the form for signing in is bound, and return what that form carries."""
        visit = request.cookies.get(VISIT) or secrets.token_urlsafe(16)
        _set_cookie(response, request, VISIT, visit, timedelta(hours=1))
        return self._bound(visit)

    def visit_token(self, request: Request) -> str:
        """Return what the form for signing in carries; empty where the request has no cookie of a visit."""
        visit = request.cookies.get(VISIT, "")
        return self._bound(visit) if visit else ""

    def _bound(self, to: str) -> str:
        return hmac.new(self._secret, f"form {to}".encode(), hashlib.sha256).hexdigest()


def _set_cookie(response: Response, request: Request, name: str, value: str, length: timedelta) -> None:
    response.set_cookie(
        name,
        value,
        max_age=int(length.total_seconds()),
        path="/",
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="lax",
    )
