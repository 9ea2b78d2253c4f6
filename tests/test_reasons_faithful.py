"""Reasons are faithful: take away what a reason names, and the prediction moves as the reason says.

What a reason names is taken away by putting other customers' values in its place, drawn at random, together with those
of the features that say nearly the same: a prediction reads a hundred features, and recency alone, left beside decayed
sums that contradict it, describes nobody.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from serving.scoring.reasons import reasons, strongest
from serving.scoring.sentences import Sentence

pytestmark = pytest.mark.slow

NEARLY_THE_SAME = 0.8
"""Rank correlation from which two features say the same thing."""
DRAWS = 4


@dataclass(frozen=True)
class Reasoned:
    """Customers, what they are expected to spend, which features their reasons name and what these add, and what fields
    the sentence of each feature says."""

    bundle: object
    snapshot: pd.DataFrame
    logs: np.ndarray
    told: np.ndarray
    added: np.ndarray
    said: dict

    def named(self, rank):
        """Return what each customer's first, second, ... reason names, and what it adds to the log prediction."""
        return np.array(list(self.said))[self.told[rank]], self.added[rank]

    def moved(self, named):
        """Return how the mean log prediction moves where others' values take the place of a sentence a customer."""
        rng = np.random.default_rng(0)
        alike = self.snapshot.corr("spearman").abs() >= NEARLY_THE_SAME
        together = {name: sorted(alike.index[alike[[name, *self.said[name]]].any(axis=1)]) for name in set(named)}
        logs = []
        for _ in range(DRAWS):
            others = self.snapshot.iloc[rng.permutation(len(self.snapshot))].set_index(self.snapshot.index)
            changed = self.snapshot.copy()
            for name, columns in together.items():
                changed.loc[named == name, columns] = others.loc[named == name, columns]
            logs.append(np.log(self.bundle.predict(possible(changed))["expected_spend"]))
        return np.mean(logs, axis=0) - self.logs


def possible(snapshot):
    """Return customers with the same values, but for last purchases that lie before the first ones."""
    recency = np.minimum(snapshot["recency_days"], snapshot["tenure_days"])
    once = snapshot["purchase_days"] == 1
    return snapshot.assign(recency_days=recency.where(~once, snapshot["tenure_days"]))


@pytest.fixture(scope="module")
def reasoned(small_bundle, small_snapshot):
    encoded = small_bundle.encoding.encode(small_snapshot)
    logs = np.log(small_bundle.predict(small_snapshot)["expected_spend"].to_numpy())
    columns = small_bundle.explainer.columns
    said = {name: Sentence.of(name, small_bundle.catalogue, small_bundle.encoding).fields for name in columns}
    return Reasoned(small_bundle, small_snapshot, logs, *strongest(small_bundle, encoded), said)


@pytest.fixture(scope="module")
def without_the_first(reasoned):
    return reasoned.moved(reasoned.named(0)[0])


def test_the_first_sentence_is_of_the_feature_that_moved_the_prediction_most(reasoned):
    first = reasoned.named(0)[0][:300]
    rows = reasoned.snapshot.head(300).to_dict(orient="records")
    encoded = reasoned.bundle.encoding.encode(reasoned.snapshot.head(300))
    said = [found[0] for found in reasons(reasoned.bundle, encoded).to_pylist()]
    templates = [str(reasoned.bundle.catalogue[name]["reason"]) for name in first]
    meant = [template.format_map(row) for template, row in zip(templates, rows, strict=True)]
    plural = [sentence.replace("1 days", "1 day") for sentence in meant]
    assert np.mean([a in b for a, b in zip(said, zip(meant, plural, strict=True), strict=True)]) > 0.95


def test_what_features_add_is_the_prediction_of_customers_whom_the_surrogate_never_saw(reasoned):
    encoded = reasoned.bundle.encoding.encode(reasoned.snapshot)
    surrogate = reasoned.bundle.explainer.contributions(encoded).sum(axis=1).to_numpy()
    error = reasoned.logs - surrogate
    assert reasoned.bundle.explainer.fidelity_ > 0.9
    assert error.var() < 0.1 * reasoned.logs.var()


def test_without_what_the_first_reason_names_the_prediction_moves_against_it(reasoned, without_the_first):
    added = reasoned.named(0)[1]
    assert (np.sign(-without_the_first) == np.sign(added)).mean() > 0.8
    assert np.corrcoef(-without_the_first, added)[0, 1] > 0.8


def test_the_second_reason_is_true_as_well(reasoned):
    named, added = reasoned.named(1)
    assert (np.sign(-reasoned.moved(named)) == np.sign(added)).mean() > 0.75


def test_the_first_reason_moves_more_than_a_feature_drawn_at_random(reasoned, without_the_first):
    drawn = np.random.default_rng(1).choice(list(reasoned.said), len(reasoned.snapshot))
    at_random = reasoned.moved(drawn)
    assert np.abs(without_the_first).mean() > 2 * np.abs(at_random).mean()
    assert (np.abs(without_the_first) > np.abs(at_random)).mean() > 0.7
