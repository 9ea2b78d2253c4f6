"""Secrecy: what is said to people repeats no password, whatever they typed where."""

import re

BEFORE_AN_AT = re.compile(r"(://[^:/?#@\s]*):\S*@")
AMONG_OPTIONS = re.compile(r"(?i)(password=)[^&\s'\"\]]+")


def without_passwords(text: str) -> str:
    """Return a text in which the passwords of addresses such as ``postgresql://user:password@host`` are stars."""
    return AMONG_OPTIONS.sub(r"\1***", BEFORE_AN_AT.sub(r"\1:***@", text))
