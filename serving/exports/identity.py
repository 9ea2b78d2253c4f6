"""Identities as advertising platforms match them: cleaned, in one form, and hashed."""

import hashlib
import re
from functools import cache
from typing import Any

import phonenumbers

HASH = re.compile(r"[0-9a-fA-F]{64}")
GMAIL = ("gmail.com", "googlemail.com")
SHORT_COUNTRIES = {"uk": "GB", "usa": "US", "u.s.a.": "US", "u.s.": "US", "u.k.": "GB", "eire": "IE", "england": "GB"}


def text_of(value: Any) -> str:
    """Return a cell as text: whole numbers without a decimal point, nothing as nothing."""
    if value is None or value != value:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def is_hash(text: str) -> bool:
    """Return whether a text is a SHA-256 in hexadecimal digits already."""
    return HASH.fullmatch(text) is not None


def hashed(text: str) -> str:
    """Return the SHA-256 of a text in UTF-8, in lower-case hexadecimal digits; of a hash, the hash."""
    return text.lower() if is_hash(text) else hashlib.sha256(text.encode()).hexdigest()


def email(text: str) -> str:
    """Return an e-mail address in lower case without any space; nothing where it is none."""
    address = "".join(text.split()).lower()
    local, at, domain = address.partition("@")
    return address if local and at and "." in domain and "@" not in domain else ""


def gmail(address: str) -> str:
    """Return a cleaned address as Google matches it: in Gmail's domains without dots and plus suffix in front."""
    local, _, domain = address.partition("@")
    if domain not in GMAIL:
        return address
    bare = local.partition("+")[0].replace(".", "")
    return f"{bare}@{domain}" if bare else ""


def phone(text: str, region: str | None) -> str:
    """Return a telephone number in E.164, such as +18005550100; nothing where it cannot be one.

    Parameters
    ----------
    text
        As people write it.
    region
        Country, as ISO 3166-1 alpha-2, of numbers without a country code; None: they have one, with or without a plus.
    """
    number = re.sub(r"^\s*00(?=[1-9])", "+", text) if region not in ("US", "CA") else text
    for attempt, country in ((number, region), (f"+{number.lstrip(' +')}", None)):
        try:
            parsed = phonenumbers.parse(attempt, country)
        except phonenumbers.NumberParseException:
            continue
        if phonenumbers.is_possible_number(parsed):
            return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    return ""


def letters(text: str) -> str:
    """Return a text in lower case with nothing but letters and digits of any script."""
    return "".join(letter for letter in text.lower() if letter.isalnum())


def country_code(text: str) -> str:
    """Return the ISO 3166-1 alpha-2 code of a country's code or name, in any language; nothing where it is none."""
    name = " ".join(text.split()).casefold()
    if name in SHORT_COUNTRIES:
        return SHORT_COUNTRIES[name]
    return _countries().get(name, "")


@cache
def _countries() -> dict[str, str]:
    from phonenumbers.geodata.locale import LOCALE_DATA

    found: dict[str, str] = {}
    for code, names in LOCALE_DATA.items():
        for name in names.values():
            found.setdefault(name.casefold(), code)
    # English names win over homonyms of other languages, codes over names.
    found |= {names["en"].casefold(): code for code, names in LOCALE_DATA.items() if "en" in names}
    return found | {code.casefold(): code for code in LOCALE_DATA if len(code) == 2}
