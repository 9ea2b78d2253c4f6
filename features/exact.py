"""Sums that no order of rows, files or threads can change: terms are rounded to whole units and summed as integers."""

from typing import Any

import ibis

from features.transactions import MONEY_SCALE

WEIGHT_SCALE = 1_000_000
"""Decayed and logarithmic terms are summed in millionths."""


def number(value: float) -> Any:
    """Return a number as float64, to its last bit.

    Written as a number, SQL would read a decimal out of it: its last bit would be missed, and a column of nothing else
    would come out of the engine as what its bytes are not.
    """
    return ibis.literal(repr(float(value))).cast("float64")


def money(ten_thousandths: Any) -> Any:
    """Return an integer column of ten-thousandths as float64 money."""
    return ten_thousandths.cast("float64") / float(MONEY_SCALE)


def total(term: Any, where: Any = None) -> Any:
    """Return the sum of an integer column as float64, 0 where nothing qualifies."""
    # Nought is added in less time than null is left out.
    return (term if where is None else where.ifelse(term, 0)).sum().cast("float64").fill_null(0.0)


def counted(where: Any) -> Any:
    """Return how many rows qualify as float64."""
    return total(where.ifelse(1, 0))


def _qualifying(term: Any, where: Any) -> Any:
    # DuckDB copies all inputs of a query for each aggregate with a filter: a hundred filters take five times as long.
    return term if where is None else where.ifelse(term, None)


def money_total(ten_thousandths: Any, where: Any = None) -> Any:
    """Return the sum of an integer column of ten-thousandths as float64 money, 0 where nothing qualifies."""
    return total(ten_thousandths, where) / float(MONEY_SCALE)


def weighted_total(term: Any, where: Any = None) -> Any:
    """Return the sum of a float64 column whose terms are rounded to millionths, 0 where nothing qualifies."""
    return total(whole_millionths(term), where) / float(WEIGHT_SCALE)


def whole_millionths(term: Any) -> Any:
    """Return a float64 column in whole millionths, as int64."""
    return _rounded(term * float(WEIGHT_SCALE)).cast("int64")


@ibis.udf.scalar.builtin(name="round", signature=(("float64",), "float64"))  # type: ignore[untyped-decorator,unused-ignore]
def _rounded(value):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Return whole numbers, halves away from 0; DuckDB raises 10 to the decimals for every row where it is told any."""


def square_of_money(term: Any) -> Any:
    """Return the square of a float64 column of money as a decimal, to be summed.

    Squares keep twice the decimals of their terms: a square that is cut would show as a spread where there is none.
    """
    return (term * term).cast("decimal(38, 8)")


def lowest(term: Any, where: Any = None) -> Any:
    """Return the smallest value of a column as float64, null where nothing qualifies."""
    return _qualifying(term, where).min().cast("float64")


def highest(term: Any, where: Any = None) -> Any:
    """Return the largest value of a column as float64, null where nothing qualifies."""
    return _qualifying(term, where).max().cast("float64")


def middle(term: Any, where: Any = None) -> Any:
    """Return the median of a column as float64, null where nothing qualifies."""
    return _qualifying(term, where).median().cast("float64")


def share(part: Any, whole: Any) -> Any:
    """Return a quotient as float64, null where the denominator is 0."""
    return part.cast("float64") / whole.cast("float64").nullif(0.0)


def deviation(squares: Any, sum_: Any, count: Any) -> Any:
    """Return the sample standard deviation from its sums, null below two values.

    What cancellation leaves of a spread that is really 0 is a thousand-billionth of the squares: it is cut to 0.
    """
    n = count.cast("float64")
    spread = squares - sum_ * sum_ / n.nullif(0.0)
    variance = (spread > 1e-11 * squares).ifelse(spread, 0.0) / (n - 1.0).nullif(0.0)
    return (n > 1.0).ifelse(variance.sqrt(), ibis.null("float64"))
