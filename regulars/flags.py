"""Flags that several commands share."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

if TYPE_CHECKING:
    from features.log import Log
    from models.lifetime import Economics


LogSource = Annotated[
    str,
    Parameter(help="File, folder or glob (Parquet, CSV, JSON lines, Delta table) or database URL with #table."),
]


@Parameter(name="*")
@dataclass(frozen=True)
class LogFlags:
    """How the log is laid out.

    Attributes
    ----------
    customer_id
        Column of the customer's id.
    timestamp
        Column of the date or time.
    amount
        Column of the net amount, or an expression such as 'Quantity * Price'.
    order_id
        Column of the order.
    product_id
        Column of the product.
    category
        Column of the product's category.
    quantity
        Column of the quantity.
    channel
        Column of the sales channel.
    timestamp_format
        Form of dates that are not ISO, such as %d/%m/%Y.
    customers
        Table of customer attributes: a file with customer_id and one column an attribute.
    time_zone
        Business time zone, such as Europe/Paris.
    max_bad_share
        Largest share of unusable rows that is reported rather than refused.
    quarantine
        Where unusable rows are written; by default beside you, named after the log.
    memory
        Most memory that data may take, such as 2GB; by default half of the machine's.
    engine
        What reads the log and makes features and scores: duckdb, in this process; or a Spark cluster by its master,
        such as spark://host:7077 or local[2].
    """

    customer_id: str = "customer_id"
    timestamp: str = "timestamp"
    amount: str = "amount"
    order_id: str | None = None
    product_id: str | None = None
    category: str | None = None
    quantity: str | None = None
    channel: str | None = None
    timestamp_format: str | None = None
    customers: str | None = None
    time_zone: str = "UTC"
    max_bad_share: float = 0.01
    quarantine: Path | None = None
    memory: str | None = None
    engine: str = "duckdb"

    def log(self, source: str) -> "Log":
        """Return the log that the flags describe."""
        from features.log import Columns, Log

        columns = Columns(
            self.customer_id,
            self.timestamp,
            self.amount,
            self.order_id,
            self.product_id,
            self.category,
            self.quantity,
            self.channel,
            self.timestamp_format,
        )
        return Log(source, columns, self.customers, self.time_zone, self.max_bad_share)


@Parameter(name="*")
@dataclass(frozen=True)
class EconomicsFlags:
    """What turns spend into value.

    Attributes
    ----------
    margin
        Share of spend left after the cost of what was sold, such as 0.4; or a file of category and margin; or a column
        or expression of the log that gives each row's margin in money, such as 'Quantity * (Price - Cost)'. Without it,
        value is discounted revenue, and is called that.
    discount
        Yearly discount rate.
    lifetime_days
        How far ahead value counts.
    acquisition_cost
        What winning a customer cost: an amount; or a file of channel and cost; or a column of the customers table.
    """

    margin: float | str | None = None
    discount: float = 0.10
    lifetime_days: int = 1096
    acquisition_cost: float | str | None = None

    def economics(self) -> "Economics":
        """Return the economics that the flags describe."""
        from models.lifetime import Economics

        return Economics(self.margin, self.discount, self.lifetime_days, self.acquisition_cost)


@Parameter(name="*")
@dataclass(frozen=True)
class OutputFlags:
    """What is said, and to whom.

    Attributes
    ----------
    json
        File for the result as JSON; - for standard output.
    quiet
        Say nothing but errors.
    """

    json: Annotated[Path | None, Parameter(allow_leading_hyphen=True)] = None
    quiet: bool = False
