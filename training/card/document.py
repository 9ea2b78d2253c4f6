"""A document of titled blocks that is written as Markdown and as one self-contained HTML page."""

import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from math import isfinite
from typing import ClassVar

from jinja2 import Environment, PackageLoader, StrictUndefined

TEMPLATE = "card.html.j2"
# Where Markdown would see markup; an underscore inside a word is none.
MARKUP = re.compile(r"[\\`*\[\]|~]|(?<!\w)_|_(?!\w)")


class Strong(str):
    """Text that stands out: the best of its column, or the row that matters."""

    __slots__ = ()


@dataclass(frozen=True)
class Paragraph:
    """A paragraph."""

    kind: ClassVar[str] = "paragraph"
    text: str


@dataclass(frozen=True)
class Caution:
    """A paragraph that must not be overlooked."""

    kind: ClassVar[str] = "caution"
    text: str


@dataclass(frozen=True)
class Bullets:
    """A list."""

    kind: ClassVar[str] = "bullets"
    items: Sequence[str]


@dataclass(frozen=True)
class Code:
    """Lines to be typed."""

    kind: ClassVar[str] = "code"
    text: str


@dataclass(frozen=True)
class Table:
    """A table; columns but the first hold numbers, unless their place is among `words`."""

    kind: ClassVar[str] = "table"
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    words: Sequence[int] = (0,)


@dataclass(frozen=True)
class Picture:
    """A PNG that also lies beside the Markdown file as `name`."""

    kind: ClassVar[str] = "picture"
    name: str
    title: str
    png: bytes

    @property
    def address(self) -> str:
        """The picture itself as a data URL."""
        return f"data:image/png;base64,{b64encode(self.png).decode()}"


Block = Paragraph | Caution | Bullets | Code | Table | Picture


@dataclass(frozen=True)
class Document:
    """A titled document.

    Attributes
    ----------
    title
        Its title.
    lead
        Blocks before the first section.
    sections
        Blocks by the title of their section.
    """

    title: str
    lead: Sequence[Block]
    sections: Mapping[str, Sequence[Block]]

    def markdown(self) -> str:
        """Return the document as Markdown; whatever text it holds is text, not markup."""
        parts = [f"# {_plain(self.title)}", *map(_block, self.lead)]
        for title, blocks in self.sections.items():
            parts += [f"## {_plain(title)}", *map(_block, blocks)]
        return "\n\n".join(parts) + "\n"

    def html(self) -> str:
        """Return the document as an HTML page that loads nothing; whatever text it holds is text, not markup."""
        environment = Environment(
            loader=PackageLoader("training.card", ""),
            autoescape=True,
            trim_blocks=True,
            lstrip_blocks=True,
            undefined=StrictUndefined,
        )
        environment.tests["strong"] = lambda value: isinstance(value, Strong)
        return environment.get_template(TEMPLATE).render(document=self)


def number(value: float, form: str) -> str:
    """Return a number in a format such as ``{:.1%}``, and a dash where it is none."""
    return form.format(value) if isfinite(value) else "-"


def _block(block: Block) -> str:
    match block:
        case Paragraph(text):
            return _plain(text)
        case Caution(text):
            return f"> **{_plain(text)}**"
        case Bullets(items):
            return "\n".join(f"- {_plain(item)}" for item in items)
        case Code(text):
            return "\n".join(f"    {line}" for line in text.splitlines())
        case Table():
            return _table(block)
        case Picture():
            return f"![{_plain(block.title)}]({block.name})"


def _table(table: Table) -> str:
    head, *rows = [[_cell(cell) for cell in row] for row in (table.columns, *table.rows)]
    wide = [max(3, *(len(row[i]) for row in (head, *rows))) for i in range(len(head))]
    left = [i in table.words for i in range(len(head))]
    rule = ["-" * width if words else "-" * (width - 1) + ":" for width, words in zip(wide, left, strict=True)]
    lines = [
        [cell.ljust(width) if words else cell.rjust(width) for cell, width, words in zip(row, wide, left, strict=True)]
        for row in (head, rule, *rows)
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(cell: str) -> str:
    return f"**{_plain(cell)}**" if isinstance(cell, Strong) else _plain(cell)


def _plain(text: str) -> str:
    return MARKUP.sub(r"\\\g<0>", escape(" ".join(text.split()), quote=False))
