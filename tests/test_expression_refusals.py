"""Expressions over columns: what is refused, and what is said instead."""

import contextlib

import ibis
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.expression import compile_filter, compile_value
from regulars.errors import ExpressionError

SCHEMA = {
    "customer_id": "string",
    "segment": "string",
    "clv": "float64",
    "frequency": "int64",
    "consent": "boolean",
    "next_order_date": "date",
    "scored_at": "timestamp('UTC')",
    "reasons": "array<string>",
}


@pytest.fixture(scope="module")
def scores():
    return ibis.table(SCHEMA, name="scores")


ATTACKS = [
    "1; DROP TABLE x",
    "clv > 1; clv > 2",
    ";",
    "read_csv('/etc/passwd')",
    "clv > (select 1)",
    "(select 1)",
    "select 1",
    "clv in (select clv from scores)",
    "exists (select 1)",
    "segment = '' OR 1=1 --",
    "clv > 1 /* and segment = 'Lost' */",
    "clv /**/ > 1",
    "clv > 1 union select 1",
    "getenv('HOME') = 'x'",
    "pg_sleep(10)",
    "abs(clv) > 1",
    "@clv > 1",
    "clv::text = '1'",
    "cast(clv as text) = '1'",
    "try_cast(segment as int) > 1",
    "date '2026-01-01' < next_order_date",
    "interval 3 day",
    "case when clv > 1 then true end",
    "scores.clv > 1",
    "main.scores.clv > 1",
    "*",
    "columns(*) > 1",
    "clv[1] > 1",
    "[1, 2]",
    "{'a': 1}",
    "clv > $1",
    "clv > ?",
    "clv > :x",
    "segment || 'x' = 'y'",
    "segment ~ 'x'",
    "segment similar to 'x'",
    "segment like any ('x')",
    "segment like 'x' escape '!'",
    "clv % 2 = 1",
    "clv // 2 = 1",
    "clv ** 2 = 1",
    "clv & 1 = 1",
    "clv between symmetric 1 and 2",
    "clv is distinct from 1",
    "clv > 1 as filter",
    "clv > 1 collate nocase",
    "clv at time zone 'UTC'",
    "x -> x + 1",
    "clv := 1",
    "if(clv > 1, true, false)",
    "if > 1",
    "install httpfs",
    "copy scores to 'x'",
    "attach 'x'",
    "segment = e'\\x41'",
    "segment = $$x$$",
    "clv = 0x1F",
    "clv > 1 garbage",
    "clv >",
    "and",
    "else",
    "clv > else",
    "end",
    "(clv > 1",
    "clv > 1)",
    "segment = 'x",
    'segment = "x',
    "",
    "   ",
    "\x00",
]


@pytest.mark.parametrize("text", ATTACKS)
def test_whatever_is_not_in_the_grammar_is_refused(scores, text):
    with pytest.raises(ExpressionError):
        compile_filter(text, scores)
    with pytest.raises(ExpressionError):
        compile_value(text, scores)


@pytest.mark.parametrize(
    "text", ["clv > 1", "clv = 1", "consent and consent", "not consent", "clv is null", "clv in (1)", "'text'", "true"]
)
def test_a_mapping_knows_arithmetic_only(scores, text):
    with pytest.raises(ExpressionError, match="is not allowed"):
        compile_value(text, scores)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("segment > 1", "'1' is a number and is compared with text"),
        ("clv = '1'", "\"'1'\" is text and is compared with a number"),
        ("segment = true", "'TRUE' is true or false and is compared with text"),
        ("clv in (1, 'x')", "compared with a number"),
        ("clv between 1 and 'x'", "compared with a number"),
        ("next_order_date > 2026-11-21", "is a number and is compared with a date"),
        ("next_order_date > 'soon'", "'soon' is not a date such as '2026-11-21'"),
        ("next_order_date > '2026-02-30'", "is not a date"),
        ("scored_at > 'soon'", "is not a date"),
        ("next_order_date < scored_at", "is a timestamp and is compared with a date"),
        ("clv > 1 > segment", "compared with true or false"),
        ("clv", "'clv' is a number where true or false is needed"),
        ("clv and consent", "'clv' is a number where true or false is needed"),
        ("not segment", "'segment' is text where true or false is needed"),
        ("segment + 1 > 2", "'segment' is text, and arithmetic needs numbers"),
        ("-next_order_date > 1", "'next_order_date' is a date, and arithmetic needs numbers"),
        ("clv like '1%'", "is not a text column"),
        ("segment like segment", "'pattern%' in single quotes"),
        ("reasons = 'far away'", "'reasons' holds array<string>, which cannot be compared"),
        ("clv = null", "NULL stands only in IS NULL"),
        ("clv in (1, null)", "NULL stands only in IS NULL"),
        ("clv is true", "IS stands only before NULL"),
        ("clv in ()", "IN needs at least one value"),
        ("clv > 1e999", "is not a number that can be stored"),
    ],
)
def test_a_refusal_says_what_does_not_fit(scores, text, problem):
    with pytest.raises(ExpressionError) as caught:
        compile_filter(text, scores)
    assert problem in str(caught.value)


