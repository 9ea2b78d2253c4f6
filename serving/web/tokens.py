"""Tokens: credentials of programs, in the store's `service.db` as hashes.

A token is 256 random bits. Nobody can try them all, so a plain SHA-256 hides it as well as a slow, salted hash would,
and costs microseconds at every request; slow hashes are for passwords, which people choose (`serving.web.people`).
"""

import hashlib
import hmac
import re
import secrets
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from regulars.errors import RegularsError
from serving.storage.service import service
from serving.web.scopes import Scopes, checked_scopes

PREFIX = "regulars_"
"""Lets a scanner for leaked secrets, and whoever finds one, know what it is."""
NAME = re.compile(r"[^\W_][\w .@-]{0,63}")
UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1), "y": timedelta(days=365)}


@dataclass(frozen=True)
class Token:
    """One token, without its text, which nobody knows but its holder."""

    name: str
    hash: str
    scopes: Scopes
    created: datetime
    expires: datetime | None
    revoked: datetime | None

    def state(self, now: datetime) -> str:
        """Return "revoked", "expired" or "valid"."""
        if self.revoked is not None:
            return "revoked"
        return "expired" if self.expires is not None and self.expires <= now else "valid"


class Tokens:
    """The tokens of a store.

    Parameters
    ----------
    folder
        Of the store.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def create(self, name: str, scopes: Sequence[str], lifetime: timedelta | None = None) -> str:
        """Make a token and return its text, which is kept nowhere.

        Parameters
        ----------
        name
            Of whom it is for. A name whose token was revoked or is expired may be given again.
        scopes
            What it is good for.
        lifetime
            After which it expires; None: never.

        Raises
        ------
        RegularsError
            For no proper name, an unknown scope, no positive lifetime, or a name whose token is still good.
        """
        allowed, now = checked_scopes(scopes), datetime.now(UTC)
        if not NAME.fullmatch(name):
            raise RegularsError(f"{name!r} is no name for a token: letters, digits, spaces and . _ @ -, at most 64.")
        if lifetime is not None and lifetime <= timedelta():
            raise RegularsError(f"A token lives for a time, and {lifetime} is none.")
        old = self._find("name", name)
        if old is not None and old.state(now) == "valid":
            raise RegularsError(f"There is a token {name!r} already; revoke it first, or choose another name.")
        text = PREFIX + secrets.token_urlsafe(32)
        expires = (now + lifetime).isoformat() if lifetime else None
        row = (name, _hash(text), " ".join(sorted(allowed)), now.isoformat(), expires, None)
        with service(self.folder) as database:
            database.execute("insert or replace into tokens values (?, ?, ?, ?, ?, ?)", row)
        return text

    def revoke(self, name: str) -> None:
        """Make a token worthless, and the sessions that began with it, from the next request on.

        Raises
        ------
        RegularsError
            There is no such token.
        """
        with service(self.folder) as database:
            found = database.execute(
                "update tokens set revoked = coalesce(revoked, ?) where name = ?", [datetime.now(UTC).isoformat(), name]
            )
            if not found.rowcount:
                raise RegularsError(f"There is no token {name!r}; `regulars token list` shows those that there are.")

    def all(self) -> list[Token]:
        """Return every token, by name."""
        with service(self.folder) as database:
            return [_token(row) for row in database.execute("select * from tokens order by name")]

    def held(self, text: str) -> Token | None:
        """Return the token with this text; None where it is unknown, expired or revoked."""
        # Finding the row by its hash takes a time that depends on the hash, from which no token can be guessed; the
        # comparison that decides takes the same time whatever is sent.
        wanted = _hash(text)
        token = self._find("hash", wanted)
        return token if token and hmac.compare_digest(token.hash, wanted) and _is_valid(token) else None

    def named(self, name: str) -> Token | None:
        """Return the token with this name; None where there is none that holds."""
        token = self._find("name", name)
        return token if token and _is_valid(token) else None

    def _find(self, column: str, value: str) -> Token | None:
        queries = {"name": "select * from tokens where name = ?", "hash": "select * from tokens where hash = ?"}
        with service(self.folder) as database:
            row = database.execute(queries[column], [value]).fetchone()
        return _token(row) if row else None


def lifetime_of(text: str) -> timedelta:
    """Return a length of time that is written as 90d, 12h, 6w or 1y.

    Raises
    ------
    RegularsError
        For anything else.
    """
    found = re.fullmatch(r"([1-9][0-9]{0,4})([hdwy])", text.strip())
    if found is None:
        raise RegularsError(f"{text!r} is no length of time: write it as 90d, 12h, 6w or 1y.")
    return int(found[1]) * UNITS[found[2]]


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _is_valid(token: Token) -> bool:
    return token.state(datetime.now(UTC)) == "valid"


def _token(row: sqlite3.Row) -> Token:
    expires, revoked = (datetime.fromisoformat(row[key]) if row[key] else None for key in ("expires", "revoked"))
    scopes = frozenset(row["scopes"].split())
    return Token(row["name"], row["hash"], scopes, datetime.fromisoformat(row["created"]), expires, revoked)
