"""Reasons: the features that moved a customer's prediction most, as short sentences with the customer's own numbers."""

import re
from collections.abc import Mapping

import numpy as np
import pandas as pd

from models.bundle import Bundle

REASONS = 3
CANDIDATES = 12
"""Features that are looked through for three different sentences."""
SINGULAR = re.compile(r"(?<![\d.,-])1 ((?:purchase |different )?(?:day|order|product|item|channel))s\b")


def reasons(bundle: Bundle, snapshot: pd.DataFrame) -> list[list[str]]:
    """Say what moved each customer's expected spend most.

    Parameters
    ----------
    bundle
        Its explainer ranks the features, its catalogue words them.
    snapshot
        Snapshot columns, n rows.

    Returns
    -------
    list
        Of n lists of at most three sentences, the strongest first, such as "last order 140 days ago; usually every
        32 days". A sentence is said once, whichever of its features ranks first; one that needs a number which the
        customer does not have is left out.
    """
    moved = bundle.explainer.contributions(bundle.encoding.encode(snapshot))
    templates = [str(bundle.catalogue[name]["reason"]) for name in moved.columns]
    ranked = np.argsort(-np.abs(moved.to_numpy()), axis=1, kind="stable")[:, :CANDIDATES]
    rows = snapshot[list(bundle.encoding.numeric)].to_dict(orient="records")
    return [_sentences(row, [templates[i] for i in order]) for row, order in zip(rows, ranked, strict=True)]


def _sentences(row: Mapping[str, float], templates: list[str]) -> list[str]:
    found: list[str] = []
    for template in templates:
        sentence = SINGULAR.sub(r"1 \1", template.format_map(row))
        if "nan" not in sentence and sentence not in found:
            found.append(sentence)
            if len(found) == REASONS:
                break
    return found