def test_a_refusal_shows_the_part_the_whole_what_is_allowed_and_the_columns(scores):
    with pytest.raises(ExpressionError) as caught:
        compile_filter("clv > 1 and read_csv('/etc/passwd')", scores)
    message = str(caught.value)
    assert "READ_CSV('/etc/passwd')" in message
    assert "clv > 1 and read_csv" in message
    assert "Allowed: = != <" in message
    assert ", ".join(SCHEMA) in message


def test_an_unknown_column_is_answered_with_the_nearest_and_all(scores):
    with pytest.raises(ExpressionError) as caught:
        compile_filter("frequncy > 1", scores)
    assert "There is no column 'frequncy'. Did you mean 'frequency'?" in str(caught.value)
    assert ", ".join(SCHEMA) in str(caught.value)


@pytest.mark.parametrize("text", ['segment = "At Risk"', "segment = \u2018Lost\u2019"])
def test_text_in_other_quotes_is_answered_with_the_right_ones(scores, text):
    with pytest.raises(ExpressionError, match="straight single quotes"):
        compile_filter(text, scores)


def test_a_name_with_a_space_is_answered_with_double_quotes():
    log = ibis.table({"Customer ID": "string", "Quantity": "string"}, name="log")
    with pytest.raises(ExpressionError, match=r"double quotes\. Did you mean 'Customer ID'"):
        compile_value("customer id", log)


@pytest.mark.parametrize(
    "text",
    [
        "clv > 1" + " " * 10_000,
        "(" * 4_000 + "clv" + ")" * 4_000 + " > 1",
        "(" * 21 + "clv" + ")" * 21 + " > 1",
        "[" * 9_000,
        "not " * 2_000 + "consent",
        "- " * 4_000 + "clv > 1",
        "clv" + " + 1" * 2_000 + " > 1",
        "consent" + " or consent" * 800,
        "x(" * 3_000,
        "case when " * 900,
        "interval " * 1_000,
        "clv > " + "clv / (" * 5 + "1" + ")" * 5,
    ],
    ids=lambda text: f"{text[:12]}…",
)
def test_what_is_too_long_or_too_deep_is_refused_and_breaks_nothing(scores, text):
    with pytest.raises(ExpressionError):
        compile_filter(text, scores)


SYMBOLS = [*"()+-*/=<>!,.;'\"`@$?:[]{}|~%&", "--", "/*", "::", "->"]
KEYWORDS = ["AND", "NOT", "IN", "IS", "NULL", "LIKE", "select", "from", "case", "cast", "as", "if", "any", "interval"]
WORDS = st.sampled_from(["clv", "segment", "'x'", "7", "date", *SYMBOLS, *KEYWORDS])


@settings(max_examples=300, deadline=None)
@given(st.lists(WORDS, max_size=12).map(" ".join) | st.text(max_size=30))
def test_no_text_at_all_raises_anything_else(scores, text):
    for compiled in (compile_filter, compile_value):
        with contextlib.suppress(ExpressionError):
            compiled(text, scores)
