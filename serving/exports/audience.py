"""Audiences: lists in the columns of an advertising platform, batch by batch, in the form that it matches."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from features.profiles import is_personal
from regulars.errors import RegularsError
from serving.exports.identity import country_code, text_of
from serving.listing.personal import identities

Clean = Callable[[str, str | None], str]
"""From a cell as text and the customer's country (ISO alpha-2) to what the platform wants; nothing: left out."""

NEGATIVE, NO_VALUE, UNREACHABLE = "negative values set to 0", "missing values set to 0", "without any identifier"


@dataclass(frozen=True)
class Field:
    """One column of a platform's file: its header, the identity that it holds, and how that is cleaned."""

    header: str
    identity: str
    clean: Clean


@dataclass(frozen=True)
class Platform:
    """What a platform's file looks like.

    Attributes
    ----------
    name
        For messages.
    fields
        Its columns of identities; those that the customers table lacks are left out.
    needs
        Sets of identities, of which a customer needs one whole set to be found.
    value
        Header of the column of values; None: none, but the list's own columns as properties, personal ones excepted.
    external_id
        Header of the column of the customer's id; None: none.
    prefix
        In front of the names of properties.
    """

    name: str
    fields: tuple[Field, ...]
    needs: tuple[frozenset[str], ...]
    value: str | None = None
    external_id: str | None = None
    prefix: str = ""


class Audience:
    """Turns batches of a list into those of a platform.

    Parameters
    ----------
    platform
        Whose.
    columns
        Of the list, those of the customers table among them.
    value
        The column of values, such as ``clv``.
    region
        Country of telephone numbers without a country code, where a customer has no country; ISO alpha-2.

    Raises
    ------
    RegularsError
        The list has none of the identities that the platform finds people by, or the region is no country.
    """

    def __init__(self, platform: Platform, columns: Sequence[str], value: str, region: str | None = None) -> None:
        self.platform = platform
        self.value = value
        self.region = _region(region)
        self.found = identities(columns)
        self.counts: Counter[str] = Counter()
        if not any(need <= set(self.found) for need in platform.needs):
            ways = ", or ".join(" and ".join(sorted(need)) for need in platform.needs)
            raise RegularsError(
                f"{platform.name} finds people by {ways}, and the customers of this store have no such column: score "
                "with --customers FILE, a table of customer_id and these columns."
            )
        own = {"customer_id", *self.found.values()}
        self.properties = [name for name in columns if name not in own and not is_personal(name)]

    def batch(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Return a batch in the platform's columns, without the customers that nothing identifies."""
        return self.convert(batch, pa.nulls(batch.num_rows, pa.bool_()).fill_null(False))[0]

    def convert(self, batch: pa.RecordBatch, held: pa.Array) -> tuple[pa.RecordBatch, pa.Array]:
        """Return the rows that leave, in the platform's columns, and which rows the platform can find at all.

        Parameters
        ----------
        batch
            Of the list.
        held
            Which rows do not leave, though they are on the list.
        """
        cells = {identity: batch.column(column).to_pylist() for identity, column in self.found.items()}
        regions = [self._region_of(country) for country in cells.get("country", [None] * batch.num_rows)]
        cleaned = {
            field.identity: [
                field.clean(text, region) if (text := text_of(cell)) else ""
                for cell, region in zip(cells[field.identity], regions, strict=True)
            ]
            for field in self.platform.fields
            if field.identity in cells
        }
        found = pa.array([self._reachable(cleaned, row) for row in range(batch.num_rows)], pa.bool_())
        self.counts[UNREACHABLE] += batch.num_rows - (pc.sum(found).as_py() or 0)
        kept = pc.and_(found, pc.invert(held))
        columns = {
            field.header: pa.array([cell or None for cell in cleaned[field.identity]], pa.string())
            for field in self.platform.fields
            if field.identity in cleaned
        }
        columns |= self._others(batch, kept)
        return pa.RecordBatch.from_pydict(columns).filter(kept), found

    def _others(self, batch: pa.RecordBatch, kept: pa.Array) -> dict[str, pa.Array]:
        platform = self.platform
        own = {platform.external_id: batch.column("customer_id")} if platform.external_id else {}
        if platform.value is not None:
            return own | {platform.value: self._values(batch.column(self.value), kept)}
        return own | {f"{platform.prefix}{name}": batch.column(name) for name in self.properties}

    def _values(self, values: pa.Array, kept: pa.Array) -> pa.Array:
        numbers = values.cast(pa.float64())
        numbers = pc.if_else(pc.is_finite(numbers), numbers, pa.scalar(None, pa.float64()))
        used = numbers.filter(kept)
        self.counts[NEGATIVE] += pc.sum(pc.less(used, 0.0)).as_py() or 0
        self.counts[NO_VALUE] += used.null_count
        return pc.round(pc.max_element_wise(pc.fill_null(numbers, 0.0), 0.0), 2)

    def _reachable(self, cleaned: Mapping[str, list[str]], row: int) -> bool:
        return any(all(cleaned.get(name) and cleaned[name][row] for name in need) for need in self.platform.needs)

    def _region_of(self, country: Any) -> str | None:
        return country_code(text_of(country)) or self.region


def _region(text: str | None) -> str | None:
    if text is None:
        return None
    code = country_code(text)
    if not code:
        raise RegularsError(f"{text!r} is no country: write its two letters, such as GB.")
    return code
