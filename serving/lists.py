"""Lists: which customers marketing wants, as a filtered, ranked selection of scores."""

from dataclasses import dataclass

import ibis
from ibis.expr import types as ir

from features.expression import compile_filter
from features.expression_tree import find_column
from regulars.errors import ExpressionError
from serving.segments import segment_named
from serving.storage.score_table import REVENUE

VALUE, DISCOUNTED_REVENUE, BASIS = "clv", "discounted_revenue", "clv_basis"
REVENUES = {VALUE: DISCOUNTED_REVENUE, "lifetime_value": "lifetime_revenue"}
"""What values are called where no margin was given."""


@dataclass(frozen=True)
class Selection:
    """What a list holds: the first `top` customers by `by`, from high to low, of these segments and this filter.

    Attributes
    ----------
    segment
        Names of segments, in any capitals and with or without apostrophes; none means all.
    where
        A filter over the columns of the scores, such as ``clv > 200 and churn_probability < 0.5``.
    top
        How many customers at most; None means all.
    by
        The column of numbers or dates to rank by.
    """

    segment: tuple[str, ...] = ()
    where: str | None = None
    top: int | None = None
    by: str = "clv"


def select(scores: ir.Table, selection: Selection) -> ir.Table:
    """Return the scores that are on the list, best first.

    Customers alike in `by` follow one another by `customer_id`, and those without a value in it come last, so that the
    same scores (one row a customer) always give the same list.

    Raises
    ------
    ExpressionError
        For an unknown segment or column, a filter that cannot be read, no positive `top`, or a `by` of another kind.
    """
    columns = scores.columns
    scores = aliased(scores)
    by = rankable(scores, selection.by)
    if selection.top is not None and selection.top < 1:
        raise ExpressionError(f"A list needs at least one customer, and top is {selection.top}.")
    chosen = scores
    if selection.segment:
        chosen = chosen.filter(scores.segment.isin([segment_named(name).name for name in selection.segment]))
    if selection.where is not None:
        chosen = chosen.filter(compile_filter(selection.where, chosen))
    ranked = chosen.order_by(ibis.desc(chosen[by.get_name()]), ibis.asc(chosen.customer_id))
    return (ranked if selection.top is None else ranked.limit(selection.top)).select(*columns)


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
