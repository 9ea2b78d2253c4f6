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
    """What a format is called, its ending and media type, and whether it carries personal data."""

    name: str
    ending: str
    media_type: str
    personal: bool = False


CSV = "text/csv; charset=utf-8"
KINDS = {
    "csv": Kind("CSV", "csv", CSV),
    "parquet": Kind("Parquet", "parquet", "application/vnd.apache.parquet"),
    "json": Kind("JSON lines", "jsonl", "application/jsonl"),
    "google": Kind("Google Customer Match", "csv", CSV, personal=True),
    "meta": Kind("Meta customer-value audience", "csv", CSV, personal=True),
    "klaviyo": Kind("Klaviyo profiles", "csv", CSV, personal=True),
}


def offered(here: Visit, columns: Sequence[str]) -> dict[str, str]:
    """Return the formats, and what they are called, that make sense for these columns and this caller."""
    reachable = any(name in identities(list(columns)) for name in REACHABLE)
    personal = reachable and PERSONAL_SCOPE in here.caller.scopes
    return {name: kind.name for name, kind in KINDS.items() if personal or not kind.personal}
