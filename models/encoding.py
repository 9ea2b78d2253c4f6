"""The columns that models were trained on: their order, and a code for every category; anything else is refused."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd

from regulars.errors import BundleError

MOST_CATEGORIES = 100


@dataclass(frozen=True)
class Encoding:
    """From a snapshot to numbers.

    Attributes
    ----------
    columns
        Snapshot columns in their order.
    categories
        Values of each categorical column, most frequent first; their positions are the codes.
    """

    columns: tuple[str, ...]
    categories: Mapping[str, tuple[str, ...]]

    @classmethod
    def of(cls, snapshot: pd.DataFrame) -> Self:
        """Learn columns and categories from a training table: text columns are categorical.

        The hundred most frequent values of a column get a code; rarer ones, like values never seen, count as missing.
        """
        categories = {}
        for name in snapshot.columns:
            if not pd.api.types.is_numeric_dtype(snapshot[name]):
                counts = snapshot[name].value_counts().reset_index()
                ranked = counts.sort_values(["count", name], ascending=[False, True])[name]
                categories[name] = tuple(str(value) for value in ranked.iloc[:MOST_CATEGORIES])
        return cls(tuple(snapshot.columns), categories)

    @classmethod
    def from_dict(cls, fitted: Mapping[str, Any]) -> Self:
        """Make the encoding that `dataclasses.asdict` described."""
        categories = {name: tuple(values) for name, values in fitted["categories"].items()}
        return cls(tuple(fitted["columns"]), categories)

    @property
    def numeric(self) -> list[str]:
        """Names of the columns that are numbers."""
        return [name for name in self.columns if name not in self.categories]

    def encode(self, snapshot: pd.DataFrame) -> pd.DataFrame:
        """Return the columns in training order as float64, categories as codes, unseen and missing ones as NaN.

        Raises
        ------
        BundleError
            Columns are missing, not known, or of another type than in training; the message names them.
        """
        self._require(snapshot)
        if not self.categories:
            return snapshot[list(self.columns)].astype(np.float64)
        encoded = {}
        for name in self.columns:
            if name in self.categories:
                codes = {value: float(code) for code, value in enumerate(self.categories[name])}
                encoded[name] = snapshot[name].map(codes).astype(np.float64)
            else:
                encoded[name] = snapshot[name].astype(np.float64)
        return pd.DataFrame(encoded, index=snapshot.index)

    def _require(self, snapshot: pd.DataFrame) -> None:
        wrong = [
            _differ("without", [name for name in self.columns if name not in snapshot.columns]),
            _differ("with the unknown", [name for name in snapshot.columns if name not in self.columns]),
            _differ("with text instead of numbers in", [name for name in self.numeric if _is_text(snapshot, name)]),
            _differ(
                "with numbers instead of text in", [name for name in self.categories if _is_numeric(snapshot, name)]
            ),
        ]
        if any(wrong):
            raise BundleError(
                f"the model was trained on other columns: the snapshot comes {' and '.join(w for w in wrong if w)}. "
                "Map the log and the customers table as for the training, or train again (--model challenger scores "
                "with a new version before it is promoted)."
            )


def _differ(how: str, names: Sequence[str]) -> str:
    return f"{how} {', '.join(names)}" if names else ""


def _is_numeric(snapshot: pd.DataFrame, name: str) -> bool:
    present = name in snapshot.columns and pd.api.types.is_numeric_dtype(snapshot[name])
    return bool(present and snapshot[name].notna().any())


def _is_text(snapshot: pd.DataFrame, name: str) -> bool:
    present = name in snapshot.columns and not pd.api.types.is_numeric_dtype(snapshot[name])
    return bool(present and snapshot[name].notna().any())
