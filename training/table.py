"""The training table: many snapshots of the past and what came of them."""

import pandas as pd

from features.ledger import Ledger
from features.outcome import outcomes
from features.snapshot import KEYS, sampled, snapshot
from features.window import Lesson, Schedule
from training.fitting import TRAINING_ROWS

OUTCOMES = ("ahead_days", "net_spend", "outcome_days", "churned")


def training_table(ledger: Ledger, plan: Schedule, rows: int = TRAINING_ROWS) -> pd.DataFrame:
    """Return features and outcomes at every date of a schedule.

    Parameters
    ----------
    ledger
        The ledger.
    plan
        Cut-offs and window length.
    rows
        About how many rows at the main cut-offs: a uniform sample of customers at each, by a hash of customer and date.
        Those of other lengths add as many a cut-off.

    Returns
    -------
    DataFrame
        Indexed by `as_of` and `customer_id`, in order of `ahead_days`, `as_of` and `customer_id`; snapshot columns,
        then `ahead_days` (length of the row's outcome window), `net_spend` (money), `outcome_days` (purchase days in
        the window) and `churned` (bool). The main windows come first.
    """
    each = -(-rows // len(plan.main.cutoffs))
    lessons = [plan.main, *(lesson for lesson in plan.others if lesson.cutoffs)]
    return pd.concat([_rows(ledger, lesson, plan.window_days, each) for lesson in lessons])


def _rows(ledger: Ledger, lesson: Lesson, window_days: int, each: int) -> pd.DataFrame:
    among = sampled(ledger, lesson.cutoffs, each)
    known = snapshot(ledger, lesson.cutoffs, window_days, among)
    ahead = outcomes(ledger, lesson.cutoffs, lesson.window_days, among).rename(outcome_days="purchase_days")
    joined = known.inner_join(ahead, KEYS)
    columns = [name for name in known.columns if name not in KEYS]
    found = joined.select(*KEYS, *columns, *OUTCOMES[1:]).to_pandas().sort_values([*KEYS]).set_index([*KEYS])
    found.insert(len(columns), OUTCOMES[0], lesson.window_days)
    return found
