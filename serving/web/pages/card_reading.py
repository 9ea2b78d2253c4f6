"""Reading a model card: the Markdown of its file as blocks and tables that a page can show and draw."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

CARD = "model_card.md"
ESCAPED = re.compile(r"\\([\\`*\[\]|~_])")
ENTITIES = {"&lt;": "<", "&gt;": ">", "&amp;": "&"}
RULE = re.compile(r"^\|[ :|-]+\|$")


@dataclass(frozen=True)
class Block:
    """A part of a card.

    Attributes
    ----------
    kind
        paragraph, caution, bullets, code or table.
    text
        Of a paragraph, a caution or code.
    items
        Of bullets.
    columns, rows
        Of a table; cells that stood out keep their stars as `Cell.strong`.
    """

    kind: str
    text: str = ""
    items: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    rows: tuple[tuple["Cell", ...], ...] = ()


@dataclass(frozen=True)
class Cell:
    """A cell of a table, and whether it is among the best of its column."""

    text: str
    strong: bool = False

    @property
    def number(self) -> float | None:
        """The number that it holds, a percentage as a share; None where it holds none."""
        plain = self.text.replace(",", "")
        try:
            return float(plain[:-1]) / 100 if plain.endswith("%") else float(plain)
        except ValueError:
            return None


@dataclass(frozen=True)
class Card:
    """A model card: its title, what stands before the first section, and its sections in order."""

    title: str = ""
    lead: tuple[Block, ...] = ()
    sections: dict[str, tuple[Block, ...]] = field(default_factory=dict)

    def table(self, section: str, *columns: str) -> Block | None:
        """Return the first table of a section that has these columns; None where there is none."""
        for block in self.sections.get(section, ()):
            if block.kind == "table" and set(columns) <= set(block.columns):
                return block
        return None


def read_card(folder: Path) -> Card | None:
    """Read the card in a folder; None where there is none."""
    try:
        text = (folder / CARD).read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return None
    return parse_card(text)


def parse_card(text: str) -> Card:
    """Read the Markdown of a card; pictures are left out."""
    title = ""
    lead: list[Block] = []
    sections: dict[str, list[Block]] = {}
    current = lead
    for part in _parts(text):
        if part[0].startswith("# "):
            title = _plain(part[0][2:])
        elif part[0].startswith("## "):
            current = sections.setdefault(_plain(part[0][3:]), [])
        elif not part[0].startswith("!["):
            current.append(_block(part))
    return Card(title, tuple(lead), {name: tuple(blocks) for name, blocks in sections.items()})


def _parts(text: str) -> Iterator[list[str]]:
    """Yield the lines of each part; empty lines lie between parts."""
    for part in re.split(r"\n{2,}", text.strip("\n")):
        lines = part.splitlines()
        if lines:
            yield lines


def _block(lines: list[str]) -> Block:
    first = lines[0]
    if first.startswith("|") and len(lines) > 1 and RULE.match(lines[1]):
        head, *rows = [_cells(line) for i, line in enumerate(lines) if i != 1]
        return Block("table", columns=tuple(cell.text for cell in head), rows=tuple(rows))
    if first.startswith("- "):
        return Block("bullets", items=tuple(_plain(line.removeprefix("- ")) for line in lines))
    if first.startswith("> "):
        return Block("caution", _plain(" ".join(lines)[2:].strip().strip("*")))
    if first.startswith("    "):
        return Block("code", "\n".join(line.strip() for line in lines))
    return Block("paragraph", _plain(" ".join(lines)))


def _cells(line: str) -> tuple[Cell, ...]:
    cells = [part.strip() for part in re.split(r"(?<!\\)\|", line.strip()[1:-1])]
    return tuple(Cell(_plain(cell.removeprefix("**").removesuffix("**")), cell.startswith("**")) for cell in cells)


def _plain(text: str) -> str:
    bare = ESCAPED.sub(r"\1", text.strip())
    for entity, letter in ENTITIES.items():
        bare = bare.replace(entity, letter)
    return bare
