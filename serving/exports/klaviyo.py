"""Klaviyo: profiles by e-mail or telephone, the customer's id as external id, and the list's columns as properties.

Headers and forms of a file: https://help.klaviyo.com/hc/en-us/articles/115005078967 (the first column is an e-mail
address or telephone number; other columns become properties of their name). Nothing is hashed: Klaviyo sends to these
addresses. A file of profiles gives nobody's consent.
"""

from serving.exports.audience import Field, Platform
from serving.exports.identity import country_code, email, phone


def _as_it_is(text: str, region: str | None) -> str:
    return text


def _email(text: str, region: str | None) -> str:
    return email(text)


def _country(text: str, region: str | None) -> str:
    return country_code(text) or text


KLAVIYO = Platform(
    "Klaviyo",
    (
        Field("Email", "email", _email),
        Field("Phone Number", "phone", phone),
        Field("First Name", "first_name", _as_it_is),
        Field("Last Name", "last_name", _as_it_is),
        Field("City", "city", _as_it_is),
        Field("State / Region", "state", _as_it_is),
        Field("Zip / Postal Code", "zip", _as_it_is),
        Field("Country", "country", _country),
    ),
    (frozenset({"email"}), frozenset({"phone"})),
    external_id="External ID",
    prefix="regulars_",
)
