"""Sales: what the rows of a log say beyond customer-days, of the margin they left and the channel they came by."""

from datetime import date
from typing import Any

import ibis

from features.ledger import Ledger
from features.log import Log
from features.transactions import transactions
from regulars.errors import ExpressionError, LogError

MARGINS = "margins"
OTHERS = "*"
"""The category whose share holds for all that are not named."""


def margins_by_expression(ledger: Ledger, as_of: date, expression: str) -> Any:
    """Return the margin of every customer-day before an as-of date, from a column or expression in money a row.

    Parameters
    ----------
    ledger
        The ledger; its log is read again.
    as_of
        The as-of date.
    expression
        Such as ``Quantity * (Price - Cost)``.

    Returns
    -------
    ibis.Table
        `customer_id`, `day`, `sold` and `margin` (int64, ten-thousandths) of the rows whose amount is not negative:
        a refund takes back sale and margin alike, so it says nothing of their ratio; and `unknown`, what was sold in
        rows whose margin is not known, and which `sold` leaves out.

    Raises
    ------
    LogError
        The expression cannot be read, or gives no numbers.
    """
    log = _log(ledger)
    try:
        rows = transactions(ledger.raw, log, expression)
    except ExpressionError as error:
        raise LogError(
            f"{log.name}: --margin {expression!r} is no number, no file, and no expression over the log: {error}"
        ) from error
    return _daily(ledger, rows, as_of)


def margins_by_category(ledger: Ledger, as_of: date, shares: dict[str, float]) -> Any:
    """Return the margin of every customer-day before an as-of date, from a share of each category.

    Parameters
    ----------
    ledger, as_of
        As for `margins_by_expression`, and so is what is returned.
    shares
        Margin as a share of the amount, by category; that of `OTHERS` holds for all that are not named.

    Raises
    ------
    LogError
        The log has no category.
    """
    log = _log(ledger)
    rows = transactions(ledger.raw, log)
    if "category" not in rows.columns:
        raise LogError(
            f"{log.name}: a margin by category needs a category in the log, and its columns are "
            f"{', '.join(ledger.raw.columns)}: name it with --category COLUMN"
        )
    named = {name: share for name, share in shares.items() if name != OTHERS}
    table = ibis.memtable(
        {"named": list(named), "share": [float(share) for share in named.values()]},
        schema={"named": "string", "share": "float64"},
    )
    joined = rows.left_join(table, rows.category == table.named)
    share = joined.share if OTHERS not in shares else joined.share.fill_null(float(shares[OTHERS]))
    return _daily(ledger, joined.mutate(margin=(joined.amount * share).round().cast("int64")), as_of)


def categories(ledger: Ledger, as_of: date) -> Any:
    """Return what was sold before an as-of date by `category`, in ten-thousandths, most first."""
    rows = transactions(ledger.raw, _log(ledger))
    known = rows.filter(rows.problem.isnull() & (rows.day < ibis.literal(as_of)) & (rows.amount > 0))
    return known.group_by("category").aggregate(sold=known.amount.sum()).order_by(ibis.desc("sold"), "category")


def first_channels(ledger: Ledger) -> Any:
    """Return the `channel` of every customer's first purchase day, that of most money where there are several.

    None where the log has no channel, or is not at hand.
    """
    if ledger.channels is None:
        return None
    first = ledger.days.filter(ledger.days.purchase_number == 1).select("customer_id", "day")
    paid = ledger.channels.join(first, ["customer_id", "day"]).group_by("customer_id", "channel")
    ranked = paid.aggregate(amount=lambda rows: rows.paid.sum())
    best = ibis.row_number().over(group_by="customer_id", order_by=[ibis.desc(ranked.amount), ranked.channel])
    return ranked.mutate(place=best).filter(lambda rows: rows.place == 0).select("customer_id", "channel")


def _daily(ledger: Ledger, rows: Any, as_of: date) -> Any:
    known = rows.filter(rows.problem.isnull() & (rows.day < ibis.literal(as_of)) & (rows.amount >= 0))
    seen = known.margin.notnull()
    days = known.group_by("customer_id", "day").aggregate(
        sold=seen.ifelse(known.amount, 0).sum().cast("int64"),
        margin=known.margin.sum().fill_null(0).cast("int64"),
        unknown=seen.ifelse(0, known.amount).sum().cast("int64"),
    )
    return ledger.connection.create_table(MARGINS, days, overwrite=True)


def _log(ledger: Ledger) -> Log:
    if ledger.log is None:
        raise LogError("this ledger was not read from a log, so its rows say nothing of margins: give a number")
    return ledger.log
