"""Expressions over columns as people write them: mappings (`Quantity * Price`) and filters (`clv > 200`).

An Ibis expression is built from the checked tree of the text; the text itself never reaches SQL.
"""

import math
import operator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import ibis
from ibis.expr import types as ir
from sqlglot import exp

from features.expression_tree import FILTERS, VALUES, Written, find_column, parse

_ARITHMETIC: dict[Any, Any] = {exp.Add: operator.add, exp.Sub: operator.sub, exp.Mul: operator.mul}
_COMPARISONS: dict[Any, Any] = {
    exp.EQ: operator.eq,
    exp.NEQ: operator.ne,
    exp.LT: operator.lt,
    exp.LTE: operator.le,
    exp.GT: operator.gt,
    exp.GTE: operator.ge,
}
_INT64_DIGITS = 18


def compile_value(text: str, table: ir.Table) -> ir.Value:
    """Return the value that a mapping asks for: one column, or arithmetic over columns.

    A text that equals a column name exactly is that column, as it is. Otherwise arithmetic is done in float64; text
    columns in it are read as numbers, and what is no number, or is divided by zero, becomes null.

    Raises
    ------
    ExpressionError
        For anything but column names, numbers, ``+ - * /`` and parentheses.
    """
    if text in table.columns:
        return table[find_column(text, table.columns)]
    written = Written(text, table.columns, VALUES)
    return _Builder(written, table).value(parse(written))


def compile_filter(text: str, columns: ir.Table) -> ir.BooleanValue:
    """Return the condition that a filter asks for; as in SQL, rows for which it is null are not selected.

    Raises
    ------
    ExpressionError
        For anything outside the grammar, unknown columns, comparisons of unlike kinds, or no true-or-false result.
    """
    written = Written(text, columns.columns, FILTERS)
    return _Builder(written, columns).condition(parse(written))


def _kind(value: ir.Value) -> str:
    dtype = value.type()
    kinds = {
        "a number": dtype.is_numeric(),
        "text": dtype.is_string(),
        "true or false": dtype.is_boolean(),
        "a date": dtype.is_date(),
        "a timestamp": dtype.is_timestamp(),
    }
    return next((kind for kind, holds in kinds.items() if holds), str(dtype))


def _is_text(node: Any) -> bool:
    return isinstance(node, exp.Literal) and bool(node.is_string)


@dataclass(frozen=True)
class _Builder:
    """Builds the Ibis expression of a checked tree over one table."""

    written: Written
    table: ir.Table

    def value(self, node: Any) -> ir.Value:
        node = node.unnest()
        kind = type(node)
        if kind is exp.Column:
            return self.column(node)
        if kind is exp.Literal:
            return ibis.literal(node.this) if node.is_string else self.literal_number(node.this)
        if kind is exp.Boolean:
            return ibis.literal(node.this)
        if kind is exp.Null:
            raise self.written.refusal("NULL stands only in IS NULL and IS NOT NULL")
        if kind is exp.Neg:
            return -self.number(node.this)
        if kind is exp.Div:
            return self.number(node.this) / self.number(node.expression).nullif(0)
        if kind in _ARITHMETIC:
            return _ARITHMETIC[kind](self.number(node.this), self.number(node.expression))
        return self.predicate(node)

    def column(self, node: Any) -> ir.Value:
        column = self.table[find_column(node.name, self.table.columns)]
        if column.type().is_nested():
            raise self.written.refusal(f"{column.get_name()!r} holds {column.type()}, which cannot be compared")
        return column

    def literal_number(self, digits: str) -> ir.Value:
        try:
            number = float(digits)
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            raise self.written.refusal(f"{digits[:80]!r} is not a number that can be stored")
        return ibis.literal(int(digits) if digits.isdecimal() and len(digits) <= _INT64_DIGITS else number)

    def number(self, node: Any) -> ir.Value:
        value = self.value(node)
        if value.type().is_string() and self.written.grammar is VALUES:
            number = value.try_cast("float64")
            return (number.isnan() | number.isinf()).ifelse(ibis.null("float64"), number)
        if not value.type().is_numeric():
            raise self.written.refusal(f"{node.sql()[:80]!r} is {_kind(value)}, and arithmetic needs numbers")
        return value.cast("float64")

    def condition(self, node: Any) -> ir.BooleanValue:
        value = self.value(node)
        if not value.type().is_boolean():
            raise self.written.refusal(f"{node.sql()[:80]!r} is {_kind(value)} where true or false is needed")
        return value

    def predicate(self, node: Any) -> ir.BooleanValue:
        kind = type(node)
        if kind is exp.Not:
            return ~self.condition(node.this)
        if kind is exp.And:
            return self.condition(node.this) & self.condition(node.expression)
        if kind is exp.Or:
            return self.condition(node.this) | self.condition(node.expression)
        if kind in _COMPARISONS:
            return self.comparison(node)
        value = self.value(node.this)
        if kind is exp.In:
            return self.membership(value, node)
        if kind is exp.Between:
            return value.between(self.beside(value, node.args["low"]), self.beside(value, node.args["high"]))
        if kind is exp.Is:
            return self.is_null(value, node)
        return self.likeness(value, node)

    def comparison(self, node: Any) -> ir.BooleanValue:
        left, right = node.this.unnest(), node.expression.unnest()
        if _is_text(left) and not _is_text(right):
            anchor = self.value(right)
            return _COMPARISONS[type(node)](self.beside(anchor, left), anchor)
        anchor = self.value(left)
        return _COMPARISONS[type(node)](anchor, self.beside(anchor, right))

    def beside(self, anchor: ir.Value, node: Any) -> ir.Value:
        """Return the other side of a comparison: of the same kind, and a date where it stands beside one."""
        node, dtype = node.unnest(), anchor.type()
        if _is_text(node) and (dtype.is_date() or dtype.is_timestamp()):
            return self.moment(node.this, dtype)
        value = self.value(node)
        if _kind(anchor) != _kind(value):
            raise self.written.refusal(
                f"{node.sql()[:80]!r} is {_kind(value)} and is compared with {_kind(anchor)} (numbers stand without "
                "quotes, text and dates in single quotes)"
            )
        return value

    def moment(self, text: str, dtype: Any) -> ir.Value:
        """Return a date or, for timestamps, a moment: in UTC unless the text has an offset of its own."""
        try:
            if dtype.is_date():
                return ibis.literal(date.fromisoformat(text))
            moment = datetime.fromisoformat(text)
        except ValueError:
            raise self.written.refusal(f"{text[:80]!r} is not a date such as '2026-11-21'") from None
        moment = moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
        if dtype.timezone:
            return ibis.literal(moment, type="timestamp('UTC')")
        return ibis.literal(moment.replace(tzinfo=None), type="timestamp")

    def membership(self, value: ir.Value, node: Any) -> ir.BooleanValue:
        if not node.expressions:
            raise self.written.refusal("IN needs at least one value")
        return value.isin([self.beside(value, item) for item in node.expressions])

    def is_null(self, value: ir.Value, node: Any) -> ir.BooleanValue:
        if type(node.expression) is not exp.Null:
            raise self.written.refusal(f"{node.sql()[:80]!r} is not allowed: IS stands only before NULL and NOT NULL")
        return value.isnull()

    def likeness(self, value: ir.Value, node: Any) -> ir.BooleanValue:
        pattern = node.expression.unnest()
        if not (value.type().is_string() and _is_text(pattern)):
            raise self.written.refusal(f"{node.sql()[:80]!r} is not a text column and a 'pattern%' in single quotes")
        return value.like(pattern.this) if type(node) is exp.Like else value.ilike(pattern.this)
