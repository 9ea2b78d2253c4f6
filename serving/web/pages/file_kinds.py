"""Kinds of files that a list can be downloaded as, and who is offered which."""

from collections.abc import Sequence
from dataclasses import dataclass

from serving.listing.personal import identities
from serving.web.pages.visit import Visit

PERSONAL_SCOPE = "customers:read"
"""What a credential has to be good for to take personal data along."""
REACHABLE = ("email", "phone")


@dataclass(frozen=True)
class Kind:
    """What a format is called, its ending, and whether it carries personal data."""

    name: str
    ending: str
    personal: bool = False


KINDS = {
    "csv": Kind("CSV", "csv"),
    "parquet": Kind("Parquet", "parquet"),
    "json": Kind("JSON lines", "jsonl"),
    "google": Kind("Google Customer Match", "csv", personal=True),
    "meta": Kind("Meta customer-value audience", "csv", personal=True),
    "klaviyo": Kind("Klaviyo profiles", "csv", personal=True),
}


def offered(here: Visit, columns: Sequence[str]) -> dict[str, str]:
    """Return the formats, and what they are called, that make sense for these columns and this caller."""
    reachable = any(name in identities(list(columns)) for name in REACHABLE)
    personal = reachable and PERSONAL_SCOPE in here.caller.scopes
    return {name: kind.name for name, kind in KINDS.items() if personal or not kind.personal}
