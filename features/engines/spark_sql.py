"""Spark's SQL where it would say something else than DuckDB's: what a text may mean, and functions of other names."""

from typing import Any, ClassVar

import ibis.expr.datatypes as dt
import ibis.expr.operations as ops
import sqlglot.expressions as sge
from ibis.backends.sql.compilers.pyspark import PySparkCompiler

from regulars.errors import LogError

DAY_IN_FRONT = r"^\s*(\d{4,})[-/ \\](\d{1,2})[-/ \\](\d{1,2})"
"""How a text begins that says a day: Spark would also take 2011 for its first day, and 12:30 for one of today."""
LETTER_BEHIND = r"^[^a-zA-Z]*\d\.?[dDfF]\s*$"
"""How Java writes the type of a number: Spark would take 12d for 12."""
DIRECTIVES = {
    "Y": "yyyy", "y": "yy", "m": "MM", "d": "dd", "H": "HH", "I": "hh", "M": "mm", "S": "ss", "f": "SSSSSS",
    "p": "a", "b": "MMM", "B": "MMMM", "a": "E", "A": "EEEE", "j": "DDD", "z": "xx",
}  # fmt: skip
FUNCTIONS = (
    # The lower half of the digest as DuckDB reads it, its last byte first; Spark's whole numbers have a sign.
    "CREATE OR REPLACE TEMPORARY FUNCTION md5_number_lower(value STRING) RETURNS BIGINT RETURN "
    + " | ".join(
        f"shiftleft(CAST(conv(substr(md5(value), {17 + 2 * place}, 2), 16, 10) AS BIGINT), {8 * place})"
        for place in range(8)
    ),
)
"""What makes DuckDB's functions Spark's, in every session."""


class SparkCompiler(PySparkCompiler):  # type: ignore[misc]
    """Ibis' compiler, for texts that are no contract with the engine but what people have in their files."""

    SIMPLE_OPS: ClassVar[dict[Any, str]] = {ops.BitXor: "bit_xor"}

    def visit_NonNullLiteral(self, op: Any, *, value: Any, dtype: Any) -> Any:
        """Write numbers with their type: Spark would read decimals out of 1.5, and 32 bits out of 1."""
        if dtype.is_floating():
            return self.cast(repr(float(value)), dt.float64)
        if dtype.is_int64():
            return self.cast(sge.convert(value), dtype)
        return super().visit_NonNullLiteral(op, value=value, dtype=dtype)

    def visit_Quantile(self, op: Any, *, arg: Any, quantile: Any, where: Any) -> Any:
        """Keep the condition out of the share, which has to be a constant."""
        return self.f.percentile(arg if where is None else self.if_(where, arg, sge.Null()), quantile)

    def visit_Median(self, op: Any, *, arg: Any, where: Any) -> Any:
        """Write the quantile that it is."""
        return self.visit_Quantile(op, arg=arg, quantile=sge.convert(0.5), where=where)

    def visit_BitwiseLeftShift(self, op: Any, *, left: Any, right: Any) -> Any:
        """Say by how much in 32 bits: Spark takes no more."""
        return self.f.anon.shiftleft(left, self.cast(right, dt.int32))

    def visit_BitwiseRightShift(self, op: Any, *, left: Any, right: Any) -> Any:
        """As to the left."""
        return self.f.anon.shiftright(left, self.cast(right, dt.int32))

    def visit_DateDelta(self, op: Any, *, left: Any, right: Any, part: Any) -> Any:
        """Count days as days: Spark would make moments of them first."""
        return self.cast(self.f.anon.datediff(left, right), op.dtype)

    def visit_TryCast(self, op: Any, *, arg: Any, to: Any) -> Any:
        """Read a text as DuckDB does: as a day, with a time or without; as a number, without a letter behind."""
        if op.arg.dtype.is_string() and to.is_timestamp():
            says_day = self.f.anon.regexp(arg, DAY_IN_FRONT)
            day = self.f.anon.regexp_replace(arg, DAY_IN_FRONT, "$1-$2-$3")
            arg = self.if_(says_day, day, sge.Null())
        if op.arg.dtype.is_string() and to.is_floating():
            arg = self.if_(self.f.anon.regexp(arg, LETTER_BEHIND), sge.Null(), arg)
        return super().visit_TryCast(op, arg=arg, to=to)

    def visit_ScalarUDF(self, op: Any, **arguments: Any) -> Any:
        """Write `try_strptime`, whose form Spark spells otherwise."""
        if op.__func_name__ != "try_strptime":
            return super().visit_ScalarUDF(op, **arguments)
        text, form = arguments.values()
        moment = self.f.anon.try_to_timestamp(text, sge.convert(spark_form(form.this)))
        return self.cast(moment, dt.timestamp)


def spark_form(form: str) -> str:
    """Return a strptime format as Spark spells it.

    Raises
    ------
    LogError
        A directive that Spark has no letter for.
    """
    parts = form.split("%")
    spelt = [_quoted(parts[0])]
    for place, part in enumerate(parts[1:], start=1):
        letter = DIRECTIVES.get(part[:1])
        if letter is None:
            raise LogError(f"--timestamp-format {form}: Spark cannot read %{part[:1]}; use {', '.join(DIRECTIVES)}")
        # Beside signs, a day or a month may have one digit; beside digits, it has two.
        alone = (place == 1 or spelt[-1]) and (part[1:] or place == len(parts) - 1)
        spelt += [letter[0] if alone and letter in ("MM", "dd", "HH", "hh", "mm", "ss") else letter, _quoted(part[1:])]
    return "".join(spelt)


def _quoted(text: str) -> str:
    return "".join(f"'{sign}'" if sign.isalpha() else "''" if sign == "'" else sign for sign in text)
