"""Google Customer Match: e-mail, telephone and names hashed, country and postcode plain, and a value.

Headers, and what is hashed and what is not: https://support.google.com/google-ads/answer/7659867 . How addresses and
numbers are written before they are hashed (lower case, no spaces, in Gmail's domains neither dots nor plus suffix,
numbers in E.164): https://developers.google.com/data-manager/api/devguides/concepts/formatting . The upload form
matches by the first six columns; `Value` is for the roads that take one (`UserAttribute.lifetime_value_micros`,
https://developers.google.com/google-ads/api/reference/rpc/latest/UserAttribute ).
"""

import re

from serving.exports.audience import Field, Platform
from serving.exports.identity import country_code, email, gmail, hashed, is_hash, phone


def google_email(text: str, region: str | None = None) -> str:
    """Return the hash of an e-mail address; nothing where it is none."""
    if is_hash(text):
        return hashed(text)
    address = email(text)
    address = gmail(address) if address else ""
    return hashed(address) if address else ""


def google_phone(text: str, region: str | None = None) -> str:
    """Return the hash of a telephone number in E.164, its plus included; nothing where it is none."""
    number = text if is_hash(text) else phone(text, region)
    return hashed(number) if number else ""


def google_name(text: str, region: str | None = None) -> str:
    """Return the hash of a first or last name in lower case, without space around it."""
    return hashed(text.strip().lower())


def google_country(text: str, region: str | None = None) -> str:
    """Return the two letters of a country, plain."""
    return country_code(text)


def google_zip(text: str, region: str | None = None) -> str:
    """Return a postcode, plain: as it is, in the United States five digits and, where known, the four that follow."""
    code = " ".join(text.split()).upper()
    if region != "US":
        return code
    digits = re.match(r"(\d{5})(?:-?(\d{4}))?$", code)
    return "-".join(part for part in digits.groups() if part) if digits else code


GOOGLE = Platform(
    "Google Customer Match",
    (
        Field("Email", "email", google_email),
        Field("Phone", "phone", google_phone),
        Field("First Name", "first_name", google_name),
        Field("Last Name", "last_name", google_name),
        Field("Country", "country", google_country),
        Field("Zip", "zip", google_zip),
    ),
    (frozenset({"email"}), frozenset({"phone"}), frozenset({"first_name", "last_name", "country", "zip"})),
    value="Value",
)
