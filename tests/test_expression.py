"""Expressions over columns: what mappings and filters may say, and what they mean."""

import operator
from datetime import UTC, date, datetime

import ibis
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.expression import compile_filter, compile_value
from regulars.errors import ExpressionError

LOG = pa.table(
    {
        "Customer ID": ["017", "018", "019", "020"],
        "Quantity": ["2", " 3 ", "three", "nan"],
        "Price": [1.5, -2.0, 4.0, 1.0],
        "Items": pa.array([120, 2, 3, 0], pa.int8()),
        "order-id": ["a", "b", "c", "d"],
        "group": [1, 2, 3, 4],
        "if": [1, 2, 3, 4],
        "Day": [date(2026, 1, 1)] * 4,
    }
)
SCORES = pa.table(
    {
        "customer_id": ["c1", "c2", "c3", "c4", "c5", "c6", "c7", "c8"],
        "segment": ["At Risk", "Can't Lose Them", "at risk", None, "", "50% off", "Größe_1", "Lost"],
        "clv": [0.0, 12.5, -3.0, None, 200.0, 200.5, 1e6, 7.0],
        "frequency": pa.array([1, 2, 3, 4, None, 6, 7, 100], pa.int64()),
        "r_score": pa.array([1, 2, 3, 4, 5, 1, 2, None], pa.int8()),
        "consent": [True, False, None, True, False, None, True, True],
        "next_order_date": [date(2026, 11, 20 + day) if day else None for day in range(8)],
        "scored_at": pa.array(
            [datetime(2026, 11, 21, hour, tzinfo=UTC) for hour in range(8)], pa.timestamp("us", "UTC")
        ),
        "reasons": [["far away"]] * 8,
    }
)


@pytest.fixture(scope="module")
def engine():
    connection = ibis.duckdb.connect()
    connection.raw_sql("SET TimeZone = 'Pacific/Auckland'")
    return connection


@pytest.fixture(scope="module")
def log():
    return ibis.memtable(LOG)


@pytest.fixture(scope="module")
def scores():
    return ibis.memtable(SCORES)


def values(engine, text, table) -> list:
    return engine.to_pyarrow(table.select(value=compile_value(text, table)))["value"].to_pylist()


def selected(engine, text, table) -> list[str]:
    return engine.to_pyarrow(table.filter(compile_filter(text, table)).order_by("customer_id"))[
        "customer_id"
    ].to_pylist()


# ---- mappings


@pytest.mark.parametrize("name", LOG.schema.names)
def test_a_text_that_is_a_column_name_is_that_column_as_it_is(engine, log, name):
    assert values(engine, name, log) == LOG[name].to_pylist()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Quantity * Price", [3.0, -6.0, None, None]),
        ("quantity*PRICE", [3.0, -6.0, None, None]),
        ('"Quantity" * `Price`', [3.0, -6.0, None, None]),
        ('"Customer ID" * 1', [17.0, 18.0, 19.0, 20.0]),
        ("`Customer ID` + 0", [17.0, 18.0, 19.0, 20.0]),
        ("-Price", [-1.5, 2.0, -4.0, -1.0]),
        ("- -Price", [1.5, -2.0, 4.0, 1.0]),
        ("-(Price + 1) * 2", [-5.0, 2.0, -10.0, -4.0]),
        ("Price - 1 - 1", [-0.5, -4.0, 2.0, -1.0]),
        ("Price / 2 / 2", [0.375, -0.5, 1.0, 0.25]),
        ("1e1 * .5 * Price", [7.5, -10.0, 20.0, 5.0]),
        ("group + if", [2.0, 4.0, 6.0, 8.0]),
        ('"order-id"', ["a", "b", "c", "d"]),
    ],
)
def test_arithmetic_is_what_it_looks_like(engine, log, text, expected):
    assert values(engine, text, log) == expected


def test_whole_numbers_divide_into_fractions(engine, log):
    assert values(engine, "Items / 16", log) == [7.5, 0.125, 0.1875, 0.0]


def test_division_by_zero_is_null(engine, log):
    assert values(engine, "Price / Items", log) == [1.5 / 120, -1.0, 4.0 / 3, None]
    assert values(engine, "Price / (Items - 3)", log)[2] is None


def test_narrow_integers_do_not_overflow(engine, log):
    assert values(engine, "Items * Items * Items * 100000000", log)[0] == 120.0**3 * 1e8


