"""Transactions: the rows of a log under their contract names and types, each usable or with its problem named."""

from datetime import date
from typing import Any

import ibis

from features.expression import compile_value
from features.log import OPTIONAL, REQUIRED, Columns, Log
from regulars.errors import ExpressionError, LogError

MONEY_SCALE = 10_000
"""Money is summed as whole ten-thousandths: exact, so that no order of rows or threads changes a sum."""
LARGEST_AMOUNT = 1e12

NO_CUSTOMER = "no customer"
NO_DATE = "no readable date"
AFTER_TODAY = "dated after today"
NO_AMOUNT = "amount is not a number"
PROBLEMS = (NO_CUSTOMER, NO_DATE, AFTER_TODAY, NO_AMOUNT)


def transactions(raw: Any, log: Log, margin: str | None = None) -> Any:
    """Return the rows of a log under contract names and types.

    Parameters
    ----------
    raw
        The log as it was opened.
    log
        Its description.
    margin
        Column, or expression over columns, of the margin in money that each row left; None: not asked for.

    Returns
    -------
    ibis.Table
        One row a row of `raw`: `customer_id` text, `day` date, `amount` int64 (ten-thousandths of the currency),
        `problem` text (null where the row is usable) and those of `order_id`, `product_id`, `category`, `channel`
        (text), `quantity` and `margin` (int64, ten-thousandths) that the log has. `day` and `amount` are null where the
        row has a problem; `margin` is null where it is not a number.

    Raises
    ------
    LogError
        A column that the log needs is missing or of an impossible type.
    """
    found = _columns(raw, log)
    customer, day, money = _typed(found, log)
    texts = {name: as_text(found[name]) for name in ("order_id", "product_id", "category", "channel") if name in found}
    quantity = {"quantity": _scaled(_number(found["quantity"], log, "quantity"))} if "quantity" in found else {}
    left = {} if margin is None else {"margin": _scaled(_number(compile_value(margin, raw), log, "margin"))}
    rows = raw.select(customer_id=customer, day=day, money=money, **texts, **quantity, **left)
    rows = rows.mutate(problem=_problem(rows.customer_id, rows.day, rows.money, log.last_possible_day()))
    usable = rows.problem.isnull()
    return rows.mutate(
        day=usable.ifelse(rows.day, ibis.null("date")),
        amount=usable.ifelse(_scaled(rows.money), ibis.null("int64")),
    ).drop("money")


def unusable(raw: Any, log: Log) -> Any:
    """Return the unusable rows of a log as they stand in it, with a column `problem` in front."""
    problem = _problem(*_typed(_columns(raw, log), log), log.last_possible_day())
    marked = raw.select(problem.name("problem"), *(raw[name] for name in raw.columns if name != "problem"))
    return marked.filter(marked.problem.notnull())


def census(raw: Any, log: Log, source: str) -> Any:
    """Count the rows of a log by a column of it, such as the file they stand in: `source`, `month`, `problem`, `rows`.

    `month` is the first day of the month in which usable rows fall, null for others.
    """
    customer, day, money = _typed(_columns(raw, log), log)
    rows = raw.select(source=raw[source], day=day, problem=_problem(customer, day, money, log.last_possible_day()))
    month = rows.problem.isnull().ifelse(rows.day.truncate("month"), ibis.null("date"))
    rows = rows.select("source", "problem", month=month)
    return rows.group_by("source", "month", "problem").aggregate(rows=rows.count())


def _columns(raw: Any, log: Log) -> dict[str, Any]:
    given = {name: getattr(log.columns, name) for name in (*REQUIRED, *OPTIONAL)}
    return {name: _value(raw, log, name, text or name) for name, text in given.items() if text or name in raw.columns}


def _typed(found: dict[str, Any], log: Log) -> tuple[Any, Any, Any]:
    return as_text(found["customer_id"]), _day(found["timestamp"], log), _number(found["amount"], log, "amount")


def _value(raw: Any, log: Log, name: str, text: str) -> Any:
    try:
        return compile_value(text, raw)
    except ExpressionError as error:
        flag = f"--{name.replace('_', '-')}"
        default = " (the default)" if text == getattr(Columns(), name) else ""
        raise LogError(f"{log.name}: {name} = {text!r}{default}: {error} Map it with {flag} COLUMN.") from error


def as_text(value: Any) -> Any:
    """Return a column of ids or labels as text, null where it is empty."""
    kind = value.type()
    if kind.is_floating():
        # An id that a table holds as 12345.0 only because some rows have none is the text 12345.
        whole = value.try_cast("int64")
        value = (whole.cast("float64") == value).ifelse(whole.cast("string"), value.nullif(float("nan")).cast("string"))
    return value.cast("string").nullif("")


def _day(value: Any, log: Log) -> Any:
    kind = value.type()
    if log.columns.timestamp_format is not None:
        return _try_strptime(value.cast("string"), log.columns.timestamp_format).date()
    if kind.is_date():
        return value
    if kind.is_timestamp():
        # A timestamp with an offset falls on its day in the engine's session zone, which is the business time zone.
        return value.date()
    if kind.is_string():
        return value.try_cast("timestamp('UTC')").date()
    raise LogError(
        f"{log.name}: timestamp column {log.columns.timestamp!r} is {kind}, not a date: "
        "give --timestamp-format, such as %Y%m%d"
    )


@ibis.udf.scalar.builtin(name="try_strptime", signature=(("string", "string"), "timestamp"))  # type: ignore[untyped-decorator,unused-ignore]
def _try_strptime(text, form):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Return the timestamp that a text says in a given form, or null."""


def _number(value: Any, log: Log, name: str) -> Any:
    kind = value.type()
    if kind.is_string():
        return value.strip().try_cast("float64")
    if kind.is_numeric():
        return value.cast("float64")
    column = getattr(log.columns, name, None) or value.get_name()
    raise LogError(
        f"{log.name}: {name} column {column!r} is {kind}, not a number: "
        f"map it with --{name} COLUMN or an expression such as 'Quantity * Price'"
    )


def _scaled(number: Any) -> Any:
    return (number.abs() <= LARGEST_AMOUNT).ifelse((number * MONEY_SCALE).round().cast("int64"), ibis.null())


def _problem(customer: Any, day: Any, money: Any, today: date) -> Any:
    # The comparison is false for infinities and null for not-a-number, which DuckDB ranks above all numbers.
    countable = (money.abs() <= LARGEST_AMOUNT) & ~money.isnan()
    return ibis.cases(
        (customer.isnull(), NO_CUSTOMER),
        (day.isnull() | (day < ibis.literal(date.min)), NO_DATE),
        (day > ibis.literal(today), AFTER_TODAY),
        (money.isnull() | ~countable, NO_AMOUNT),
        else_=ibis.null("string"),
    )
