"""Buy till you die: how often, for how long and for how much, from each customer's purchase summary."""

from __future__ import annotations

from typing import Any, Literal, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from models.dropout import BGNBD, MBGNBD
from models.gamma_gamma import GammaGamma
from models.histories import COUNT, DAYS, DAYS_A_WEEK, RECENCY, SPEND, TENURE, FloatArray

DROPOUT = {"mbg": MBGNBD, "bg": BGNBD}
DROPOUT_PARAMETERS = ("r_", "alpha_", "a_", "b_", "log_likelihood_")
SPEND_PARAMETERS = ("p_", "q_", "gamma_", "log_likelihood_")


class BTYD(BaseEstimator):  # type: ignore[misc]
    """A dropout model of purchase days and a Gamma-Gamma model of what a purchase day brings.

    Both read a table with one row a customer, or a group of customers with the same days: `purchase_days` (at least
    1), `recency_days` and `tenure_days` (from the last and the first purchase day to the as-of date), `spend` (net
    money, summed over the group after raising each customer's to 0), and, for groups, `customers`.

    Parameters
    ----------
    dropout
        "mbg" for MBG/NBD, "bg" for BG/NBD.
    """

    def __init__(self, dropout: Literal["mbg", "bg"] = "mbg") -> None:
        self.dropout = dropout

    def fit(self, customers: pd.DataFrame, spenders: pd.DataFrame | None = None) -> Self:
        """Fit both models.

        Parameters
        ----------
        customers
            One row a customer or group.
        spenders
            `purchase_days` and `spend` of single customers, for the Gamma-Gamma model, which needs the spread between
            customers that a group's sum hides. `customers` itself if None, or where none of them spent.

        Returns
        -------
        Self
            With `dropout_` and `order_value_`, the fitted models.

        Raises
        ------
        ValueError
            If a column is missing, a value is impossible, there is no customer, or the dropout model is unknown.
        """
        if self.dropout not in DROPOUT:
            raise ValueError(f"dropout must be one of {sorted(DROPOUT)}, found {self.dropout!r}")
        self.dropout_ = DROPOUT[self.dropout]().fit(*_history(customers), weights=_counts(customers))
        spenders = customers if spenders is None else spenders
        if not (_spend(spenders)[1] > 0).any():
            # Nobody came twice and spent: single purchases are all there is to tell what an order brings.
            spenders = customers
        self.order_value_ = GammaGamma().fit(*_spend(spenders), weights=_counts(spenders))
        return self

    def predict(self, customers: pd.DataFrame, horizon_days: float) -> pd.DataFrame:
        """Predict a customer's next `horizon_days` days; for a group, the mean of its customers.

        Parameters
        ----------
        customers
            One row a customer or group.
        horizon_days
            Length of the outcome window in days.

        Returns
        -------
        DataFrame, same index
            `alive` and `active`, probabilities of not having dropped out and of buying at least once; `orders`,
            expected purchase days; `order_value`, expected money on one of them; `spend`, orders times order value.

        Raises
        ------
        ValueError
            If a column is missing, a value is impossible, or the horizon is negative.
        """
        check_is_fitted(self)
        history, weeks = _history(customers), horizon_days / DAYS_A_WEEK
        x, _, tenure = history
        alive = self.dropout_.probability_alive(*history)
        orders = alive * self.dropout_.purchases_if_alive(weeks, x, tenure)
        value = self.order_value_.expected_value(*_spend(customers))
        return pd.DataFrame(
            {
                "alive": alive,
                "active": alive * self.dropout_.active_if_alive(weeks, x, tenure),
                "orders": orders,
                "order_value": value,
                "spend": orders * value,
            },
            index=customers.index,
        )

    def totals(self, customers: pd.DataFrame, horizon_days: float) -> dict[str, float]:
        """Sum the predictions over all customers.

        The order value is linear in spend, so that a group's sum is exactly that of its customers.

        Parameters
        ----------
        customers
            One row a customer or group.
        horizon_days
            Length of the outcome window in days.

        Returns
        -------
        dict
            `spend` (money), `orders` (purchase days) and `active` (customers).

        Raises
        ------
        ValueError
            As `predict` does.
        """
        means, counts = self.predict(customers, horizon_days), _counts(customers)
        return {name: float(counts @ means[name].to_numpy()) for name in ("spend", "orders", "active")}

    def to_dict(self) -> dict[str, Any]:
        """Return the fitted model as text and floats that JSON can hold."""
        check_is_fitted(self)
        return {
            "dropout": self.dropout,
            "dropout_": {name: getattr(self.dropout_, name) for name in DROPOUT_PARAMETERS},
            "order_value_": {name: getattr(self.order_value_, name) for name in SPEND_PARAMETERS},
        }

    @classmethod
    def from_dict(cls, fitted: dict[str, Any]) -> Self:
        """Make the fitted model that `to_dict` described; its predictions are the same to the last bit."""
        model = cls(fitted["dropout"])
        model.dropout_ = DROPOUT[model.dropout]()
        model.order_value_ = GammaGamma()
        for part, names in (("dropout_", DROPOUT_PARAMETERS), ("order_value_", SPEND_PARAMETERS)):
            for name in names:
                setattr(getattr(model, part), name, float(fitted[part][name]))
        return model


def _columns(table: pd.DataFrame, names: tuple[str, ...]) -> list[FloatArray]:
    """Return columns as floats, naming those that are missing."""
    missing = [name for name in names if name not in table]
    if missing:
        raise ValueError(f"a purchase summary needs the columns {list(names)}; {missing} missing from {list(table)}")
    return [table[name].to_numpy(dtype=np.float64) for name in names]


def _counts(table: pd.DataFrame) -> FloatArray:
    """Return the customers that each row stands for."""
    return _columns(table, (COUNT,))[0] if COUNT in table else np.ones(len(table))


def _days(table: pd.DataFrame) -> FloatArray:
    """Return purchase days; somebody without any is no customer yet."""
    (days,) = _columns(table, (DAYS,))
    if not (days >= 1).all():
        raise ValueError(f"{DAYS} must be at least 1, found {days[~(days >= 1)][0]}")
    return days


def _history(table: pd.DataFrame) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return repeat purchase days x, and t_x and T in weeks."""
    recency, tenure = _columns(table, (RECENCY, TENURE))
    return _days(table) - 1, (tenure - recency) / DAYS_A_WEEK, tenure / DAYS_A_WEEK


def _spend(table: pd.DataFrame) -> tuple[FloatArray, FloatArray]:
    """Return purchase days n and the mean spend m on one of them; refunds beyond the purchases count as 0."""
    days, counts, (spend,) = _days(table), _counts(table), _columns(table, (SPEND,))
    return days, np.maximum(spend, 0) / (days * np.where(counts > 0, counts, 1))
