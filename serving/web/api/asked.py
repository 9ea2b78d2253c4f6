"""What a request asks for: which scores, which customers of them, and which page."""

import re
from datetime import UTC, date, datetime
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, WithJsonSchema

LONGEST_FILTER = 2_000
MOST_DAYS = 3_650
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
# RFC 3339, which is what OpenAPI means by date-time.
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2})")
_DAY_SCHEMA = {"type": "string", "format": "date"}
_SINCE_SCHEMA = {"anyOf": [_DAY_SCHEMA, {"type": "string", "format": "date-time"}]}


def _day(text: Any) -> Any:
    # Pydantic would read a bare number as seconds since 1970.
    if isinstance(text, str) and not _DAY.fullmatch(text):
        raise ValueError("a date is written as 2026-11-21")
    return text


def _since(text: Any) -> Any:
    if not isinstance(text, str) or _DAY.fullmatch(text):
        return date.fromisoformat(text) if isinstance(text, str) else text
    if not _MOMENT.fullmatch(text):
        raise ValueError("a date is written as 2026-11-21, a moment as 2026-11-21T06:00:00Z")
    return datetime.fromisoformat(text.upper()).astimezone(UTC)


Day = Annotated[date, BeforeValidator(_day), WithJsonSchema(_DAY_SCHEMA)]
Since = Annotated[date | datetime, BeforeValidator(_since), WithJsonSchema(_SINCE_SCHEMA)]
Plain = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]*$")]
"""Text without control characters, which no name and no filter has, and on which engines trip."""


class Asked(BaseModel):
    """Which scores are meant; an unknown parameter is an error, so that a slip does not give another answer."""

    model_config = ConfigDict(extra="forbid")

    as_of: Day | None = Field(None, description="As-of date of the scores; by default the newest.")
    horizon: int | None = Field(
        None,
        ge=1,
        le=MOST_DAYS,
        description="Horizon of the scores in days; by default, of several the shortest.",
    )


class AskedSince(Asked):
    """Which scores are meant, and since when."""

    since: Since | None = Field(
        None,
        description="Only what was scored since: a date means as-of dates from then on, a moment (RFC 3339) scores "
        "made after it. An empty answer means that there is nothing newer.",
    )


class CustomerAsked(AskedSince):
    """Which scores of a customer are meant."""

    history: bool = Field(False, description="Scores of all as-of dates, newest first, instead of one.")


class ListAsked(AskedSince):
    """Which customers are meant: a filter, segments and a ranking, for the list `all` only."""

    where: Plain | None = Field(
        None,
        min_length=1,
        max_length=LONGEST_FILTER,
        description="Filter over the columns, for the list `all`: comparisons, AND, OR, NOT, IN, BETWEEN, LIKE, "
        "IS NULL and arithmetic.",
        examples=["clv > 200 and churn_probability < 0.5"],
    )
    segment: list[Plain] = Field(
        default_factory=list, max_length=11, description="Segments, for the list `all`.", examples=[["At Risk"]]
    )
    by: Plain | None = Field(
        None,
        min_length=1,
        max_length=200,
        description="Column of numbers or dates to rank by, highest first, for the list `all`; by default clv.",
        examples=["expected_spend"],
    )
    top: int | None = Field(None, ge=1, le=2**31, description="How many customers at most, for the list `all`.")


class DownloadAsked(ListAsked):
    """Which list is meant, and whether all of it."""

    changes: bool = Field(
        False,
        description="Only customers whose row has changed since this list was last pulled as CSV; not for `all`, of "
        "which no customers are remembered.",
    )


class PageAsked(ListAsked):
    """Which page of a list is meant."""

    limit: int = Field(100, ge=1, le=1_000, description="How many rows a page has.")
    cursor: Plain | None = Field(
        None, max_length=2_000, description="`next` of the page before; it belongs to the same parameters."
    )
