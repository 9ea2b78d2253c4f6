"""The commands of the web: `serve`, and who may use it: `token` and `person`."""

import os
import sys
from datetime import UTC, datetime
from pathlib import Path

from cyclopts import App

from regulars.errors import RegularsError
from regulars.screen import Screen

token = App(name="token", help="Make, list and revoke the tokens with which programs call the API.")
person = App(name="person", help="Let people sign in to the page with a name and a password.")

PASSWORD = "REGULARS_PASSWORD"  # noqa: S105
READING = ("lists:read", "customers:read", "economics:read", "model:read")
EVERYTHING = (*READING, "lists:write")


@token.command(name="create")
def create_token(name: str, *, store: Path, scope: tuple[str, ...], expires: str | None = None) -> None:
    """Make a token and print it, once: it is kept nowhere.

    Parameters
    ----------
    name
        What it is for, such as crm.
    store
        Folder of the store.
    scope
        What it is good for: lists:read, customers:read, economics:read, model:read or lists:write; may be given several
        times.
    expires
        After which time it holds no longer, such as 90d, 12h, 6w or 1y; by default never.
    """
    from serving.web.tokens import Tokens, lifetime_of

    lifetime = lifetime_of(expires) if expires else None
    # Plain, and alone on standard output, so that a script can take it from there.
    sys.stdout.write(Tokens(_known(store)).create(name, scope, lifetime) + "\n")
    until = f"holds for {expires}" if expires else "holds until it is revoked"
    Screen().note(f"This is shown once; it {until}. Send it as: Authorization: Bearer TOKEN")


@token.command(name="list")
def list_tokens(*, store: Path) -> None:
    """Show which tokens there are, without their text, which nobody knows but their holders.

    Parameters
    ----------
    store
        Folder of the store.
    """
    from serving.web.tokens import Tokens

    now = datetime.now(UTC)
    rows = [
        [found.name, found.state(now), " ".join(sorted(found.scopes)), _day(found.created), _day(found.expires)]
        for found in Tokens(_known(store)).all()
    ]
    Screen().table("Tokens", ["name", "state", "scopes", "created", "expires"], rows)


@token.command(name="revoke")
def revoke_token(name: str, *, store: Path) -> None:
    """Make a token worthless at once, and end the sessions that began with it.

    Parameters
    ----------
    name
        Of the token.
    store
        Folder of the store.
    """
    from serving.web.tokens import Tokens

    Tokens(_known(store)).revoke(name)
    Screen().say(f"Token {name!r} holds no longer.")


@person.command(name="create")
def create_person(name: str, *, store: Path, scope: tuple[str, ...] = EVERYTHING) -> None:
    """Let somebody sign in; a name that is there gets a new password, which ends its sessions.

    The password comes from the environment variable REGULARS_PASSWORD, else from a prompt.

    Parameters
    ----------
    name
        With which they sign in.
    store
        Folder of the store.
    scope
        What they may do, as for tokens; by default everything.
    """
    from serving.web.people import People

    People(_known(store)).create(name, _password(), scope)
    Screen().say(f"{name} can sign in.")


@person.command(name="list")
def list_people(*, store: Path) -> None:
    """Show who can sign in.

    Parameters
    ----------
    store
        Folder of the store.
    """
    from serving.web.people import People

    rows = [[found.name, " ".join(sorted(found.scopes)), _day(found.created)] for found in People(_known(store)).all()]
    Screen().table("People", ["name", "scopes", "since"], rows)


@person.command(name="remove")
def remove_person(name: str, *, store: Path) -> None:
    """Let somebody sign in no longer, and end their sessions.

    Parameters
    ----------
    name
        Of the person.
    store
        Folder of the store.
    """
    from serving.web.people import People

    People(_known(store)).remove(name)
    Screen().say(f"{name} can sign in no longer.")


def serve_(
    *, store: Path, host: str = "127.0.0.1", port: int = 8080, currency: str = "", workers: int = 1, quiet: bool = False
) -> None:
    """Serve the page and the API of a store until Ctrl-C.

    Sessions are signed with the environment variable REGULARS_SECRET; without it they end when the server stops.

    Parameters
    ----------
    store
        Folder of the store.
    host
        Address to listen on; by default only this machine reaches it.
    port
        Port to listen on.
    currency
        Stands beside money on pages, such as €.
    workers
        Processes.
    quiet
        Say nothing but errors.
    """
    from regulars.hosting import serve
    from serving.web.people import People
    from serving.web.server import is_loopback
    from serving.web.tokens import Tokens

    screen = Screen(quiet)

    def started(address: str) -> None:
        if not Tokens(store).all() and not People(store).all():
            screen.note(
                f"Nobody can use it yet. For a person: regulars person create NAME --store {store}\n"
                f"For a program: regulars token create NAME --scope lists:read --expires 90d --store {store}"
            )
        if not is_loopback(host):
            screen.note(
                "Others on the network can reach this address, and the connection is not encrypted: put a proxy that "
                "speaks HTTPS in front of it."
            )
        screen.note(f"Serving {store} at {address} (stop with Ctrl-C)", whole=True)

    serve(store, host, port, currency, workers, started)


def _known(store: Path) -> Path:
    if not store.is_dir():
        raise RegularsError(f"{store}: no store is here; `regulars score --store DIR` makes one.")
    return store


def _password() -> str:
    if PASSWORD in os.environ:
        return os.environ[PASSWORD]
    if not sys.stdin.isatty():
        raise RegularsError(f"There is no terminal to ask for the password; set {PASSWORD}.")
    from getpass import getpass

    first = getpass("Password: ")
    if getpass("Again: ") != first:
        raise RegularsError("The two passwords differ; nothing was changed.")
    return first


def _day(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M}" if moment else ""
