"""From the text of an expression to a checked syntax tree: what may be written, and what is said where it may not."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from sqlglot import exp
from sqlglot.dialects.duckdb import DuckDB
from sqlglot.errors import ParseError, TokenError
from sqlglot.tokens import Token, TokenType

from regulars.errors import ExpressionError

MAX_CHARACTERS = 10_000
MAX_DEPTH = 50
MAX_BRACKETS = 20
MAX_NESTED_DIVISORS = 4  # engines write a divisor guarded against zero twice, so every level doubles the query

_OPENING = {TokenType.L_PAREN, TokenType.L_BRACKET, TokenType.L_BRACE}
_CLOSING = {TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.R_BRACE}

ARITHMETIC = (exp.Add, exp.Sub, exp.Mul)
COMPARISONS = (exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE)


@dataclass(frozen=True)
class Grammar:
    """The nodes that a tree may hold, each with the arguments it may carry, and the same in words."""

    nodes: dict[Any, set[str]]
    words: str


_PAIR = {"this", "expression"}
VALUES = Grammar(
    nodes={
        exp.Column: {"this"},
        exp.Identifier: {"this", "quoted"},
        exp.Literal: {"this"},
        exp.Paren: {"this"},
        exp.Neg: {"this"},
        exp.Div: _PAIR | {"typed", "safe"},
        **dict.fromkeys(ARITHMETIC, _PAIR),
    },
    words='column names (with spaces: in double quotes, "Unit Price"), numbers, + - * / and parentheses',
)
FILTERS = Grammar(
    nodes={
        **VALUES.nodes,
        **dict.fromkeys([*COMPARISONS, exp.And, exp.Or, exp.Like, exp.ILike, exp.Is], _PAIR),
        exp.Literal: {"this", "is_string"},
        exp.Boolean: {"this"},
        exp.Null: set(),
        exp.Not: {"this"},
        exp.In: {"this", "expressions"},
        exp.Between: {"this", "low", "high"},
    },
    words="= != < <= > >= AND OR NOT IN BETWEEN LIKE ILIKE IS NULL + - * / and parentheses over column names (with "
    "spaces: in double quotes), numbers, true, false, and 'text' or '2026-11-21' in single quotes",
)


@dataclass(frozen=True)
class Written:
    """An expression as somebody wrote it, the columns it may name, and the grammar it has to keep to."""

    text: str
    columns: Sequence[str]
    grammar: Grammar

    def refusal(self, problem: str, hint: str = "") -> ExpressionError:
        """Return the error that says what is wrong, in which expression, and what may stand there instead."""
        shown = self.text if len(self.text) <= 200 else f"{self.text[:200]}…"
        columns = ", ".join(self.columns)
        return ExpressionError(
            f"{problem}, in the expression {shown!r}.{hint} Allowed: {self.grammar.words}. Columns: {columns}."
        )


class _ColumnExpressions(DuckDB):  # type: ignore[misc]
    """DuckDB's grammar with names in backticks as well, and without keywords that act as functions, such as IF."""

    class Tokenizer(DuckDB.Tokenizer):  # type: ignore[misc]
        IDENTIFIERS = ('"', "`")

    class Parser(DuckDB.Parser):  # type: ignore[misc]
        NO_PAREN_FUNCTIONS: ClassVar[dict[Any, Any]] = {}
        NO_PAREN_FUNCTION_PARSERS: ClassVar[dict[Any, Any]] = {}


