"""Wording: sentences with a customer's own numbers, written by the engine, row by row."""

import re
from collections.abc import Callable
from typing import Any

import ibis
from ibis.expr import types as ir

FIELD = re.compile(r"\{(\w+)(?::(\w+))?\}")
YEAR_DAYS = 365.25
YEARS = {1: "one year", 2: "two years", 3: "three years", 4: "four years", 5: "five years", 10: "ten years"}


def worded(template: str, customers: ir.Table) -> ir.StringValue:
    """Return a sentence a customer, null where one of its numbers is missing.

    Parameters
    ----------
    template
        Text with fields: ``{column}`` as it is, ``{column:number}`` and ``{column:money}`` as 1,240,
        ``{column:days}`` as 1 day or 140 days, ``{column:percent}`` as 62 %.
    customers
        Has the columns.
    """
    parts: list[Any] = []
    end = 0
    for field in FIELD.finditer(template):
        parts += [ibis.literal(template[end : field.start()]), _FORMS[field[2]](customers[field[1]])]
        end = field.end()
    parts.append(ibis.literal(template[end:]))
    sentence = parts[0]
    for part in parts[1:]:
        sentence = sentence + part
    return sentence


def lifetime_words(days: float | None) -> str:
    """Return a lifetime in words, such as "three years"; "the years ahead" where it is not known."""
    if not days:
        return "the years ahead"
    years = round(days / YEAR_DAYS)
    whole = abs(days / YEAR_DAYS - years) < 0.02
    return YEARS.get(years, f"{years} years") if whole and years else f"{days:,.0f} days"


@ibis.udf.scalar.builtin(name="format", signature=(("string", "int64"), "string"))  # type: ignore[untyped-decorator,unused-ignore]
def _format(form, number):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Return a number in the form that a template of the fmt library gives."""


@ibis.udf.scalar.builtin(name="round_even", signature=(("float64", "int32"), "float64"))  # type: ignore[untyped-decorator,unused-ignore]
def _round_even(number, digits):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Return a number rounded as reasons round it, which Python words: a half to the even one."""


def _whole(value: Any) -> Any:
    return _round_even(value.cast("float64"), 0).cast("int64")


def _number(value: Any) -> Any:
    return _format("{:,}", _whole(value))


def _days(value: Any) -> Any:
    return _number(value) + (_whole(value) == 1).ifelse(" day", " days")


def _percent(value: Any) -> Any:
    return _number(value * 100) + " %"


_FORMS: dict[str | None, Callable[[Any], Any]] = {
    None: lambda value: value.cast("string"),
    "number": _number,
    "money": _number,
    "days": _days,
    "percent": _percent,
}
