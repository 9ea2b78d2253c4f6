"""The training table: many snapshots of the past and what came of them."""

import pandas as pd

from features.ledger import Ledger
from features.outcome import outcomes
from features.snapshot import KEYS, sampled, snapshot
from features.window import Schedule

TRAINING_ROWS = 60_000
OUTCOMES = ("net_spend", "outcome_days", "churned")


def training_table(ledger: Ledger, plan: Schedule, rows: int = TRAINING_ROWS) -> pd.DataFrame:
    """Return features and outcomes at every cut-off of a schedule.

    Parameters
    ----------
    ledger
        The ledger.
    plan
        Cut-offs and window length.
    rows
        About how many rows in all: a uniform sample of customers at each cut-off, by a hash of customer and date.

    Returns
    -------
    DataFrame
        Indexed by `as_of` and `customer_id` in order; snapshot columns, then `net_spend` (money), `outcome_days`
        (purchase days in the window) and `churned` (bool).
    """
    among = sampled(ledger, plan.cutoffs, -(-rows // len(plan.cutoffs)))
    known = snapshot(ledger, plan.cutoffs, plan.window_days, among)
    ahead = outcomes(ledger, plan.cutoffs, plan.window_days, among).rename(outcome_days="purchase_days")
    joined = known.inner_join(ahead, KEYS)
    columns = [name for name in known.columns if name not in KEYS]
    return joined.select(*KEYS, *columns, *OUTCOMES).to_pandas().sort_values([*KEYS]).set_index([*KEYS])
