"""Past windows: what happened in them beside what a buy-till-you-die model expected, for levels of every kind."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from features.diaries import diaries
from features.engine import engine_of
from features.ledger import Ledger
from features.outcome import customer_groups
from features.sample import parts
from features.snapshot import BATCH_ROWS
from models.btyd import BTYD
from models.level import Window, windows
from models.past import Asked, Past

Answer = TypeVar("Answer", covariant=True)


@dataclass(frozen=True)
class Question(Generic[Answer]):
    """What is asked of past windows: said first, so that one look at the days answers several questions.

    Attributes
    ----------
    asked
        As-of dates and days of the windows.
    rule
        Makes the answer of them; those at which nobody was a customer are not among them.
    """

    asked: frozenset[Asked]
    rule: Callable[[Mapping[Asked, Window]], Answer]

    def answer(self, found: Mapping[Asked, Window]) -> Answer:
        """Answer it from windows among which are those that it asks for."""
        return self.rule({one: found[one] for one in self.asked if one in found})

    def alone(self, known: Ledger, btyd: BTYD) -> Answer:
        """Answer it by a look of its own."""
        return self.answer(past_windows(known, btyd, self.asked))


def past_windows(known: Ledger, btyd: BTYD, asked: Collection[Asked]) -> dict[Asked, Window]:
    """Return the windows that begin at some dates and last some days, those at which nobody was a customer left out.

    Parameters
    ----------
    known
        The ledger; where it ends inside a window, what is there is counted.
    btyd
        The fitted model.
    asked
        As-of dates and days.
    """
    if engine_of(known.connection).DISTRIBUTED:
        # The engine counts where the rows are; only customers with the same past, as one row, come here.
        lengths = {days: [as_of for as_of, other in asked if other == days] for _, days in asked}
        counted = {days: customer_groups(known, dates, days).to_pandas() for days, dates in lengths.items()}
        return {
            (as_of, days): window
            for days, groups in counted.items()
            for as_of, window in windows(groups, btyd, days).items()
        }
    past = Past(btyd, asked)
    for part in parts(known):
        for batch in diaries(part).to_pyarrow_batches(chunk_size=BATCH_ROWS):
            past.add(batch)
    return past.windows()
