"""Columns of lists: what they are ranked by, and what values are called where no margin was given."""

from ibis.expr import types as ir

from features.expression_tree import find_column
from regulars.errors import ExpressionError
from serving.storage.score_table import REVENUE

VALUE, DISCOUNTED_REVENUE, BASIS = "clv", "discounted_revenue", "clv_basis"
REVENUES = {VALUE: DISCOUNTED_REVENUE, "lifetime_value": "lifetime_revenue"}
"""What values are called where no margin was given."""


def rankable(table: ir.Table, by: str) -> ir.Column:
    """Return the column that a list is ranked by.

    Raises
    ------
    ExpressionError
        There is none of this name, or it holds neither numbers nor dates.
    """
    column = table[find_column(by, table.columns)]
    dtype = column.type()
    if not (dtype.is_numeric() or dtype.is_date() or dtype.is_timestamp()):
        raise ExpressionError(f"A list is ranked by numbers or dates, and {by!r} holds {dtype}.")
    return column


def aliased(scores: ir.Table) -> ir.Table:
    """Return scores in which filters may call `clv` what files call it without a margin."""
    if VALUE not in scores.columns or DISCOUNTED_REVENUE in scores.columns:
        return scores
    return scores.mutate(**{DISCOUNTED_REVENUE: scores[VALUE]})


def heading(scores: ir.Table) -> str:
    """Return what the column `clv` is to be called: without a margin it is revenue, and that is no lifetime value."""
    if VALUE not in scores.columns or BASIS not in scores.columns:
        return VALUE
    revenue = (scores[BASIS] == REVENUE).any().to_pyarrow().as_py()
    return DISCOUNTED_REVENUE if revenue else VALUE


def headed(scores: ir.Table) -> ir.Table:
    """Return scores with `clv` and `lifetime_value` under the names of what they are."""
    if heading(scores) == VALUE:
        return scores
    return scores.rename({revenue: name for name, revenue in REVENUES.items() if name in scores.columns})
