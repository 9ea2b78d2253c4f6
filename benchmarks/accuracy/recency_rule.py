"""The recency rule: whoever has not bought for a while is taken for gone, as many shops judge by hand.

The "hiatus heuristic" of Wübben & von Wangenheim (2008, Journal of Marketing 72(3)). Its number of days is the one that
would have told best, one window ago, who came back: by the mean of the shares told rightly of those who did and of
those who did not, because by plain accuracy the best rule of many a shop is that nobody ever does.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class RecencyRule:
    """How many days without a purchase mean gone, and what became of both groups in the newest complete window.

    Attributes
    ----------
    days
        Customers whose last purchase is at most so long ago are active.
    churn, orders
        Share of churned customers, and mean purchase days a customer, of the inactive and the active ones.
    """

    days: float
    churn: tuple[float, float]
    orders: tuple[float, float]

    @classmethod
    def fit(cls, past: pd.DataFrame) -> Self:
        """Learn it from `recency_days` at the newest complete window, and its `outcome_days` and `churned`."""
        by_recency = past.groupby("recency_days")["churned"].agg(["size", "sum"]).sort_index()
        stayed = (by_recency["size"] - by_recency["sum"]).cumsum()
        churned = by_recency["sum"].cumsum()
        right = stayed / max(stayed.iloc[-1], 1) + 1 - churned / max(churned.iloc[-1], 1)
        days = float(right.idxmax())
        groups = [past[past["recency_days"] > days], past[past["recency_days"] <= days]]
        # A group of nobody is taken for the others.
        groups = [group if len(group) else past for group in groups]
        churn, orders = ([float(group[name].mean()) for group in groups] for name in ("churned", "outcome_days"))
        return cls(days, (churn[0], churn[1]), (orders[0], orders[1]))

    def predict(self, known: pd.DataFrame, growth: float) -> pd.DataFrame:
        """Expect of each customer their own mean purchase, as often as their group bought.

        Parameters
        ----------
        known
            `recency_days`, `spend` and `purchase_days` of n customers.
        growth
            Horizon over length of the past window.
        """
        active = (known["recency_days"] <= self.days).to_numpy().astype(int)
        monetary = known["spend"].clip(lower=0) / known["purchase_days"]
        return pd.DataFrame(
            {
                "expected_spend": monetary * np.array(self.orders)[active] * growth,
                "churn_probability": np.array(self.churn)[active] ** growth,
            },
            index=known.index,
        )
