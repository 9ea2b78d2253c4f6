"""Access: who calls, with which credential, and what it is good for."""

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import quote

from fastapi import HTTPException, Request, Security
from fastapi.security import APIKeyCookie, HTTPAuthorizationCredentials, HTTPBearer
from markupsafe import Markup

from serving.web.limits import RateLimits
from serving.web.people import People
from serving.web.sessions import COOKIE, Sessions, proof_of
from serving.web.tokens import Tokens

SIGN_IN = "/sign-in"
BEARER = HTTPBearer(auto_error=False, scheme_name="token", description="A token of `regulars token create`.")
SESSION = APIKeyCookie(
    name=COOKIE, auto_error=False, scheme_name="session", description="The cookie of who is signed in to the page."
)


@dataclass(frozen=True)
class Caller:
    """Who calls.

    Attributes
    ----------
    name
        Of the person or token.
    scopes
        What the credential is good for.
    csrf
        What forms have to carry; empty for a bearer token, which no browser sends by itself.
    kind
        "person" or "token".
    """

    name: str
    scopes: frozenset[str]
    csrf: str = ""
    kind: str = "token"

    @property
    def who(self) -> str:
        """The caller as the audit log names it."""
        return f"{self.kind} {self.name}"


def known_caller(request: Request) -> Caller | None:
    """Return who calls, whatever the scopes; None without a credential that holds."""
    if not hasattr(request.state, "caller"):
        # Looked up once a request, however many ask.
        request.state.caller = _caller(request)
    found: Caller | None = request.state.caller
    return found


def _caller(request: Request) -> Caller | None:
    text = _bearer(request)
    if text is None:
        return _signed_in(request)
    # A wrong token is an error even where a cookie would do: whoever sends one means it.
    tokens: Tokens = request.app.state.tokens
    token = tokens.held(text)
    return Caller(token.name, token.scopes) if token else None


def _bearer(request: Request) -> str | None:
    # Other schemes are not for this server: a proxy in front of it may ask for a password of its own.
    scheme, _, text = request.headers.get("authorization", "").partition(" ")
    return text.strip() if scheme.casefold() == "bearer" else None


def _signed_in(request: Request) -> Caller | None:
    sessions: Sessions = request.app.state.sessions
    session = sessions.read(request)
    if session is None:
        return None
    holders: Tokens | People = request.app.state.tokens if session.kind == "token" else request.app.state.people
    holder = holders.named(session.name)
    if holder is None or not hmac.compare_digest(proof_of(holder.hash), session.proof):
        return None
    return Caller(holder.name, holder.scopes, sessions.form_token(session), session.kind)


def caller(scope: str | None) -> Callable[..., Caller]:
    """Return the dependency of a route that answers only to a credential with a scope; None: with any.

    It answers 401 without a credential that holds, 403 without the scope, 429 to a caller who asks too often.
    """

    def check(
        request: Request,
        bearer: Annotated[HTTPAuthorizationCredentials | None, Security(BEARER)],
        session: Annotated[str | None, Security(SESSION)],
    ) -> Caller:
        found = known_caller(request)
        if found is None:
            raise HTTPException(
                401,
                "No credential, or one that is unknown, expired or revoked.",
                {"WWW-Authenticate": 'Bearer realm="regulars"'},
            )
        return _allowed(request, found, scope)

    return check


def page_caller(scope: str | None) -> Callable[..., Caller]:
    """Return the dependency of a page: as `caller`, but who is not signed in is sent to the form for it."""

    def check(request: Request) -> Caller:
        found = known_caller(request)
        if found is None:
            asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
            back = f"?next={quote(asked, safe='')}" if request.method == "GET" and asked != "/" else ""
            raise HTTPException(303, "Sign in first.", {"Location": SIGN_IN + back})
        return _allowed(request, found, scope)

    return check


def _allowed(request: Request, found: Caller, scope: str | None) -> Caller:
    rates: RateLimits = request.app.state.rates
    rates.take(found.who)
    if scope is not None and scope not in found.scopes:
        raise HTTPException(403, f"This credential is not good for {scope}.")
    return found


def csrf_of(request: Request) -> str:
    """Return what the forms of a page have to carry in their field `csrf`."""
    found = known_caller(request)
    if found is not None:
        return found.csrf
    sessions: Sessions = request.app.state.sessions
    return sessions.visit_token(request)


def csrf_field(request: Request) -> Markup:
    """Return the hidden field of a form."""
    return Markup('<input type="hidden" name="csrf" value="{}">').format(csrf_of(request))


async def check_csrf(request: Request) -> None:
    """Refuse a form that no page of this server made for this session; every POST needs it: `Depends(check_csrf)`."""
    if _bearer(request) is not None:
        # No browser sends a bearer token by itself, so there is nobody to be tricked.
        return
    sent, expected = (await request.form()).get("csrf"), csrf_of(request)
    if not expected or not isinstance(sent, str) or not hmac.compare_digest(sent.encode(), expected.encode()):
        raise HTTPException(403, "This form does not come from a page of this server, or is too old: load it again.")


def check_site(request: Request) -> None:
    """Refuse what another site has a browser ask for; a GET that changes something needs it: `Depends(check_site)`."""
    if _bearer(request) is None and request.headers.get("sec-fetch-site") == "cross-site":
        raise HTTPException(403, "Another site led to this download: download the list from its own page.")
