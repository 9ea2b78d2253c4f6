"""What the API answers: the models of its description, with examples."""

from datetime import date, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

EXAMPLE: dict[str, Any] = {
    "customer_id": "c-1001",
    "as_of": "2026-11-01",
    "horizon_days": 90,
    "expected_spend": 84.2,
    "median_spend": 61.0,
    "expected_spend_low": 0.0,
    "expected_spend_high": 190.5,
    "churn_probability": 0.38,
    "expected_orders": 1.4,
    "clv": 312.7,
    "discounted_revenue": None,
    "clv_basis": "margin",
    "next_order_date": "2026-12-04",
    "recency_days": 21.0,
    "frequency": 6.0,
    "monetary": 55.1,
    "tenure_days": 400.0,
    "r_score": 4,
    "f_score": 4,
    "m_score": 3,
    "segment": "Loyal",
    "value_tier": "High",
    "reasons": ["6 orders in the last 365 days", "last order 21 days ago; usually every 66 days"],
    "model_version": "3",
    "run_id": "0b5f",
    "log_fingerprint": "b0bebea867052a76",
    "scored_at": "2026-11-01T04:00:00.000000Z",
}


class Score(BaseModel):
    """One score; money in the currency of the log, within the horizon unless said otherwise."""

    model_config = ConfigDict(extra="allow", json_schema_extra={"examples": [EXAMPLE]})

    customer_id: str
    as_of: date = Field(description="Only what happened before this day was known.")
    horizon_days: int
    expected_spend: float | None = Field(description="Mean; over all customers it sums to expected revenue.")
    median_spend: float | None
    expected_spend_low: float | None = Field(description="Lower end of the 80 % interval.")
    expected_spend_high: float | None = Field(description="Upper end of the 80 % interval.")
    churn_probability: float | None = Field(description="Probability of no purchase within the horizon.")
    expected_orders: float | None
    clv: float | None = Field(
        description="Discounted expected margin over the lifetime; null where no margin was given."
    )
    discounted_revenue: float | None = Field(description="In place of `clv` where no margin was given.")
    clv_basis: str | None = Field(description="margin or revenue; null in stores of an older version.")
    next_order_date: date | None
    recency_days: float | None
    frequency: float | None = Field(description="Purchase days so far.")
    monetary: float | None = Field(description="Mean net spend a purchase day.")
    tenure_days: float | None
    r_score: int | None
    f_score: int | None
    m_score: int | None
    segment: str | None
    value_tier: str | None
    reasons: list[str] | None
    model_version: str | None
    run_id: str | None
    log_fingerprint: str | None
    scored_at: datetime | None


class CustomerAnswer(BaseModel):
    """The scores of one customer."""

    customer_id: str
    scores: list[Score] = Field(description="Newest as-of date first; empty where none is new enough for `since`.")


class ListEntry(BaseModel):
    """A list that can be asked for."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "win-back",
                    "kind": "play",
                    "meaning": "Customers with two purchase days or more who are silent for long",
                    "action": "Make one strong offer with an end date.",
                    "definition": {"play": "win-back", "hold_back": 0.1},
                    "rows": "/api/v1/lists/win-back",
                    "csv": "/api/v1/lists/win-back.csv",
                }
            ]
        }
    )

    name: str
    kind: str = Field(description="all, play or saved.")
    meaning: str
    action: str
    definition: dict[str, Any]
    rows: str = Field(description="Where its rows are.")
    csv: str = Field(description="Where it is as CSV.")


class Lists(BaseModel):
    """The lists that there are."""

    lists: list[ListEntry]


class ListPage(BaseModel):
    """A page of a list."""

    name: str
    as_of: date
    horizon_days: int
    customers: int = Field(description="How many are on the whole list.")
    rows: list[Score] = Field(
        description="Best first. Beside the scores: what a customer was worth so far, the channel, the cohort, the "
        "attributes of the customers table that are not personal data, and for plays expected_profit and reason."
    )
    next: str | None = Field(description="`cursor` of the next page; null on the last one.")


class Table(BaseModel):
    """A table: one object a row, the same names in each."""

    rows: list[dict[str, Any]]


class Segments(BaseModel):
    """The segments, with what their customers are worth."""

    as_of: date
    horizon_days: int
    basis: str | None = Field(
        description="What `clv` is of: margin, or revenue (then it is called discounted_revenue)."
    )
    segments: list[dict[str, Any]]


class EconomicsAnswer(BaseModel):
    """What customers are worth against what they cost."""

    as_of: date
    horizon_days: int
    basis: str | None
    channels: list[dict[str, Any]] = Field(description="By acquisition channel.")
    cohorts: list[dict[str, Any]] = Field(description="By month of the first purchase.")
    value_tiers: list[dict[str, Any]]
    concentration: list[dict[str, Any]] = Field(description="Share of value of the top 1, 5, 10 and 20 %.")
    textbook: list[dict[str, Any]] = Field(description="The formulas that people compare with: averages, named.")


class ModelAnswer(BaseModel):
    """The model behind the newest scores, in numbers; as text/markdown, its whole card."""

    model_version: str
    horizon_days: int
    facts: dict[str, Any]
