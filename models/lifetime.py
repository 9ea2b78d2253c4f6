"""Customer lifetime value: the horizon's expected spend carried on by BTYD's curve, discounted, times the margin."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.btyd import BTYD
from regulars.errors import RegularsError

FloatArray = NDArray[np.float64]

DAYS_A_YEAR = 365.25
PERIODS = 6


@dataclass(frozen=True)
class Economics:
    """What turns spend into value.

    Attributes
    ----------
    margin
        Share of spend that is left after the cost of what was sold; 1 where it is not known.
    discount
        Yearly discount rate.
    lifetime_days
        How far ahead value counts.
    """

    margin: float = 1.0
    discount: float = 0.10
    lifetime_days: int = 1096

    def __post_init__(self) -> None:
        if not 0 < self.margin <= 1:
            raise RegularsError(f"margin {self.margin} is not a share above 0 and up to 1: 30 % is 0.3")
        if not 0 <= self.discount < 1:
            raise RegularsError(f"discount {self.discount} is not a yearly rate from 0 to below 1: 10 % is 0.1")
        if self.lifetime_days < 1:
            raise RegularsError(f"a lifetime of {self.lifetime_days} days is none: give at least 1")


def lifetime_factor(btyd: BTYD, customers: pd.DataFrame, horizon_days: int, economics: Economics) -> FloatArray:
    """Return discounted lifetime spend over spend in the horizon (n,).

    Spend in the horizon counts whole, discounted from its middle; beyond it the customer's expected purchases grow as
    the buy-till-you-die model says, each period discounted from its middle (Fader, Hardie & Lee 2005, J. Marketing
    Research 42, eq. 6, with periods in place of the integral).

    Parameters
    ----------
    btyd
        The fitted model.
    customers
        `purchase_days`, `recency_days`, `tenure_days`, `spend`, n rows.
    horizon_days
        Length of the outcome window.
    economics
        Discount rate and lifetime; the margin is not used.
    """
    first = min(horizon_days, economics.lifetime_days)
    ends = np.unique(np.linspace(first, economics.lifetime_days, PERIODS + 1).round())
    history = (
        customers["purchase_days"] - 1,
        (customers["tenure_days"] - customers["recency_days"]) / 7,
        customers["tenure_days"] / 7,
    )
    orders = np.stack([btyd.dropout_.expected_purchases(end / 7, *history) for end in (*ends, horizon_days)])
    steps = np.diff(orders[:-1], axis=0, prepend=0.0)
    middles = (np.concatenate([[0.0], ends[:-1]]) + ends) / 2
    weights = (1.0 + economics.discount) ** (-middles / DAYS_A_YEAR)
    # Period by period, so that the last bits of a customer's value do not depend on who else is asked about.
    discounted = np.zeros(len(customers))
    for weight, step in zip(weights, steps, strict=True):
        discounted += weight * step
    factor: FloatArray = discounted / np.maximum(orders[-1], 1e-300)
    return factor
