"""Reasons: the features that moved a customer's prediction most, as short sentences with the customer's own numbers.

All customers of a batch are looked at together, a feature at a time; a sentence is worded once for each distinct number
that it says.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from models.bundle import Bundle
from models.histories import distinct
from serving.scoring.sentences import FEWEST_DAYS, NONE_OF_IT, Sentence
from serving.scoring.silence import told_by_last_order

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

REASONS = 3
NOBODY = -1
"""In place of a sentence where there is none."""
ALIKE = 1e6
"""Taken from the weight of a sentence that says what was said already: more than any feature moves a logarithm."""


def reasons(bundle: Bundle, encoded: pd.DataFrame) -> pa.ListArray:
    """Say what moved each customer's expected spend most.

    Parameters
    ----------
    bundle
        Its explainer ranks the features, its catalogue words them.
    encoded
        Snapshot columns as the bundle's encoding makes them, n rows.

    Returns
    -------
    array of lists of text
        Of n lists of at most three sentences, the strongest first, such as "last order 140 days ago; usually every
        32 days". One that needs a number which the customer does not have is left out; one that says a number or an
        idea which was said comes only where nothing else is left.
    """
    sentences = _sentences(bundle)
    fields = _fields(sentences)
    chosen, _ = strongest(bundle, encoded)
    return _worded(chosen, _numbers(encoded, fields), sentences, fields)


def strongest(bundle: Bundle, encoded: pd.DataFrame) -> tuple[IntArray, FloatArray]:
    """Return which features' sentences are told (reasons, n), and what each adds to the log prediction.

    Parameters as for `reasons`; a feature is its place among the explainer's columns, `NOBODY` where none is told.
    """
    sentences = _sentences(bundle)
    fields = _fields(sentences)
    said = dict(zip(bundle.explainer.columns, (sentence.fields for sentence in sentences), strict=True))
    moved = np.array(list(told_by_last_order(bundle.explainer.contributions(encoded), said, encoded).values()))
    chosen = _chosen(np.abs(moved), _numbers(encoded, fields), sentences, fields)
    added = np.where(chosen == NOBODY, 0.0, moved[chosen, np.arange(moved.shape[1])])
    return chosen, added


def _sentences(bundle: Bundle) -> list[Sentence]:
    return [Sentence.of(name, bundle.catalogue, bundle.encoding) for name in bundle.explainer.columns]


def _fields(sentences: Sequence[Sentence]) -> list[str]:
    return list(dict.fromkeys(field for sentence in sentences for field in sentence.fields))


def _numbers(encoded: pd.DataFrame, fields: Sequence[str]) -> FloatArray:
    """Return the numbers of fields (fields, n); missing where they say nothing, of too few purchase days."""
    numbers = np.array(encoded[list(fields)].to_numpy(dtype=np.float64).T, order="C")
    days = encoded["purchase_days"].to_numpy()
    for place, field in enumerate(fields):
        if field in FEWEST_DAYS:
            numbers[place, days < FEWEST_DAYS[field]] = np.nan
    return numbers


def _chosen(weights: FloatArray, numbers: FloatArray, sentences: Sequence[Sentence], fields: list[str]) -> IntArray:
    """Return the places of each customer's sentences (reasons, n), the strongest first."""
    said = _Said(numbers, sentences, fields)
    missing = np.isnan(numbers)
    names = [sentence.idea for sentence in sentences]
    ideas = np.array([names.index(idea) for idea in names])
    for weight, places in zip(weights, said.places, strict=True):
        weight[missing[places].any(axis=0)] = -np.inf
    chosen = np.empty((REASONS, weights.shape[1]), dtype=np.int64)
    everybody = np.arange(weights.shape[1])
    for rank in range(REASONS):
        best = weights.argmax(axis=0)
        chosen[rank] = np.where(weights[best, everybody] > -np.inf, best, NOBODY)
        weights[best, everybody] = -np.inf
        if rank + 1 < REASONS:
            alike = said.again(best)
            for weight, places, idea in zip(weights, said.places, ideas, strict=True):
                weight -= ALIKE * (alike[places].any(axis=0) | (ideas[best] == idea))
    return chosen


class _Said:
    """Which numbers say the same as those of a sentence.

    Parameters
    ----------
    numbers
        Numbers of n customers (fields, n).
    sentences
        All sentences.
    fields
        Names of the rows of `numbers`.
    """

    def __init__(self, numbers: FloatArray, sentences: Sequence[Sentence], fields: list[str]) -> None:
        kinds = {
            field: kind for sentence in sentences for field, kind in zip(sentence.fields, sentence.kinds, strict=True)
        }
        names = sorted({kind for kind in kinds.values() if kind})
        self.places = [[fields.index(field) for field in sentence.fields] for sentence in sentences]
        # A field without a kind is alike itself alone.
        self.kinds = np.array([names.index(kinds[f]) if kinds[f] else -1 - i for i, f in enumerate(fields)])
        self.counted = np.array([kinds[field].split(" ")[0] in NONE_OF_IT for field in fields])
        self.numbers = np.round(numbers, 2)

    def again(self, chosen: IntArray) -> NDArray[np.bool_]:
        """Return which numbers say the same as one of those of each customer's chosen sentence (fields, n)."""
        alike = np.zeros(self.numbers.shape, dtype=bool)
        everybody = np.arange(len(chosen))
        for i in range(max(map(len, self.places))):
            field = np.array([places[min(i, len(places) - 1)] for places in self.places])[chosen]
            number, kind = self.numbers[field, everybody], self.kinds[field]
            nothing = (number == 0) & self.counted[field]
            for place, numbers in enumerate(self.numbers):
                same = kind == self.kinds[place]
                if self.counted[place]:
                    same |= nothing
                alike[place] |= same & (numbers == number)
        return alike


def _worded(chosen: IntArray, numbers: FloatArray, sentences: Sequence[Sentence], fields: list[str]) -> pa.ListArray:
    """Return the words of chosen sentences (reasons, n)."""
    by_customer = chosen.T.ravel()
    words: list[str] = []
    which = np.empty(len(by_customer), dtype=np.int64)
    for place, sentence in enumerate(sentences):
        used = np.flatnonzero(by_customer == place)
        if not len(used):
            continue
        said = [numbers[fields.index(field), used // REASONS] for field in sentence.fields]
        once, inverse = distinct(*said)
        which[used] = len(words) + inverse
        words += sentence.worded(zip(*(column.tolist() for column in once), strict=True))
    told = by_customer != NOBODY
    ends = np.cumsum(told.reshape(-1, REASONS).sum(axis=1))
    offsets = pa.array(np.concatenate([[0], ends]), pa.int32())
    return pa.ListArray.from_arrays(offsets, pa.array(words, pa.string()).take(pa.array(which[told])))