def test_literals_beyond_64_bits_are_floats(engine, log):
    assert values(engine, "Price * 100000000000000000000", log)[0] == 1.5e20


def test_a_column_named_like_arithmetic_is_meant_before_the_arithmetic(engine):
    table = ibis.memtable(pa.table({"a": [5], "b": [3], "a-b": [99]}))
    assert values(engine, "a-b", table) == [99]
    assert values(engine, "a - b", table) == [2.0]


@pytest.mark.parametrize("name", ["if", "any", "case", "current_date", "date", "timestamp", "order", "value", "left"])
def test_columns_may_be_named_like_keywords(engine, name):
    table = ibis.memtable(pa.table({"customer_id": ["a", "b"], name: [1, 2]}))
    assert values(engine, f"{name} * 2", table) == [2.0, 4.0]
    assert selected(engine, f"{name} > 1", table) == ["b"]


@pytest.mark.parametrize("text", ["price", "Price", "PRICE * 1", "price * 1"])
def test_names_that_differ_in_capitals_only_are_refused_since_engines_mix_them_up(text):
    table = ibis.memtable(pa.table({"Price": [1], "price": [2]}))
    with pytest.raises(ExpressionError, match="'Price' and 'price' differ in capitals only; rename one"):
        compile_value(text, table)


numbers = st.integers(0, 999).map(str) | st.sampled_from(["0.25", "1e3", "12.5"])
arithmetic = st.recursive(
    st.sampled_from(["x", "y", '"net price"']) | numbers,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from("+-*"), inner).map(lambda parts: f"({parts[0]} {parts[1]} {parts[2]})"),
        inner.map(lambda part: f"-({part})"),
    ),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None)
@given(arithmetic)
def test_any_arithmetic_agrees_with_python(engine, text):
    rows = [(1.0, -2.5, 3.0), (0.0, 1e3, 0.5)]
    x, y, net_price = zip(*rows, strict=True)
    table = ibis.memtable(pa.table({"x": x, "y": y, "net price": net_price}))
    plain = text.replace('"net price"', "net_price")
    expected = [eval(plain, {}, dict(zip(("x", "y", "net_price"), map(float, row), strict=True))) for row in rows]
    assert values(engine, text, table) == pytest.approx(expected)


# ---- filters

OPERATORS = {
    "=": operator.eq,
    "==": operator.eq,
    "!=": operator.ne,
    "<>": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
FRAME = SCORES.drop_columns(["reasons"]).to_pandas(types_mapper=pd.ArrowDtype)
NUMBERS = ["clv", "frequency", "r_score"]
TEXTS = ["At Risk", "Can't Lose Them", "", "lost", "50% off", "';--"]


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def compared(name: str, sign: str, value) -> tuple:
    written = value.isoformat() if isinstance(value, date) else value
    shown = quoted(written) if isinstance(written, str) else str(written)
    return f"{name} {sign} {shown}", lambda frame: OPERATORS[sign](frame[name], value)


def listed(name: str, chosen: list) -> tuple:
    shown = ", ".join(quoted(value) if isinstance(value, str) else str(value) for value in chosen)
    # Unlike SQL, pandas finds a missing value to be in no list.
    return (
        f"{name} IN ({shown})",
        lambda frame: frame[name].isin(chosen).astype("bool[pyarrow]").where(frame[name].notna()),
    )


signs = st.sampled_from(sorted(OPERATORS))
number = st.sampled_from([-3, 0, 2, 5, 12.5, 200, 1e6])
leaves = st.one_of(
    st.builds(compared, st.sampled_from(NUMBERS), signs, number),
    st.builds(compared, st.just("segment"), signs, st.sampled_from(TEXTS)),
    st.builds(compared, st.just("next_order_date"), signs, st.dates(date(2026, 11, 20), date(2026, 11, 28))),
    st.builds(listed, st.sampled_from(NUMBERS), st.lists(number, min_size=1, max_size=3)),
    st.builds(listed, st.just("segment"), st.lists(st.sampled_from(TEXTS), min_size=1, max_size=3)),
    st.builds(
        lambda name, low, high: (
            f"{name} BETWEEN {low} AND {high}",
            lambda frame: (frame[name] >= low) & (frame[name] <= high),
        ),
        st.sampled_from(NUMBERS),
        number,
        number,
    ),
    st.sampled_from(FRAME.columns.tolist()).map(lambda name: (f"{name} IS NULL", lambda frame: frame[name].isna())),
    st.sampled_from(FRAME.columns.tolist()).map(
        lambda name: (f"{name} IS NOT NULL", lambda frame: frame[name].notna())
    ),
    st.just(("consent", lambda frame: frame["consent"])),
    st.just(("clv / frequency > 2", lambda frame: frame["clv"] / frame["frequency"] > 2)),
    st.just(("clv - 2 * r_score <= 5", lambda frame: frame["clv"] - 2 * frame["r_score"] <= 5)),
)
filters = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(
            lambda pair: (f"({pair[0][0]}) AND ({pair[1][0]})", lambda frame: pair[0][1](frame) & pair[1][1](frame))
        ),
        st.tuples(inner, inner).map(
            lambda pair: (f"({pair[0][0]}) or ({pair[1][0]})", lambda frame: pair[0][1](frame) | pair[1][1](frame))
        ),
        inner.map(lambda one: (f"NOT ({one[0]})", lambda frame: ~one[1](frame))),
    ),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None)
