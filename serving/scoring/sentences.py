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
DIGITS = re.compile(r"\d+")
SAME_WHEREVER = ("days", "money")
"""Units of which equal numbers say the same, whatever they are of: all that a customer of one purchase spent is what
that purchase was worth."""
ORDERED = ("purchase", "days")
"""What counts orders, too: as many purchase days as orders say the same."""
FEWEST_DAYS = {
    "gap_mean": 3,
    "monetary": 2,
    "monetary_median": 2,
    "max_share": 2,
    "products_repeat_share": 2,
    "categories_repeat_share": 2,
    "channels_repeat_share": 2,
}
"""Purchase days from which on a number says something: one gap is not the usual one, and one purchase no average."""
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
    idea
        What it says, whatever the numbers, those in its own words too: "spent in the last 90 days" is the idea of
        "spent in the last 365 days".
    values
        Values of a categorical attribute by code; None: a number is said.
    """

    template: str
    fields: tuple[str, ...]
    kinds: tuple[str, ...]
    idea: str
    values: tuple[str, ...] | None = None

    @classmethod
    def of(cls, name: str, catalogue: Mapping[str, Mapping[str, str | None]], encoding: Encoding) -> Self:
        """Return how a feature of the catalogue is said: as its reason says, an attribute by its name and value."""
        reason = catalogue[name]["reason"]
        if reason is None:
            plain = name.replace("{", "{{").replace("}", "}}")
            values = encoding.categories.get(name)
            return cls(f"{plain}: {{0}}" if values else f"{plain}: {{0:,.10g}}", (name,), ("",), name, values)
        parts = list(Formatter().parse(reason))
        fields = tuple(field for _, field, _, _ in parts if field)
        places = (f"{text}{{{i}:{form}}}" if field else text for i, (text, field, form, _) in enumerate(parts))
        after = [text for text, *_ in parts[1:]] + [""]
        idea = DIGITS.sub("", "{}".join(text for text, *_ in parts))
        kinds = _kinds([str(catalogue[field]["unit"]) for field in fields], after)
        return cls("".join(places), fields, kinds, idea)

    def worded(self, numbers: Iterable[Sequence[float]]) -> list[str]:
        """Return the sentence with each of several rows of numbers, one for each field."""
        if self.values is not None:
            return [self.template.format(self.values[int(code)]) for (code,) in numbers]
        return [_readable(self.template.format(*row)) for row in numbers]


def _kinds(units: Sequence[str], after: Sequence[str]) -> tuple[str, ...]:
    """Return the kinds of a sentence's numbers, by their units and the words after each."""
    kinds: dict[str, str] = {}
    for unit, text in zip(units, after, strict=False):
        # Counts and shares are alike where the same words follow: "purchase days" so far, or in the last year. What is
        # counted is said once in a sentence: "2 purchase days lately, 5 in the time before".
        words = ORDERED if text.split()[:1] == ["orders"] else text.split()[:2]
        kinds.setdefault(unit, unit if unit in SAME_WHEREVER else " ".join([unit, *words]))
    return tuple(kinds[unit] for unit in units)


def _readable(sentence: str) -> str:
    if "1 " in sentence:
        sentence = SINGULAR.sub(r"1 \1", sentence)
    if "-" in sentence:
        sentence = REFUNDED.sub(r"\1 more refunded than spent", NOTHING.sub("", sentence))
        sentence = NEGATIVE.sub(r"\g<0> (more refunded than spent)", sentence)
    return sentence
