"""Margins: each customer's own share of spend that is left, as far as there is evidence for it.

A customer's rate lies between what their purchases left and what all left, by the credibility of Bühlmann & Straub
(1970), "Glaubwürdigkeit für Schadensätze", Mitteilungen der Vereinigung schweizerischer Versicherungsmathematiker 70:

    rate = (margin + k · R) / (sold + k),

with `sold` and `margin` in money of the customer's purchases before the as-of date, R = Σ margin / Σ sold, and k = s²/a
the money at which own and common rate count the same: s² is how much the rate of a customer's days varies, weighted by
money, Σ sold (day's rate - own rate)² / Σ (days - 1); a how much the rates of customers vary beyond that,
(Σ sold (own rate - R)² - (customers - 1) s²) / (Σ sold - Σ sold² / Σ sold). Where customers do not differ beyond chance
(a is not positive) all have R. A rate lies from -1 to 1; below 0 a customer costs more than they pay.
"""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import ibis
import pyarrow.parquet as pq

from features.exact import money, money_total, number
from features.ledger import Ledger
from features.sales import OTHERS, categories, margins_by_category, margins_by_expression
from features.snapshot import BATCH_ROWS
from models.lifetime import Economics
from regulars.errors import RegularsError
from serving.valuation.rate_file import is_file, read_rates

NONE, NUMBER, CATEGORY, EXPRESSION = "none", "number", "category", "expression"
NAMED = 5
"""How many names a message lists."""


@dataclass(frozen=True)
class Margins:
    """The margins of an as-of date.

    Attributes
    ----------
    kind
        Where they come from: `NONE`, `NUMBER`, `CATEGORY` or `EXPRESSION`.
    overall
        The margin of all together; None where none was given.
    rates
        Parquet file of `customer_id` and `margin_rate`, where customers have their own; who is not in it has `overall`.
    notes
        What a person should know of them.
    """

    kind: str
    overall: float | None
    rates: Path | None = None
    notes: tuple[str, ...] = ()

    def rate_of(self, table: Any, connection: Any) -> Any:
        """Return a table of customers with the column `margin_rate`, null where no margin was given."""
        if self.rates is None:
            return table.mutate(margin_rate=ibis.null("float64") if self.overall is None else number(self.overall))
        rates = connection.read_parquet(self.rates)
        joined = table.left_join(rates, "customer_id").drop("customer_id_right")
        return joined.mutate(margin_rate=joined.margin_rate.fill_null(number(self.overall or 0.0)))


def find_margins(ledger: Ledger, as_of: date, economics: Economics, folder: Path) -> Margins:
    """Return the margins that were known at an as-of date.

    Parameters
    ----------
    ledger
        The ledger; its log is read again where customers have margins of their own.
    as_of
        The as-of date.
    economics
        What was given.
    folder
        Where the file of rates goes.

    Raises
    ------
    RegularsError
        What was given cannot be read, or gives no margin from -1 to 1.
    """
    given = economics.margin
    if given is None:
        return Margins(NONE, None)
    if not isinstance(given, str):
        return Margins(NUMBER, float(given))
    if not is_file(given):
        return _by_customer(margins_by_expression(ledger, as_of, given), given, EXPRESSION, folder)
    shares = read_rates(ledger.connection, given, "--margin", "category", "margin")
    for name, share in shares.items():
        if not -1 <= share <= 1:
            raise RegularsError(f"--margin {given}: margin {share} of category {name!r} is no share: 30 % is 0.3")
    days = margins_by_category(ledger, as_of, shares)
    found = _by_customer(days, given, CATEGORY, folder)
    notes = _unnamed(ledger, as_of, shares, given)
    return Margins(found.kind, found.overall, found.rates, found.notes + notes)


