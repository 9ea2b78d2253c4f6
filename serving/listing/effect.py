"""Effects: the difference between contacted and held-back customers, with its confidence interval.

Means of spend are compared by Welch's t interval with the degrees of freedom of Welch & Satterthwaite (Welch 1947,
Biometrika 34: 28-35). Return rates are compared by method 10 of Newcombe (1998), "Interval estimation for the
difference between independent proportions: comparison of eleven methods", Statistics in Medicine 17: 873-890, which
joins two Wilson intervals and holds its level in small groups and near 0 and 1. What each customer spent in the days
before takes noise out of the difference in spend, and none of the effect: control variates of Deng, Xu, Kohavi & Walker
(2013), "Improving the sensitivity of online controlled experiments by utilizing pre-experiment data".
"""

import math
from dataclasses import dataclass

from scipy import stats

CONFIDENCE, POWER = 0.95, 0.80
FEWEST = 30
"""Customers in the smaller group below which spend, skewed as it is, is not said to differ."""
FEWEST_RETURNS = 5
"""Customers of a group who came back, and who did not, below which rates are not said to differ."""


@dataclass(frozen=True)
class Group:
    """Sums over one group: spend in the window (y) and in as many days before (x), and how many came back."""

    customers: int
    returned: int
    mean: float
    variance: float
    mean_before: float = 0.0
    variance_before: float = 0.0
    covariance: float = 0.0

    @property
    def rate(self) -> float:
        """Share of customers who came back."""
        return self.returned / self.customers

    def adjusted(self, slope: float, centre: float) -> "Group":
        """Return the group with spend less what the days before explain of it."""
        variance = self.variance - 2 * slope * self.covariance + slope**2 * self.variance_before
        mean = self.mean - slope * (self.mean_before - centre)
        return Group(self.customers, self.returned, mean, max(variance, 0.0))


@dataclass(frozen=True)
class Effect:
    """A difference, contacted minus held back, its confidence interval, and the smallest one that would be seen.

    `detectable` is the true difference that groups of this size would find, at 95 % confidence, in four cases of five.
    """

    difference: float
    low: float
    high: float
    detectable: float

    @property
    def clear(self) -> bool:
        """Whether the interval holds no 0."""
        return self.low > 0 or self.high < 0


def welch(contacted: Group, held: Group) -> Effect:
    """Return the difference in mean spend; both groups have two customers or more."""
    parts = [group.variance / group.customers for group in (contacted, held)]
    error = math.sqrt(sum(parts))
    difference = contacted.mean - held.mean
    if error == 0:
        return Effect(difference, difference, difference, 0.0)
    freedom = sum(parts) ** 2 / sum(
        part**2 / (group.customers - 1) for part, group in zip(parts, (contacted, held), strict=True)
    )
    reach = float(stats.t.ppf((1 + CONFIDENCE) / 2, freedom)) * error
    return Effect(difference, difference - reach, difference + reach, _detectable(error))


def adjusted_welch(contacted: Group, held: Group) -> Effect:
    """Return the difference in mean spend, less what spend in the days before explains."""
    groups = (contacted, held)
    spare = sum(group.customers - 1 for group in groups)
    within = sum((group.customers - 1) * group.variance_before for group in groups) / spare
    together = sum((group.customers - 1) * group.covariance for group in groups) / spare
    slope = together / within if within > 0 else 0.0
    centre = sum(group.customers * group.mean_before for group in groups) / sum(group.customers for group in groups)
    return welch(*(group.adjusted(slope, centre) for group in groups))


def newcombe(contacted: Group, held: Group) -> Effect:
    """Return the difference in return rates."""
    difference = contacted.rate - held.rate
    (low_1, high_1), (low_2, high_2) = wilson(contacted), wilson(held)
    low = difference - math.hypot(contacted.rate - low_1, high_2 - held.rate)
    high = difference + math.hypot(high_1 - contacted.rate, held.rate - low_2)
    rate = (contacted.returned + held.returned) / (contacted.customers + held.customers)
    error = math.sqrt(rate * (1 - rate) * (1 / contacted.customers + 1 / held.customers))
    return Effect(difference, low, high, _detectable(error))


def wilson(group: Group) -> tuple[float, float]:
    """Return the score interval of a return rate (Wilson 1927, J. American Statistical Association 22: 209-212)."""
    z, n = float(stats.norm.ppf((1 + CONFIDENCE) / 2)), group.customers
    centre = (group.rate + z * z / (2 * n)) / (1 + z * z / n)
    reach = z / (1 + z * z / n) * math.sqrt(group.rate * (1 - group.rate) / n + z * z / (4 * n * n))
    return max(centre - reach, 0.0), min(centre + reach, 1.0)


def enough_for_spend(contacted: Group, held: Group) -> bool:
    """Return whether the groups are large enough to speak of a difference in spend."""
    return min(contacted.customers, held.customers) >= FEWEST


def enough_for_rates(contacted: Group, held: Group) -> bool:
    """Return whether enough came back, and enough stayed away, to speak of a difference in return rates."""
    counts = [count for group in (contacted, held) for count in (group.returned, group.customers - group.returned)]
    return min(counts) >= FEWEST_RETURNS


def _detectable(error: float) -> float:
    return float(stats.norm.ppf((1 + CONFIDENCE) / 2) + stats.norm.ppf(POWER)) * error
