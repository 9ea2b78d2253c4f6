"""Signing in, with a name and a password or with a token, and signing out."""

from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response

from serving.web.access import SIGN_IN, check_csrf, known_caller
from serving.web.limits import RateLimits
from serving.web.people import People
from serving.web.rendering import render
from serving.web.sessions import Sessions, proof_of
from serving.web.tokens import Tokens

HOME = "/"
router = APIRouter(include_in_schema=False)


@router.get(SIGN_IN)
def form(request: Request, next: str = HOME) -> Response:  # noqa: A002
    """Show the form; who is signed in already goes on."""
    if known_caller(request) is not None:
        return RedirectResponse(local(next), 303)
    return _form(request, next)


@router.post(SIGN_IN, dependencies=[Depends(check_csrf)])
def sign_in(
    request: Request,
    name: Annotated[str, Form()] = "",
    password: Annotated[str, Form()] = "",
    token: Annotated[str, Form()] = "",
    next: Annotated[str, Form()] = HOME,  # noqa: A002
) -> Response:
    """Begin a session, or say that nobody is known by these."""
    attempts: RateLimits = request.app.state.attempts
    # By address, so that nobody tries many names; by name, so that nobody tries one from many addresses.
    address = f"address {request.client.host if request.client else ''}"
    attempts.take(address)
    if not token:
        attempts.take(f"name {name}")
    tokens: Tokens = request.app.state.tokens
    people: People = request.app.state.people
    holder = tokens.held(token.strip()) if token else people.held(name, password)
    if holder is None:
        return _form(request, next, "That token does not hold." if token else "Name and password do not match.", 401)
    # Many may sign in from one address; what was guessed from there before still counts.
    attempts.give_back(address)
    if not token:
        attempts.forget(f"name {name}")
    response = RedirectResponse(local(next), 303)
    sessions: Sessions = request.app.state.sessions
    sessions.begin(response, request, "token" if token else "person", holder.name, proof_of(holder.hash))
    return response


@router.post("/sign-out", dependencies=[Depends(check_csrf)])
def sign_out(request: Request) -> Response:
    """End the session, also for whoever holds a copy of its cookie."""
    response = RedirectResponse(SIGN_IN, 303)
    sessions: Sessions = request.app.state.sessions
    sessions.end(response, request)
    return response


def local(path: str) -> str:
    r"""Return a path of this server, or the first page where it leads elsewhere.

    Browsers take ``//host`` and ``/\host`` for other hosts, and skip tabs and line ends within.
    """
    try:
        parts = urlsplit(path)
    except ValueError:
        return HOME
    is_plain = path.isprintable() and "\\" not in path and not path.startswith("//")
    return path if is_plain and path.startswith("/") and not parts.scheme and not parts.netloc else HOME


def _form(request: Request, next: str, problem: str = "", status: int = 200) -> Response:  # noqa: A002
    sessions: Sessions = request.app.state.sessions
    kept = Response()
    csrf = sessions.visit(kept, request)
    page = render(request, "sign_in.html", status, csrf=csrf, next=local(next), problem=problem)
    page.raw_headers.extend(header for header in kept.raw_headers if header[0] == b"set-cookie")
    return page
