"""The feature catalogue: every column of a snapshot by name, unit, family and one sentence."""

from dataclasses import asdict
from typing import Any

import pandas as pd

from features.families import attributes, basket, momentum, refunds, rfm, rhythm, season, tenure
from features.families.family import Family

FAMILIES: tuple[Family, ...] = (
    rfm.FAMILY,
    tenure.FAMILY,
    rhythm.FAMILY,
    momentum.FAMILY,
    season.FAMILY,
    refunds.FAMILY,
    *basket.FAMILIES,
)


def families(days: Any) -> tuple[Family, ...]:
    """Return the families that a ledger's table of days can feed."""
    return tuple(family for family in FAMILIES if family.requires is None or family.requires in days.columns)


def catalogue(ledger: Any = None) -> pd.DataFrame:
    """Return the catalogue as a table, indexed by feature name: `family`, `unit`, `sentence`, `reason`.

    Parameters
    ----------
    ledger
        A `features.ledger.Ledger`: the features that its log can feed, its customer attributes among them.
        None: all features that any log can feed, without attributes.
    """
    chosen = FAMILIES if ledger is None else families(ledger.days)
    rows = [{"family": family.name, **asdict(feature)} for family in chosen for feature in family.features]
    if ledger is not None and ledger.customers is not None:
        rows += [{"family": attributes.NAME, **asdict(feature)} for feature in attributes.features(ledger.customers)]
    return pd.DataFrame(rows, dtype=object).set_index("name")
