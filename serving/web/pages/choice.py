"""A choice: which customers somebody ticks together in the filter builder, as a filter and in words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any, Protocol

from regulars.errors import ExpressionError
from serving.segments import LOWEST_TIER, TIERS, segment_named
from serving.web.api.asked import LONGEST_FILTER

TIER_NAMES = (*TIERS, LOWEST_TIER)
ORDERS = {
    "clv": "value",
    "expected_spend": "expected spend",
    "churn_probability": "probability of staying away",
    "expected_orders": "expected orders",
    "monetary": "past spend a purchase day",
    "frequency": "past purchase days",
    "recency_days": "days since the last purchase",
}
"""Columns that a list can be ranked by, highest first, and what they are called."""
BOUNDS = {
    "value_min": ("clv", ">=", 1.0, "worth at least {}"),
    "spend_min": ("expected_spend", ">=", 1.0, "expected to spend at least {}"),
    "churn_min": ("churn_probability", ">=", 0.01, "staying away with at least {} %"),
    "churn_max": ("churn_probability", "<=", 0.01, "staying away with at most {} %"),
    "recency_min": ("recency_days", ">=", 1.0, "last purchase at least {} days ago"),
    "recency_max": ("recency_days", "<=", 1.0, "last purchase at most {} days ago"),
    "orders_min": ("frequency", ">=", 1.0, "at least {} purchase days"),
}
"""Fields that hold a number: the column, the comparison, the unit of the field, and the same in words."""
LIKELIEST = 1_000_000_000


class Query(Protocol):
    """What a form sends."""

    def getlist(self, key: Any) -> list[Any]:
        """Return all values of a field."""
        ...


@dataclass(frozen=True)
class Choice:
    """The fields of the filter builder, checked.

    Attributes
    ----------
    segments, tiers, channels
        Any of them; none: all.
    cell
        A cell of the RFM map: r and fm; None: all.
    bounds
        Numbers by field of `BOUNDS`, as they were typed.
    where
        A filter in the filter language, beside the rest.
    by
        Column to rank by, highest first.
    top
        How many at most; None: all.
    """

    segments: tuple[str, ...] = ()
    tiers: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    cell: tuple[int, int] | None = None
    bounds: tuple[tuple[str, float], ...] = ()
    where: str = ""
    by: str = "clv"
    top: int | None = None

    @property
    def filter(self) -> str | None:
        """All but the segments, in the filter language."""
        parts = [f"{column} {sign} {_plain(number * unit)}" for column, sign, unit, number in self._compared()]
        parts += [_among(name, found) for name, found in self._sets() if found]
        if self.cell is not None:
            r, fm = self.cell
            parts.append(f"r_score = {r} and f_score + m_score >= {2 * fm - 1} and f_score + m_score <= {2 * fm}")
        if self.where:
            parts.append(f"({self.where})")
        return " and ".join(parts) or None

    @property
    def definition(self) -> dict[str, Any]:
        """The list as saved lists keep it."""
        return {"segment": list(self.segments), "where": self.filter, "top": self.top, "by": self.by}

    @property
    def fields(self) -> list[tuple[str, str]]:
        """Names and values of the fields, as a form sends them."""
        pairs = [("segment", name) for name in self.segments]
        pairs += [("tier", name) for name in self.tiers] + [("channel", name) for name in self.channels]
        if self.cell is not None:
            pairs += [("r", str(self.cell[0])), ("fm", str(self.cell[1]))]
        pairs += [(field, _plain(number)) for field, number in self.bounds]
        pairs += [("where", self.where)] if self.where else []
        pairs += [("by", self.by)] if self.by != "clv" else []
        return pairs + ([("top", str(self.top))] if self.top is not None else [])

    @property
    def words(self) -> str:
        """The choice in words."""
        parts = [", ".join(self.segments)] if self.segments else []
        parts += [f"value tier {' or '.join(self.tiers)}"] if self.tiers else []
        parts += [f"channel {' or '.join(self.channels)}"] if self.channels else []
        if self.cell is not None:
            parts.append(f"recency score {self.cell[0]}, frequency and spend score {self.cell[1]}")
        parts += [BOUNDS[field][3].format(_plain(number)) for field, number in self.bounds]
        parts += [self.where] if self.where else []
        words = "; ".join(parts) or "all customers"
        return words[:1].upper() + words[1:]

    def _compared(self) -> list[tuple[str, str, float, float]]:
        return [(*BOUNDS[field][:3], number) for field, number in self.bounds]

    def _sets(self) -> list[tuple[str, tuple[str, ...]]]:
        return [("value_tier", self.tiers), ("channel", self.channels)]


def choice_of(query: Query) -> Choice:
    """Read the fields of a form.

    Raises
    ------
    ExpressionError
        For an unknown segment, tier or order, a number that is none, or a filter too long; the message names the field.
    """
    if any("\x00" in str(text) for field in ("channel", "where") for text in query.getlist(field)):
        raise ExpressionError("A filter holds no NUL characters.")
    if len(_first(query, "where")) > LONGEST_FILTER:
        raise ExpressionError(f"A filter has at most {LONGEST_FILTER:,} characters.")
    given = [field for field in BOUNDS if _first(query, field)]
    cell = [_whole(query, name, 5) for name in ("r", "fm")]
    tiers = tuple(_one_of(text, TIER_NAMES, "value tier") for text in query.getlist("tier") if text)
    return Choice(
        tuple(segment_named(text).name for text in query.getlist("segment") if text),
        tiers,
        tuple(str(text) for text in query.getlist("channel") if text),
        (cell[0], cell[1]) if cell[0] is not None and cell[1] is not None else None,
        tuple((field, _number(query, field)) for field in given),
        _first(query, "where"),
        _one_of(_first(query, "by") or "clv", tuple(ORDERS), "order"),
        _whole(query, "top", LIKELIEST),
    )


def _first(query: Query, field: str) -> str:
    return next((str(text).strip() for text in query.getlist(field)), "")


def _one_of(text: str, known: Sequence[str], what: str) -> str:
    if text not in known:
        raise ExpressionError(f"There is no {what} {text!r}; there are {', '.join(known)}.")
    return text


def _number(query: Query, field: str) -> float:
    text = _first(query, field).replace(",", ".")
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if not isfinite(number) or abs(number) >= LIKELIEST:
        raise ExpressionError(f"{FIELDS.get(field, field)} needs a number, and {text[:40]!r} is none.")
    return number


def _whole(query: Query, field: str, most: int) -> int | None:
    text = _first(query, field)
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= len(str(most)) and 1 <= int(text) <= most):
        raise ExpressionError(f"{FIELDS.get(field, field)} needs a whole number from 1, and {text[:40]!r} is none.")
    return int(text)


def _plain(number: float) -> str:
    """Return a number in digits alone: the filter language reads no exponents as people write them."""
    return f"{number:.6f}".rstrip("0").rstrip(".")


def _among(column: str, texts: Sequence[str]) -> str:
    quoted = ", ".join("'" + text.replace("'", "''") + "'" for text in texts)
    return f"{column} in ({quoted})"


FIELDS: Mapping[str, str] = {
    "value_min": "Value",
    "spend_min": "Expected spend",
    "churn_min": "The lowest probability of staying away",
    "churn_max": "The highest probability of staying away",
    "recency_min": "The fewest days since the last purchase",
    "recency_max": "The most days since the last purchase",
    "orders_min": "Purchase days",
    "top": "The number of customers",
    "r": "The recency score",
    "fm": "The frequency and spend score",
}
"""What messages call the fields."""
