"""The filter builder: what its form shows, and how many customers its choice holds."""

from typing import Any

from fastapi import Request

from serving.listing.definition import Definition
from serving.segments import SEGMENTS
from serving.web.charts.numerals import Money, compact
from serving.web.pages.choice import ORDERS, TIER_NAMES, Choice
from serving.web.pages.list_size import Size, size_of
from serving.web.pages.rfm_map import rfm_map
from serving.web.pages.visit import Visit
from serving.web.settings import settings_of


def builder(request: Request, here: Visit, choice: Choice) -> dict[str, Any]:
    """Return what the template of the form needs."""
    cells = here.recall("map", lambda: rfm_map(here.values()))
    sizes = cells.groupby("segment")["customers"].sum()
    channels = here.recall("channels", lambda: _channels(here))
    return {
        "choice": choice,
        "typed": dict(choice.bounds),
        "orders": ORDERS | {"clv": here.value_name},
        "tiers": TIER_NAMES,
        "segment_counts": [(segment.name, int(sizes.get(segment.name, 0))) for segment in SEGMENTS],
        "channels": channels if len(channels) > 1 else [],
        "count_words": in_short(request, here, size_of(here, Definition.of(choice.definition))),
    }


def in_short(request: Request, here: Visit, size: Size) -> str:
    """Return how many customers there are and what they are worth."""
    money = Money(settings_of(request).currency)
    return f"{compact(size.customers)} customers, {here.value_name} {money(size.worth)}"


def _channels(here: Visit) -> list[str]:
    values = here.values()
    if "channel" not in values.columns:
        return []
    return sorted(str(name) for name in values.select("channel").distinct().to_pandas()["channel"].dropna())
