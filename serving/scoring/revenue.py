"""Total revenue of the horizon, and the interval in which it will lie four times in five.

Two things move the total: the level, which moves all customers together, and what each customer does. On the
logarithmic scale

    total · exp(±1.2816 · √(level² + own²)).

`level` is by how much the level rule missed, as a root mean square, on past as-of dates whose outcome the log knows and
which lie a window apart, taken together with `PRIOR_WINDOWS` misses of `PRIOR_MISS`: what the rule missed by over 198
windows of ten logs. `own` is the root of the sum of the customers' variances over the total, their standard deviation
taken as their 80 % interval's length over 2 · 1.2816.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import pandas as pd
import pyarrow as pa

from features.window import Schedule, Span, schedule
from models.bundle import Bundle
from models.level import Window
from models.past import Asked
from regulars.errors import HistoryError
from serving.scoring.past_windows import Question

NORMAL_80 = 1.2816
"""Standard deviations on either side that hold 80 % of a normal distribution."""
PRIOR_MISS, PRIOR_WINDOWS = 0.16, 2.0
MOST_PAST = 4


@dataclass
class Revenue:
    """Sums over the customers of one scoring, batch by batch."""

    expected: float = 0.0
    variance: float = 0.0

    def add(self, predicted: pd.DataFrame | pa.RecordBatch) -> None:
        """Count one batch of predictions."""
        low, high = (predicted[f"expected_spend_{end}"].to_numpy() for end in ("low", "high"))
        spread = (high - low) / (2 * NORMAL_80)
        self.expected += float(predicted["expected_spend"].to_numpy().sum())
        self.variance += float((spread**2).sum())

    def counting(self, scores: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Count batches of scores as they pass."""
        for batch in scores:
            self.add(batch)
            yield batch

    def interval(self, misses: list[float]) -> dict[str, float]:
        """Return `expected_spend`, `low` and `high` of the total, and `level_miss`, what the level misses by."""
        level = level_miss(misses)
        own = math.sqrt(self.variance) / self.expected if self.expected > 0 else 0.0
        factor = math.exp(NORMAL_80 * math.hypot(level, own))
        return {
            "expected_spend": self.expected,
            "low": self.expected / factor,
            "high": self.expected * factor,
            "level_miss": level,
        }


def level_miss(misses: list[float]) -> float:
    """Return the root mean square of misses, drawn towards what is usual where they are few."""
    squares = sum(miss * miss for miss in misses)
    return math.sqrt((squares + PRIOR_WINDOWS * PRIOR_MISS**2) / (len(misses) + PRIOR_WINDOWS))


def misses_question(bundle: Bundle, span: Span, as_of: date) -> Question[list[float]]:
    """Ask for the logarithm of what came over what the level rule said, on past as-of dates a window apart."""
    plans = _past_plans(bundle, span, as_of)

    def rule(windows: Mapping[Asked, Window]) -> list[float]:
        found, misses = {day: window for (day, _), window in windows.items()}, []
        for plan in plans:
            seen = {day: window for day, window in found.items() if day in _read(plan)}
            if plan.as_of in seen and all(day in seen for day in (plan.last_year, plan.year_before) if day):
                said = bundle.level_rule.forecast(seen, plan).spend
                misses.append(math.log(found[plan.as_of].level("spend") / said))
        return misses

    return Question(frozenset((day, bundle.window_days) for plan in plans for day in _read(plan)), rule)


def _read(plan: Schedule) -> set[date]:
    # Every third of the cut-offs, which lie a quarter of a window apart: the rule reads them as one slow mean.
    years_ago = [day for day in (plan.last_year, plan.year_before) if day]
    return {*plan.cutoffs[::3], plan.cutoffs[0], *years_ago, plan.as_of}


def _past_plans(bundle: Bundle, span: Span, as_of: date) -> list[Schedule]:
    days, plans = bundle.window_days, []
    for back in range(1, MOST_PAST + 1):
        past = min(as_of, span.end) - timedelta(days=days * back)
        try:
            plans.append(schedule(span, past, bundle.horizon_days, days))
        except HistoryError:
            break
    return plans
