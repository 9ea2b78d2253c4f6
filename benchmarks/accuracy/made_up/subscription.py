"""A subscription business: monthly and yearly renewals, late payments, changes of plan, cancellations, returns."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.accuracy.made_up.shop import DAYS_A_YEAR, as_log

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

PRICES = np.array([9.99, 19.99, 39.99, 79.99])
PLAN_SHARES = (0.45, 0.35, 0.15, 0.05)
MONTHS_PAID_OF_A_YEAR = 10
YEARLY_SHARE = 0.15
HAZARD = (0.9, 14.0)
"""Beta distribution of each customer's probability to cancel at a monthly renewal."""
YEARLY_HAZARD = 4.0
"""How many times as probable a cancellation is at a yearly renewal."""
TRIAL_MONTHS, TRIAL_HAZARD = 3, 2.0
LATE_SHARE, LATE_DAYS, LOST_SHARE = 0.04, (3, 15), 0.15
"""Of payments that fail: how many, paid how much later, and how many of them never."""
WARNED = 2.0
"""How much more probable a cancellation is after a late payment or a downgrade."""
UPGRADE, DOWNGRADE = 0.015, 0.01
RETURN_SHARE, RETURN_DAYS = 0.2, (60, 400)


@dataclass(frozen=True)
class Subscription:
    """What the business is like: subscribers in all, first day and length of the log, yearly growth of newcomers."""

    customers: int = 4_000
    start: date = date(2022, 1, 1)
    days: int = 1_096
    growth: float = 1.2

    def log(self, seed: int) -> pd.DataFrame:
        """Return its transaction log: `customer_id`, `timestamp`, `amount`."""
        rng = np.random.default_rng(seed)
        people = Subscribers.drawn(self, rng)
        paid = []
        while (people.due < self.days).any():
            paid.append(people.renew(self, rng))
        customer, day, amount = (np.concatenate(part) for part in zip(*paid, strict=True))
        return as_log(self.start, customer, day, amount)


@dataclass
class Subscribers:
    """All subscribers between two rounds of renewals, one value each.

    Attributes
    ----------
    due
        Day of the next bill, before jitter; beyond the end of the log for who is gone.
    plan, yearly
        Number of the plan, and whether it is paid by the year.
    hazard
        Probability to cancel at a monthly renewal.
    renewals
        Bills so far.
    warned
        Whether the last bill was paid late or followed a downgrade.
    """

    due: FloatArray
    plan: IntArray
    yearly: NDArray[np.bool_]
    hazard: FloatArray
    renewals: IntArray
    warned: NDArray[np.bool_]

    @classmethod
    def drawn(cls, business: Subscription, rng: np.random.Generator) -> "Subscribers":
        """Draw them before their first bill."""
        n = business.customers
        arrivals = business.growth ** (np.arange(business.days) / DAYS_A_YEAR)
        return cls(
            due=rng.choice(business.days, size=n, p=arrivals / arrivals.sum()).astype(np.float64),
            plan=rng.choice(len(PRICES), size=n, p=PLAN_SHARES),
            yearly=rng.random(n) < YEARLY_SHARE,
            hazard=rng.beta(*HAZARD, size=n),
            renewals=np.zeros(n, dtype=np.int64),
            warned=np.zeros(n, dtype=bool),
        )

    def renew(self, business: Subscription, rng: np.random.Generator) -> tuple[IntArray, IntArray, FloatArray]:
        """Bill everybody once: return customer, day and amount of what is paid inside the log."""
        n = len(self.due)
        late = rng.random(n) < np.where(self.renewals > 0, LATE_SHARE, 0.0)
        lost = late & (rng.random(n) < LOST_SHARE)
        # Bills that fall on a holiday are taken a day or two later; those that fail are paid after a reminder.
        day = self.due + rng.choice(3, size=n, p=(0.7, 0.2, 0.1)) + np.where(late, rng.integers(*LATE_DAYS, size=n), 0)
        paid = np.flatnonzero((day < business.days) & ~lost)
        price = PRICES[self.plan] * np.where(self.yearly, MONTHS_PAID_OF_A_YEAR, 1)
        bills = paid, day[paid].astype(np.int64), price[paid]
        leaves = lost | (rng.random(n) < self._leaving())
        self._move(leaves, late, rng)
        return bills

    def _leaving(self) -> FloatArray:
        hazard = self.hazard * np.where(self.yearly, YEARLY_HAZARD, 1.0) * np.where(self.warned, WARNED, 1.0)
        return np.minimum(hazard * np.where(self.renewals < TRIAL_MONTHS, TRIAL_HAZARD, 1.0), 0.95)

    def _move(self, leaves: NDArray[np.bool_], late: NDArray[np.bool_], rng: np.random.Generator) -> None:
        n = len(self.due)
        chance = rng.random(n)
        up, down = chance < UPGRADE, chance > 1 - DOWNGRADE * np.where(late, 4.0, 1.0)
        self.plan = np.clip(self.plan + up - down, 0, len(PRICES) - 1)
        self.warned = late | down
        self.renewals = self.renewals + 1
        period = np.where(self.yearly, DAYS_A_YEAR, DAYS_A_YEAR / 12)
        away = np.where(rng.random(n) < RETURN_SHARE, rng.integers(*RETURN_DAYS, size=n), np.inf)
        self.due = self.due + period + np.where(leaves, away, 0.0)
