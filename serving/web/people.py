"""People: who signs in to the page with a name and a password, kept as a slow, salted hash."""

import base64
import hashlib
import hmac
import secrets
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from regulars.errors import RegularsError
from serving.storage.service import service
from serving.web.scopes import Scopes, checked_scopes
from serving.web.tokens import NAME

COST, BLOCK, LANES = 2**15, 8, 3
"""scrypt's N, r and p: 32 MiB and about 0.2 s a try, one of the settings of
https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html ."""
SHORTEST, LONGEST = 10, 1_024


@dataclass(frozen=True)
class Person:
    """Somebody who may sign in."""

    name: str
    hash: str
    scopes: Scopes
    created: datetime


class People:
    """The people of a store.

    Parameters
    ----------
    folder
        Of the store.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def create(self, name: str, password: str, scopes: Sequence[str]) -> None:
        """Let somebody sign in; who is there already gets this password and these scopes, and has to sign in again.

        Raises
        ------
        RegularsError
            For no proper name, a password too short or too long, or an unknown scope.
        """
        allowed = checked_scopes(scopes)
        if not NAME.fullmatch(name):
            raise RegularsError(f"{name!r} is no name: letters, digits, spaces and . _ @ -, at most 64.")
        if not SHORTEST <= len(password) <= LONGEST:
            raise RegularsError(f"A password has {SHORTEST} to {LONGEST:,} characters, not {len(password):,}.")
        row = (name, hash_password(password), " ".join(sorted(allowed)), datetime.now(UTC).isoformat())
        with service(self.folder) as database:
            database.execute("insert or replace into people values (?, ?, ?, ?)", row)

    def remove(self, name: str) -> None:
        """Let somebody sign in no longer, and end what sessions there are, from the next request on.

        Raises
        ------
        RegularsError
            There is nobody of this name.
        """
        with service(self.folder) as database:
            if not database.execute("delete from people where name = ?", [name]).rowcount:
                raise RegularsError(f"There is nobody called {name!r}; `regulars person list` shows who there is.")

    def all(self) -> list[Person]:
        """Return everybody, by name."""
        with service(self.folder) as database:
            return [_person(row) for row in database.execute("select * from people order by name")]

    def named(self, name: str) -> Person | None:
        """Return somebody by name; None where there is nobody."""
        with service(self.folder) as database:
            row = database.execute("select * from people where name = ?", [name]).fetchone()
        return _person(row) if row else None

    def held(self, name: str, password: str) -> Person | None:
        """Return whose name and password these are; None where they are nobody's."""
        person = self.named(name)
        # Who is not there costs the same time, so that names cannot be found out by the clock.
        known = password_is(password, person.hash if person else _NOBODY)
        return person if known else None


def hash_password(password: str) -> str:
    """Return what is kept of a password: scrypt's settings, a random salt, and the hash."""
    salt = secrets.token_bytes(16)
    found = _scrypt(password, salt, COST, BLOCK, LANES)
    return f"scrypt${COST}${BLOCK}${LANES}${_text(salt)}${_text(found)}"


def password_is(password: str, stored: str) -> bool:
    """Return whether a password is the one of which `hash_password` made this."""
    _, cost, block, lanes, salt, wanted = stored.split("$")
    found = _scrypt(password[:LONGEST], base64.b64decode(salt), int(cost), int(block), int(lanes))
    return hmac.compare_digest(found, base64.b64decode(wanted))


def _scrypt(password: str, salt: bytes, cost: int, block: int, lanes: int) -> bytes:
    room = 2 * 128 * cost * block
    return hashlib.scrypt(password.encode(), salt=salt, n=cost, r=block, p=lanes, maxmem=room, dklen=32)


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


_NOBODY = f"scrypt${COST}${BLOCK}${LANES}${_text(bytes(16))}${_text(bytes(32))}"


def _person(row: sqlite3.Row) -> Person:
    scopes = frozenset(row["scopes"].split())
    return Person(row["name"], row["password_hash"], scopes, datetime.fromisoformat(row["created"]))
