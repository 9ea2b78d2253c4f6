"""Meta customer-value audiences: every identity hashed, and the value plain.

Headers: https://www.facebook.com/business/help/2082575038703844 . How each is written before it is hashed:
https://developers.facebook.com/docs/marketing-api/conversions-api/parameters/customer-information-parameters . Values
are decimal numbers that are not negative:
https://developers.facebook.com/docs/marketing-api/audiences/guides/value-based-lookalike-audiences .
"""

import re

from serving.exports.audience import Clean, Field, Platform
from serving.exports.identity import country_code, email, hashed, is_hash, letters, phone

US_STATES = (
    "alabama:al alaska:ak arizona:az arkansas:ar california:ca colorado:co connecticut:ct delaware:de "
    "districtofcolumbia:dc florida:fl georgia:ga hawaii:hi idaho:id illinois:il indiana:in iowa:ia kansas:ks "
    "kentucky:ky louisiana:la maine:me maryland:md massachusetts:ma michigan:mi minnesota:mn mississippi:ms "
    "missouri:mo montana:mt nebraska:ne nevada:nv newhampshire:nh newjersey:nj newmexico:nm newyork:ny "
    "northcarolina:nc northdakota:nd ohio:oh oklahoma:ok oregon:or pennsylvania:pa rhodeisland:ri "
    "southcarolina:sc southdakota:sd tennessee:tn texas:tx utah:ut vermont:vt virginia:va washington:wa "
    "westvirginia:wv wisconsin:wi wyoming:wy "
)
"""Codes of the American National Standards Institute, as the United States Postal Service has them."""
STATES = dict(pair.split(":") for pair in US_STATES.split())


def _plain(text: str, region: str | None) -> str:
    return email(text)


def _digits(text: str, region: str | None) -> str:
    return phone(text, region).lstrip("+")


def _name(text: str, region: str | None) -> str:
    # Letters of any script, with the spaces between words and without punctuation.
    kept = "".join(letter for letter in text.lower() if letter.isalnum() or letter.isspace())
    return " ".join(kept.split())


def _city(text: str, region: str | None) -> str:
    return letters(text)


def _state(text: str, region: str | None) -> str:
    name = letters(text)
    return STATES.get(name, name) if region in (None, "US") else name


def _zip(text: str, region: str | None) -> str:
    code = re.sub(r"[\s-]", "", text.lower())
    return code[:5] if region == "US" else code


def _country(text: str, region: str | None) -> str:
    return country_code(text).lower()


def _birth_date(text: str, region: str | None) -> str:
    digits = re.sub(r"[^0-9]", "", text)[:8]
    return digits if re.fullmatch(r"(19|20)\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])", digits) else ""


def _hashing(clean: Clean) -> Clean:
    def field(text: str, region: str | None) -> str:
        bare = text if is_hash(text) else clean(text, region)
        return hashed(bare) if bare else ""

    return field


META = Platform(
    "Meta",
    tuple(
        Field(header, identity, _hashing(clean))
        for header, identity, clean in (
            ("email", "email", _plain),
            ("phone", "phone", _digits),
            ("fn", "first_name", _name),
            ("ln", "last_name", _name),
            ("zip", "zip", _zip),
            ("ct", "city", _city),
            ("st", "state", _state),
            ("country", "country", _country),
            ("dob", "birth_date", _birth_date),
        )
    ),
    (frozenset({"email"}), frozenset({"phone"}), frozenset({"first_name", "last_name", "zip"})),
    value="value",
)
