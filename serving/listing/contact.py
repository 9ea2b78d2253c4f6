"""Contact: what a contact costs, how many answer it, and what it is then expected to earn."""

import math
from dataclasses import dataclass
from decimal import Decimal

from ibis.expr import types as ir

from regulars.errors import RegularsError

PROFIT = "expected_profit"


@dataclass(frozen=True)
class Contact:
    """The terms on which customers are contacted.

    The expected profit of contacting a customer is::

        response_rate x chance x order_value - cost

    with ``order_value`` the customer's mean net spend a purchase day, times the margin where one is known (without a
    margin it is revenue), at least 0, and ``chance`` the probability that an answer adds an order: for lists that bring
    customers back, ``churn_probability``, because an order that would have come anyway is not earned by the contact;
    for lists that sell something more (`Grow`, `Reward`), 1.

    It assumes that all customers of a list answer at the same rate, that an answer is one order of the customer's usual
    size, and that nothing after the horizon counts: a customer won back for years is worth more. The response rate is
    the share of answers that would not have come without the contact; `measure` tells it afterwards.

    Attributes
    ----------
    cost
        Of one contact, in the currency of the log, discounts included.
    response_rate
        Share of contacted customers who answer, above 0 and at most 1.
    budget
        For all contacts; None: no limit.
    """

    cost: float
    response_rate: float
    budget: float | None = None

    def __post_init__(self) -> None:
        if not (math.isfinite(self.cost) and self.cost >= 0):
            raise RegularsError(f"A contact costs nothing or more, and the cost is {self.cost}.")
        if not 0 < self.response_rate <= 1:
            raise RegularsError(
                f"A response rate is a share above 0 and at most 1, and {self.response_rate} is none: 3 % is 0.03."
            )
        if self.budget is not None and not (math.isfinite(self.budget) and self.budget >= self.cost):
            raise RegularsError(f"A budget of {self.budget} does not pay for one contact of {self.cost}.")

    @property
    def affordable(self) -> int | None:
        """How many contacts the budget pays for; None: as many as there are."""
        if self.budget is None or self.cost == 0:
            return None
        # As people wrote them: 0.3 pays for three contacts of 0.1.
        return int(Decimal(str(self.budget)) / Decimal(str(self.cost)))

    def profit(self, customers: ir.Table, extra: bool) -> ir.FloatingValue:
        """Return the expected profit of contacting each customer.

        Parameters
        ----------
        customers
            With `order_value` and `churn_probability`.
        extra
            Whether an answer adds an order to those that come anyway.
        """
        earned = customers.order_value * self.response_rate
        return (earned if extra else earned * customers.churn_probability) - self.cost
