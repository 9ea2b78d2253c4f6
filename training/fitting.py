"""How to fit: the settings of a training; the defaults are meant to be good without a search."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import models.churn
import models.spend

TRAINING_ROWS = 60_000
FAMILY, MEMBER = "family:", "member:"
DESCRIPTIVE = ("season", "refunds", "rhythm", "items")
"""Families that no tree and no ridge learns from: left out all at once they cost the forecast nothing. They describe
customers, word reasons and place the present silence; `benchmarks/accuracy/FINDINGS.md` has the figures."""
SEASONAL = ("season", "rhythm")
"""Of those, the ones that models do learn from where windows of the same season in earlier years teach: they say whose
season it is."""


@dataclass(frozen=True)
class Fitting:
    """How to fit.

    Attributes
    ----------
    rows
        About how many rows of past snapshots to learn from.
    seed
        Seed of the boosters.
    threads
        Threads of LightGBM; 0: all cores. It changes no result. On this many rows a second thread gains little, and
        waits long where another process wants its core.
    spend_trees, churn_trees
        Trees of each booster of spend and of churn.
    boosting
        LightGBM parameters in place of those of `models.booster.SHARED`.
    without
        What to leave out, to see what it is worth: ``family:season`` for a family of features, ``member:ridge`` for a
        member of the blends.
    dask
        Address of a Dask scheduler, such as ``tcp://host:8786``, on whose workers the trees grow: for more rows than
        one machine learns from in time. None: in this process.
    """

    rows: int = TRAINING_ROWS
    seed: int = 0
    threads: int = 1
    spend_trees: int = 250
    churn_trees: int = 130
    boosting: Mapping[str, Any] = field(default_factory=dict)
    without: tuple[str, ...] = ()
    dask: str | None = None

    @property
    def spend_members(self) -> tuple[str, ...]:
        """Members of the blend of spend."""
        return self._kept(models.spend.MEMBERS)

    @property
    def churn_members(self) -> tuple[str, ...]:
        """Members of the mean of log-odds."""
        return self._kept(models.churn.MEMBERS)

    def unused(self, families: Mapping[str, str], seasonal: bool = False) -> tuple[str, ...]:
        """Return the columns that no tree and no ridge may see.

        Parameters
        ----------
        families
            The family of each column.
        seasonal
            Whether windows of the same season in earlier years teach.
        """
        describing = {*DESCRIPTIVE} - ({*SEASONAL} if seasonal else set())
        return tuple(
            name for name, family in families.items() if family in describing or f"{FAMILY}{family}" in self.without
        )

    def _kept(self, members: Sequence[str]) -> tuple[str, ...]:
        return tuple(name for name in members if f"{MEMBER}{name}" not in self.without)
