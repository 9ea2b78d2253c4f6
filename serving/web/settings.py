"""What a server is told when it starts: which store, which secret, which limits."""

import secrets
from dataclasses import dataclass, field
from pathlib import Path

from fastapi import Request


@dataclass(frozen=True)
class Limits:
    """What one caller, or everybody who is not known yet, may ask for.

    Attributes
    ----------
    body_bytes
        Largest body of a request: forms only, so it is small.
    page_rows
        Most rows of one page of a list.
    rate_per_second, burst
        Requests of one caller: how many a second in the long run, and how many at once.
    sign_ins_per_minute, sign_in_burst
        Attempts to sign in, of one address and under one name: each costs the server a slow hash, and the guesser time.
    session_hours
        After which a person has to sign in again.
    engine_memory
        Most memory that the cached tables and the queries on them take, as DuckDB writes it. For a moment after a
        scoring there are two of them, the one that answers and the one that is being loaded.
    """

    body_bytes: int = 65_536
    page_rows: int = 1_000
    rate_per_second: float = 20.0
    burst: int = 100
    sign_ins_per_minute: float = 6.0
    sign_in_burst: int = 5
    session_hours: float = 12.0
    engine_memory: str = "400MB"


@dataclass(frozen=True)
class Settings:
    """One server.

    Attributes
    ----------
    store
        Folder of the store.
    secret
        Signs sessions and forms; random by default, so that a new start ends all sessions.
    currency
        Stands beside money on pages, such as "€".
    limits
        See `Limits`.
    """

    store: Path
    secret: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    currency: str = ""
    limits: Limits = field(default_factory=Limits)


def settings_of(request: Request) -> Settings:
    """Return the settings of the server that answers a request."""
    settings: Settings = request.app.state.settings
    return settings