@given(filters)
def test_any_filter_selects_what_pandas_selects(engine, scores, written):
    text, condition = written
    chosen = condition(FRAME).astype("bool[pyarrow]").fillna(False)
    assert selected(engine, text, scores) == FRAME["customer_id"][chosen].tolist()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("clv > 100 and segment = '50% off' or frequency = 1", ["c1", "c6"]),
        ("segment = 'Can''t Lose Them'", ["c2"]),
        ("SEGMENT LIKE 'At%'", ["c1"]),
        ("segment ilike 'AT%'", ["c1", "c3"]),
        ("segment not like '%s%'", ["c5", "c6", "c7"]),
        ("segment like 'Gr__e%'", ["c7"]),
        ("segment not in ('At Risk', 'Lost', '')", ["c2", "c3", "c6", "c7"]),
        ("clv not between 0 and 1000", ["c3", "c7"]),
        ("not consent", ["c2", "c5"]),
        ("consent = false", ["c2", "c5"]),
        ("consent != true and clv > 0", ["c2", "c5"]),
        ("true and r_score = 5", ["c5"]),
        ("clv < -1", ["c3"]),
        ("clv in (-3, 7)", ["c3", "c8"]),
        ("100 < clv", ["c5", "c6", "c7"]),
        ("clv > frequency * 10 + r_score", ["c6", "c7"]),
        ("next_order_date < '2026-11-23'", ["c2", "c3"]),
        ("'2026-11-26' <= next_order_date", ["c7", "c8"]),
        ("next_order_date between '2026-11-21' and '2026-11-22'", ["c2", "c3"]),
        ("next_order_date in ('2026-11-21', '2030-01-01')", ["c2"]),
        ("scored_at >= '2026-11-21 06:00'", ["c7", "c8"]),
        ("scored_at < '2026-11-21T02:00:00+01:00'", ["c1"]),
        ("scored_at < '2026-11-21'", []),
    ],
)
def test_filters_mean_what_they_say(engine, scores, text, expected):
    assert selected(engine, text, scores) == expected


def test_timestamps_without_a_zone_are_compared_as_utc(engine):
    table = ibis.memtable(
        pa.table({"customer_id": ["a", "b"], "seen": [datetime(2026, 1, 1, 5), datetime(2026, 1, 1, 7)]})
    )
    assert selected(engine, "seen > '2026-01-01 06:00'", table) == ["b"]
    assert selected(engine, "seen > '2026-01-01 06:00-02:00'", table) == []


@given(text=st.text(max_size=20).filter(lambda text: "\x00" not in text))
@settings(max_examples=40, deadline=None)
def test_any_text_can_be_looked_for_and_finds_itself_only(engine, text):
    table = ibis.memtable(pa.table({"customer_id": [text, text + "x"]}))
    assert selected(engine, f"customer_id = {quoted(text)}", table) == [text]


@pytest.mark.parametrize(
    "text",
    [
        "(" * 20 + "clv" + ")" * 20 + " > 1000",
        "not " * 40 + "clv > 1000",
        "clv" + " / 1" * 45 + " > 1000",
        "clv > 1000" + " or clv > 1000" * 45,
        f"clv > 1000 and customer_id in ({', '.join(['c7'] * 900)!r})".replace("c7, ", "c7', '"),
    ],
    ids=lambda text: f"{text[:12]}…",
)
def test_what_is_just_within_the_limits_runs(engine, scores, text):
    assert selected(engine, text, scores) == ["c7"]
