"""Customer-days: the rows of a log added up by customer and day, the only step that reads the log itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import ibis

CHANNEL = "channel"
VARIETIES = {"product_id": "products", "category": "categories", CHANNEL: "channels"}
"""Columns of the log whose breadth and concentration the ledger keeps, and what it calls them."""


@dataclass(frozen=True)
class Reading:
    """What was read of a log, from which everything else follows.

    Attributes
    ----------
    days
        Ibis table of `daily`.
    bought
        By column of `VARIETIES` that the log has, the Ibis table of `bought`.
    unusable
        Ibis table of the rows that cannot be used, as they stand in the log, their problem in front.
    said
        How it was read, in words; nothing where it was read whole, as ever.
    """

    days: Any
    bought: Mapping[str, Any]
    unusable: Any
    said: str = ""


def daily(rows: Any) -> Any:
    """Add up transactions, see `features.transactions.transactions`, by customer and day.

    Returns
    -------
    ibis.Table
        `customer_id`, `day`; `rows` and, of them, `refunds`; `net`, `gross` (ten-thousandths), `orders`, and `items`
        where the log has quantities. Rows that cannot be used have no day, and their problem for a customer.
    """
    rows = rows.mutate(customer_id=ibis.coalesce(rows.problem, rows.customer_id))
    paid = rows.amount > 0
    totals = {
        "rows": rows.count(),
        "net": whole(rows.amount.sum()),
        "gross": whole(ibis.greatest(rows.amount, 0).sum()),
        "refunds": (rows.amount < 0).ifelse(1, ibis.null("int8")).count(),
    }
    if "quantity" in rows.columns:
        totals["items"] = whole(rows.quantity.sum(where=paid)).fill_null(0)
    keys = ("customer_id", "day")
    if "order_id" not in rows.columns:
        days = rows.group_by(*keys).aggregate(**totals)
        return days.mutate(orders=(days.gross > 0).cast("int64"))
    # By order first: to count different orders directly would keep them all in memory, where sums spill to disk.
    by_order = rows.group_by(*keys, "order_id").aggregate(**totals)
    sums = {name: whole(by_order[name].sum()) for name in totals}
    named = whole(((by_order.gross > 0) & by_order.order_id.notnull()).sum())
    days = by_order.group_by(*keys).aggregate(**sums, orders=named)
    # Where only some rows name their order, a day with a purchase has at least one.
    return days.mutate(orders=ibis.greatest(days.orders, (days.gross > 0).cast("int64")))


def whole(total: Any) -> Any:
    """Return a sum of whole numbers in the 64 bits that Ibis says it has: DuckDB's has 128, dear in all that follows.

    Ibis leaves out a cast that it holds to change nothing.
    """
    return total.cast("!int64").cast("int64")


def bought(rows: Any, column: str) -> Any:
    """Return `customer_id`, `day` and each different value of a column, such as a product, that was bought that day.

    Of channels also `paid`, what was paid by them (ten-thousandths).
    """
    found = rows.filter((rows.amount > 0) & rows[column].notnull())
    keys = ("customer_id", "day", column)
    if column != CHANNEL:
        return found.select(*keys).distinct()
    return found.group_by(*keys).aggregate(paid=found.amount.sum().cast("int64"))


def variety(bought: Any, column: str) -> Any:
    """Return, a customer-day, how many products, how many new ones, and the growth of the sum of squared counts."""
    plural = VARIETIES[column]
    before = ibis.row_number().over(group_by=["customer_id", column], order_by="day")
    counted = bought.mutate(before=before)
    return counted.group_by("customer_id", "day").aggregate(
        **{
            plural: counted.count(),
            f"new_{plural}": (counted.before == 0).sum(),
            # A count that grows from k to k + 1 adds 2k + 1 to the sum of squares.
            f"squares_{plural}": (2 * counted.before + 1).sum().cast("int64"),
        }
    )


def join_variety(days: Any, variety: Any) -> Any:
    """Add a variety's columns to customer-days, 0 where nothing of the kind was bought."""
    added = [name for name in variety.columns if name not in ("customer_id", "day")]
    joined = days.left_join(variety, ["customer_id", "day"], rname="{name}_right").drop(
        "customer_id_right", "day_right"
    )
    return joined.mutate(**{name: joined[name].fill_null(0) for name in added})
