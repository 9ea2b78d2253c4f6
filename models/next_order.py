"""The next order: the day by which it is as likely as not to have come.

Within the horizon the probability Q(t) of no order yet falls as BTYD says, and as fast as it takes to end at the
predicted churn probability: the hazards of BTYD's curve are all multiplied by the same number (proportional hazards;
Cox 1972, Journal of the Royal Statistical Society B 34(2)). With q the churn probability, and A(t) what BTYD says of an
order by t,

    Q(t) = (1 - A(t))^k,    k = log q / log(1 - A(horizon)),

    A(t) = P(alive) · (1 - (s / (s + t))^m),    m = r + x,  s = alpha + T,

where m and s are shape and scale of the gamma-distributed rate of orders of a customer who is alive (`models.dropout`).
BTYD's orders have no rhythm, those of a log may: t is time on the log's own clock (`models.clock`), which each customer
reads from the present silence to what that would be at the end of the horizon. Q(t) = 1/2 is solved for t without
searching, and the clock tells the day.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.btyd import BTYD
from models.clock import Clock
from models.histories import DAYS_A_WEEK

FloatArray = NDArray[np.float64]

SMALLEST = 1e-12
"""Probabilities are kept this far from 0 and 1."""


def rates(btyd: BTYD, customers: pd.DataFrame) -> pd.DataFrame:
    """Return the rate of orders of each customer, if alive, as its gamma distribution.

    Parameters
    ----------
    btyd
        The fitted model.
    customers
        `purchase_days` and `tenure_days`, n rows.

    Returns
    -------
    DataFrame, same index
        `rate_shape`, and `rate_days`, its scale: their quotient is the expected number of orders a day.
    """
    return pd.DataFrame(
        {
            "rate_shape": btyd.dropout_.r_ + customers["purchase_days"] - 1,
            "rate_days": btyd.dropout_.alpha_ * DAYS_A_WEEK + customers["tenure_days"],
        }
    )


def next_order_days(allocation: pd.DataFrame, churn: FloatArray, horizon_days: int, clock: Clock) -> FloatArray:
    """Return the median of the days until the next order, row by row.

    Parameters
    ----------
    allocation
        `btyd_active` (by the end of the horizon), `rate_shape`, `rate_days`, `recency_days`, n rows.
    churn
        Predicted probability of no order within the horizon (n,).
    horizon_days
        Length of the outcome window.
    clock
        Of the log.

    Returns
    -------
    array (n,)
        Whole days from the as-of date, 0 for that date itself: the first day by whose end an order is as likely as not
        to have come. Missing where that is beyond the horizon.
    """
    shape, scale = allocation["rate_shape"].to_numpy(), allocation["rate_days"].to_numpy()
    active = np.clip(allocation["btyd_active"].to_numpy(), SMALLEST, 1.0 - SMALLEST)
    inside = np.clip(churn, SMALLEST, 1.0 - SMALLEST)
    # The silence at the end of yesterday.
    silence = allocation["recency_days"].to_numpy() - 1.0
    now = clock.time(silence)
    ahead = clock.time(silence + horizon_days) - now
    # No pause is known to have ended in such days: there is no rhythm to go by.
    unknown = ahead <= 0.0
    # BTYD's probability to have ordered by the median, over the one by the end of the horizon; at most 1 where churn
    # is at most 1/2.
    ratio = np.minimum(-np.expm1(np.log(2.0) * np.log1p(-active) / -np.log(inside)) / active, 1.0)
    # (s / (s + t))^m at the median, from its value at the end of the horizon.
    waiting = 1.0 - ratio + ratio * np.exp(-shape * np.log1p(np.where(unknown, horizon_days, ahead) / scale))
    median = scale * np.expm1(-np.log(np.maximum(waiting, 1e-300)) / shape)
    by_clock = clock.days(now + median) - silence
    days = np.clip(np.where(unknown, np.ceil(median), by_clock) - 1.0, 0.0, horizon_days - 1.0)
    return np.where(churn <= 0.5, days, np.nan)