def _by_customer(days: Any, given: str, kind: str, folder: Path) -> Margins:
    customers = _customers(days)
    sums = _sums(customers)
    if sums["sold"] <= 0:
        raise RegularsError(f"--margin {given}: it gives no margin for any row with a positive amount: check it")
    overall = sums["margin"] / sums["sold"]
    if not -1 < overall <= 1:
        raise RegularsError(
            f"--margin {given}: the margins sum to {sums['margin']:,.2f}, {overall:.0%} of {sums['sold']:,.2f} sold: "
            "give what each row left, in money, not above its amount"
        )
    own, common = credibility(sums, overall)
    evidence = customers.sold * number(own) + number(common)
    rate = (customers.margin * number(own) + number(common * overall)) / evidence.nullif(0.0)
    rates = customers.select("customer_id", margin_rate=rate.clip(-1.0, 1.0).fill_null(number(overall)))
    path = folder / "margins.parquet"
    with rates.to_pyarrow_batches(chunk_size=BATCH_ROWS) as batches, pq.ParquetWriter(path, batches.schema) as writer:
        for batch in batches:
            writer.write_batch(batch)
    unknown = sums["unknown"] / max(sums["sold"] + sums["unknown"], 1e-9)
    notes = (f"{unknown:.1%} of sales have no margin: they count as the rest does",) if unknown > 0 else ()
    return Margins(kind, overall, path, notes)


def credibility(sums: dict[str, float], overall: float) -> tuple[float, float]:
    """Return the weights of a customer's own money and of the common rate: 1 and k; 0 and 1 where k has no bound.

    Parameters
    ----------
    sums
        Over customers: `customers`, `days`, `sold`, `sold_squares`, `within` (of day's rates around their customer's
        own), `between` (of squared rates, each weighted by `sold`).
    overall
        The common rate.
    """
    spare = sums["days"] - sums["customers"]
    if spare <= 0:
        # Nobody bought on two days: one day's money is as good a guess as the common rate.
        return 1.0, sums["sold"] / max(sums["days"], 1.0)
    within = max(sums["within"], 0.0) / spare
    spread = sums["between"] - overall * overall * sums["sold"] - (sums["customers"] - 1.0) * within
    weight = sums["sold"] - sums["sold_squares"] / sums["sold"]
    # What cancellation leaves of a spread that is really 0 is no spread.
    if weight <= 0 or spread <= 1e-9 * max(sums["between"], 1e-12):
        return 0.0, 1.0
    return 1.0, within * weight / spread


def _customers(days: Any) -> Any:
    sold, margin = money(days.sold), money(days.margin)
    days = days.mutate(squares=(margin * margin / sold.nullif(0.0)).fill_null(0.0), paid=days.sold > 0)
    customers = days.group_by("customer_id").aggregate(
        sold=money_total(days.sold),
        margin=money_total(days.margin),
        paid_margin=money_total(days.margin, days.paid),
        unknown=money_total(days.unknown),
        days=days.paid.sum().cast("float64"),
        squares=_exact_sum(days.squares),
    )
    return customers.mutate(between=(customers.paid_margin * customers.paid_margin / customers.sold.nullif(0.0)))


def _sums(customers: Any) -> dict[str, float]:
    known = customers.mutate(between=customers.between.fill_null(0.0))
    found = known.aggregate(
        customers=(known.days > 0).sum().cast("float64"),
        days=known.days.sum(),
        sold=_exact_sum(known.sold),
        margin=_exact_sum(known.margin),
        unknown=_exact_sum(known.unknown),
        sold_squares=_exact_sum(known.sold * known.sold),
        within=_exact_sum(known.squares - known.between),
        between=_exact_sum(known.between),
    )
    return {name: float(value or 0.0) for name, value in found.to_pyarrow().to_pylist()[0].items()}


def _exact_sum(term: Any) -> Any:
    """Return a sum whose last bit does not depend on the order of rows: of terms rounded to millionths."""
    return term.cast("decimal(38, 6)").sum().cast("float64").fill_null(0.0)


def _unnamed(ledger: Ledger, as_of: date, shares: dict[str, float], given: str) -> tuple[str, ...]:
    if OTHERS in shares:
        return ()
    sold = categories(ledger, as_of).limit(NAMED + len(shares)).to_pyarrow().to_pylist()
    names = [str(row["category"] or "none at all") for row in sold if row["category"] not in shares][:NAMED]
    if not names:
        return ()
    return (f"{given} has no margin for category {', '.join(names)}: add them, or a row {OTHERS} for all others",)
