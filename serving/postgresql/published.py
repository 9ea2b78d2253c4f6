"""The tables that a publication fills: their columns, what these mean and in which units, keys and indexes.

They are a public contract: programs of others read them. Columns may be added, and are then null until the next
publication; none is renamed, and none changes its type.
"""

from dataclasses import dataclass

MARK = "Made by regulars publish."
"""Ends the comment of each table of ours: by it a publication knows that it may replace what is in there."""


@dataclass(frozen=True)
class Column:
    """A column: its name, its PostgreSQL type as `format_type` writes it, and what it means."""

    name: str
    type: str
    comment: str


@dataclass(frozen=True)
class Index:
    """An index: its name, the columns in it as SQL, and a condition on the rows that it holds, if any."""

    name: str
    columns: str
    where: str | None = None


@dataclass(frozen=True)
class Table:
    """A table.

    Attributes
    ----------
    name, comment
        What it is called and holds.
    columns
        In their order.
    key
        Columns of the primary key.
    indexes
        For what jobs filter and rank by.
    """

    name: str
    comment: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    indexes: tuple[Index, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(column.name for column in self.columns)


DOUBLE, INTEGER, TEXT, DATE, MOMENT = "double precision", "integer", "text", "date", "timestamp with time zone"

AS_OF = Column("as_of", DATE, "As-of date: known was what happened before its midnight, in the log's time zone.")
CUSTOMER = Column("customer_id", TEXT, "The customer, as the transaction log writes it.")
HORIZON = Column("horizon_days", INTEGER, "Length of the window that is predicted, in days from as_of on.")

SCORES = Table(
    "scores",
    "The newest scores: one row a customer and horizon. Amounts are in the currency of the transaction log.",
    (
        CUSTOMER,
        AS_OF,
        HORIZON,
        Column("expected_spend", DOUBLE, "Mean net spend within the horizon, in currency; sums to expected revenue."),
        Column("median_spend", DOUBLE, "Median net spend within the horizon, in currency: as likely more as less."),
        Column("expected_spend_low", DOUBLE, "Lower end of the 80 % interval of spend, in currency; 0 or more."),
        Column("expected_spend_high", DOUBLE, "Upper end of the 80 % interval of spend, in currency."),
        Column("churn_probability", DOUBLE, "Probability of no purchase within the horizon, 0 to 1."),
        Column("expected_orders", DOUBLE, "Mean number of purchase days within the horizon."),
        Column(
            "clv",
            DOUBLE,
            "Customer lifetime value: discounted expected margin, in currency. Null where scoring was given no margin: "
            "see discounted_revenue.",
        ),
        Column(
            "discounted_revenue",
            DOUBLE,
            "Discounted expected revenue over the lifetime, in currency: what there is instead of clv where scoring "
            "was given no margin; null where it was. It is not value: costs are not taken off.",
        ),
        Column(
            "clv_basis",
            TEXT,
            "margin: clv is filled; revenue: discounted_revenue is. Null, and both with it, for scores of a version "
            "that did not record it: score again.",
        ),
        Column("next_order_date", DATE, "Median date of the next order; null where none is likely within the horizon."),
        Column("recency_days", DOUBLE, "Days from the last purchase day to as_of."),
        Column("frequency", DOUBLE, "Number of days with a purchase before as_of."),
        Column("monetary", DOUBLE, "Mean net spend a purchase day, in currency."),
        Column("tenure_days", DOUBLE, "Days from the first purchase day to as_of."),
        Column("r_score", "smallint", "Recency among all customers: 1 (longest ago) to 5 (most recent)."),
        Column("f_score", "smallint", "Frequency among all customers: 1 (seldom) to 5 (most often)."),
        Column("m_score", "smallint", "Spend a purchase day among all customers: 1 (least) to 5 (most)."),
        Column("segment", TEXT, "Segment by the three scores, such as At Risk or Champions."),
        Column("value_tier", TEXT, "Tier by lifetime value, or by discounted revenue where there is no margin."),
        Column("reasons", "text[]", "Up to three reasons for the prediction, in words; null where a policy left them."),
        Column("model_version", TEXT, "Version of the registered model that scored."),
        Column("run_id", TEXT, "MLflow run that trained that version."),
        Column("log_fingerprint", TEXT, "Fingerprint of the transaction log that was scored: the same rows, the same."),
        Column("scored_at", MOMENT, "When it was scored."),
    ),
    ("customer_id", "horizon_days"),
    (
        # The one of the two that is null costs nothing.
        Index("scores_segment_clv", "segment, clv desc nulls last", "clv is not null"),
        Index("scores_clv", "clv desc nulls last", "clv is not null"),
        Index(
            "scores_segment_revenue", "segment, discounted_revenue desc nulls last", "discounted_revenue is not null"
        ),
        Index("scores_revenue", "discounted_revenue desc nulls last", "discounted_revenue is not null"),
        Index("scores_churn", "churn_probability"),
        Index("scores_next_order", "next_order_date"),
    ),
)
LISTS = Table(
    "lists",
    "The saved lists as of the newest scores: one row a list and horizon.",
    (
        Column("name", TEXT, "Name of the list."),
        HORIZON,
        AS_OF,
        Column("definition", "jsonb", "What the list asks for: play, segments, filter, order, size, terms of contact."),
        Column("members", "bigint", "Number of customers to contact: the rows in list_members."),
        Column("held_back", "bigint", "Customers of its control group, who are not among the members."),
        Column(
            "no_consent", "bigint", "Customers left out because the customers table does not say that they consent."
        ),
        Column("capped", "bigint", "Customers left out because they were on too many lists lately."),
    ),
    ("name", "horizon_days"),
)
MEMBERS = Table(
    "list_members",
    "Whom the saved lists say to contact: one row a list, horizon and customer. Without those who do not consent, were "
    "on too many lists lately, or are in the control group. Joins scores by customer_id and horizon_days.",
    (
        Column("list_name", TEXT, "Name of the list, as in lists."),
        HORIZON,
        Column("rank", INTEGER, "Place on the list, from 1, the best."),
        CUSTOMER,
        AS_OF,
        Column(
            "expected_profit", DOUBLE, "Expected profit of the contact, in currency; null without terms of contact."
        ),
        Column("reason", TEXT, "Why the customer is on the list, in words; null where the list is of no play."),
    ),
    ("list_name", "horizon_days", "rank"),
    (Index("list_members_customer", "customer_id, list_name"),),
)
PUBLISHED = Table(
    "published",
    "What is published now: one row a horizon, written in the transaction that wrote its scores and lists.",
    (
        HORIZON,
        AS_OF,
        Column("model_version", TEXT, "Version of the registered model that scored."),
        Column("run_id", TEXT, "MLflow run that trained that version."),
        Column("log_fingerprint", TEXT, "Fingerprint of the transaction log that was scored."),
        Column("scored_at", MOMENT, "When it was scored."),
        Column("clv_basis", TEXT, "margin: clv is filled; revenue: discounted_revenue is; null: neither, score again."),
        Column("rows", "bigint", "Number of rows in scores."),
        Column("lists", "bigint", "Number of rows in lists."),
        Column("members", "bigint", "Number of rows in list_members."),
        Column("published_at", MOMENT, "When it was published."),
    ),
    ("horizon_days",),
)
TABLES = (SCORES, LISTS, MEMBERS, PUBLISHED)
