"""Lists: which customers marketing wants, as a filtered, ranked selection of scores."""

from dataclasses import dataclass

import ibis
from ibis.expr import types as ir

from features.expression import compile_filter
from features.expression_tree import find_column
from regulars.errors import ExpressionError
from serving.segments import segment_named


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
    by = scores[find_column(selection.by, scores.columns)]
    dtype = by.type()
    if not (dtype.is_numeric() or dtype.is_date() or dtype.is_timestamp()):
        raise ExpressionError(f"A list is ranked by numbers or dates, and {selection.by!r} holds {dtype}.")
    if selection.top is not None and selection.top < 1:
        raise ExpressionError(f"A list needs at least one customer, and top is {selection.top}.")
    chosen = scores
    if selection.segment:
        chosen = chosen.filter(scores.segment.isin([segment_named(name).name for name in selection.segment]))
    if selection.where is not None:
        chosen = chosen.filter(compile_filter(selection.where, chosen))
    ranked = chosen.order_by(ibis.desc(chosen[by.get_name()]), ibis.asc(chosen.customer_id))
    return ranked if selection.top is None else ranked.limit(selection.top)