def parse(written: Written) -> Any:
    """Return the sqlglot tree of an expression, of which every node is in the grammar.

    Raises
    ------
    ExpressionError
        For what cannot be read, is not in the grammar, or is too long or too deep to be worked with.
    """
    if len(written.text) > MAX_CHARACTERS:
        raise written.refusal(f"{len(written.text):,} characters are more than {MAX_CHARACTERS:,}")
    dialect = _ColumnExpressions()
    try:
        tokens = dialect.tokenize(written.text)
    except TokenError:
        raise written.refusal("A quotation mark or a comment is opened and not closed") from None
    _check_tokens(tokens, written)
    try:
        tree = dialect.parser().parse_into(exp.Condition, tokens, written.text)[0]
    except ParseError as error:
        near = error.errors[0].get("highlight") or written.text
        hint = f" A name may need double quotes.{did_you_mean(written.text, written.columns)}"
        raise written.refusal(f"Cannot be read at {near[:80]!r}", hint) from None
    except Exception as error:  # the parser gives way to great depth, and to a few keywords in odd places (ELSE)
        raise written.refusal("Cannot be read: nested too deep, or a keyword stands where none can") from error
    _check_tree(tree, written)
    return tree


def _check_tokens(tokens: list[Token], written: Written) -> None:
    # The parser skips comments and splits at semicolons without a word, and gets lost in deep brackets.
    end = depth = 0
    for token in tokens:
        _check_gap(end, token.start, written)
        end = token.end + 1
        if token.token_type is TokenType.SEMICOLON:
            raise written.refusal("';' is not allowed")
        depth += (token.token_type in _OPENING) - (token.token_type in _CLOSING)
        if depth > MAX_BRACKETS:
            raise written.refusal(f"More than {MAX_BRACKETS} brackets within brackets")
    _check_gap(end, len(written.text), written)
    if not tokens:
        raise written.refusal("Nothing is written")


def _check_gap(start: int, end: int, written: Written) -> None:
    if comment := written.text[start:end].strip():
        raise written.refusal(f"The comment {comment[:80]!r} is not allowed")


def _check_tree(tree: Any, written: Written) -> None:
    pending = [(tree, 1, 0)]
    while pending:
        node, depth, divisors = pending.pop()
        if depth > MAX_DEPTH:
            raise written.refusal(f"Nested or chained more than {MAX_DEPTH} deep (long chains of OR: write IN (...))")
        if divisors > MAX_NESTED_DIVISORS:
            raise written.refusal(f"More than {MAX_NESTED_DIVISORS} divisions within divisors")
        arguments = written.grammar.nodes.get(type(node))
        if arguments is None or any(part and name not in arguments for name, part in node.args.items()):
            raise written.refusal(f"{_shown(node)} is not allowed")
        for child in node.iter_expressions():
            is_divisor = type(node) is exp.Div and child.arg_key == "expression"
            pending.append((child, depth + 1, divisors + is_divisor))


def _shown(node: Any) -> str:
    try:
        return repr(node.sql(_ColumnExpressions)[:80])
    except Exception:  # sqlglot reads more than it can write; what it cannot write has a name all the same
        return f"an expression of the kind {type(node).__name__}"


def find_column(name: str, columns: Sequence[str]) -> str:
    """Return the column with this name, in whatever capitals.

    Raises
    ------
    ExpressionError
        Where there is none, or several: engines do not tell names apart that differ in capitals only.
    """
    alike = [column for column in columns if column.casefold() == name.casefold()]
    if len(alike) == 1:
        return alike[0]
    if alike:
        raise ExpressionError(f"Columns {' and '.join(map(repr, alike))} differ in capitals only; rename one.")
    hint = "" if name.isidentifier() else " Text, unlike a name, stands in straight single quotes."
    raise ExpressionError(
        f"There is no column {name!r}.{did_you_mean(name, columns)}{hint} Columns: {', '.join(columns)}."
    )


def did_you_mean(name: str, known: Sequence[str]) -> str:
    """Return `` Did you mean …?`` with up to three known names like this one, or an empty text."""
    folded = {candidate.casefold(): candidate for candidate in known}
    near = difflib.get_close_matches(name.casefold(), folded, n=3, cutoff=0.5)
    return f" Did you mean {' or '.join(repr(folded[match]) for match in near)}?" if near else ""
