"""Changes: what of a row counts as changed since it was last exported."""

from collections.abc import Sequence
from typing import Any

import ibis
from ibis.expr import types as ir

PASSING = (
    "as_of",
    "horizon_days",
    "model_version",
    "run_id",
    "log_fingerprint",
    "scored_at",
    "recency_days",
    "tenure_days",
    "reasons",
    "reason",
    "payback_months",
)
"""Columns that never count: which scoring it was, and what changes because a day has passed."""
PREDICTED = (
    "expected_spend",
    "median_spend",
    "expected_spend_low",
    "expected_spend_high",
    "churn_probability",
    "expected_orders",
    "clv",
    "lifetime_value",
    "expected_profit",
    "ltv_cac",
)
"""Columns that count to two significant digits: predictions move a little every night."""
BY_WEEK = ("next_order_date",)
"""Dates that count by the week."""


def row_hash(rows: ir.Table, columns: Sequence[str]) -> ir.StringValue:
    """Return a hash a row, the same as long as nothing has changed that counts.

    All columns count as they are (facts such as frequency, monetary, segment, value tier, scores, addresses), but for
    `PASSING`, which do not, `PREDICTED`, of which two significant digits count, and `BY_WEEK`.

    Parameters
    ----------
    rows
        The list.
    columns
        What is exported of it.

    Returns
    -------
    text
        MD5 in hexadecimal digits: quick, and nobody gains by two rows that have the same.
    """
    counted = sorted(name for name in columns if name not in PASSING)
    parts = [ibis.literal(name + "=") + _text(rows, name) for name in counted]
    return _md5(ibis.literal("\x1f").join(parts))


def _text(rows: ir.Table, name: str) -> Any:
    column = rows[name]
    if name in PREDICTED:
        return _printf("%.1e", column.cast("float64")).fill_null("")
    if name in BY_WEEK:
        return column.truncate("W").cast("string").fill_null("")
    return column.cast("string").fill_null("")


@ibis.udf.scalar.builtin(name="md5", signature=(("string",), "string"))  # type: ignore[untyped-decorator,unused-ignore]
def _md5(text):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Return the hexadecimal MD5 of a text in UTF-8."""


@ibis.udf.scalar.builtin(name="printf", signature=(("string", "float64"), "string"))  # type: ignore[untyped-decorator,unused-ignore]
def _printf(form, number):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Return a number in a form of C's printf."""
