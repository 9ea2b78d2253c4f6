"""Sentences: how a feature is said of a customer, with the customer's own numbers, each number worded once."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from string import Formatter
from typing import Self

from models.encoding import Encoding

SINGULAR = re.compile(r"(?<![\d.,-])1 ((?:purchase |different )?(?:day|order|product|item|channel))s\b")
NOTHING = re.compile(r"-(?=0(?:\.0+)?(?![\d.,]))")
"""What rounding leaves of a little less than nothing."""
REFUNDED = re.compile(r"^-(\d+(?:[,.]\d+)*) spent\b")
NEGATIVE = re.compile(r"-\d+(?:[,.]\d+)*")
SAME_WHEREVER = ("days", "money")
"""Units of which equal numbers say the same, whatever they are of: all that a customer of one purchase spent is what
that purchase was worth."""
NONE_OF_IT = ("count", "money")
"""Units of which nothing is nothing: no purchase days, and nothing spent on them."""


@dataclass(frozen=True)
class Sentence:
    """How one feature is said.

    Attributes
    ----------
    template
        A `str.format` template over `fields` by their places; of an attribute, with its name in it.
    fields
        Features whose numbers it says.
    kinds
        Of each field: numbers of one kind that are equal say the same; empty: none is like it.
    values
        Values of a categorical attribute by code; None: a number is said.
    """

    template: str
    fields: tuple[str, ...]
    kinds: tuple[str, ...]
    values: tuple[str, ...] | None = None

    @classmethod
    def of(cls, name: str, catalogue: Mapping[str, Mapping[str, str | None]], encoding: Encoding) -> Self:
        """Return how a feature of the catalogue is said: as its reason says, an attribute by its name and value."""
        reason = catalogue[name]["reason"]
        if reason is None:
            plain = name.replace("{", "{{").replace("}", "}}")
            values = encoding.categories.get(name)
            return cls(f"{plain}: {{0}}" if values else f"{plain}: {{0:,.10g}}", (name,), ("",), values)
        parts = list(Formatter().parse(reason))
        fields = tuple(field for _, field, _, _ in parts if field)
        places = (f"{text}{{{i}:{form}}}" if field else text for i, (text, field, form, _) in enumerate(parts))
        after = [text for text, *_ in parts[1:]] + [""]
        units = [str(catalogue[field]["unit"]) for field in fields]
        return cls("".join(places), fields, tuple(map(_kind, units, after)))

    def worded(self, numbers: Iterable[Sequence[float]]) -> list[str]:
        """Return the sentence with each of several rows of numbers, one for each field."""
        if self.values is not None:
            return [self.template.format(self.values[int(code)]) for (code,) in numbers]
        return [_readable(self.template.format(*row)) for row in numbers]


def _kind(unit: str, after: str) -> str:
    # Counts and shares are alike where the same words follow: "purchase days" so far, or in the last year.
    return unit if unit in SAME_WHEREVER else " ".join([unit, *after.split()[:2]])


def _readable(sentence: str) -> str:
    if "1 " in sentence:
        sentence = SINGULAR.sub(r"1 \1", sentence)
    if "-" in sentence:
        sentence = REFUNDED.sub(r"\1 more refunded than spent", NOTHING.sub("", sentence))
        sentence = NEGATIVE.sub(r"\g<0> (more refunded than spent)", sentence)
    return sentence
