"""The setting `memory`: how much the data of a job may take, and how it is shared out.

Half of it is DuckDB's, which spills to disk beyond. The other half is for what passes through this process: batches
that are scored, and the sample that is learnt from. Python, its libraries and the writers of tables take about a
gigabyte beside it.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from regulars.errors import RegularsError

UNITS = {"B": 1} | {f"{letter}B": 1000**i for i, letter in enumerate("KMGT", 1)}
UNITS |= {f"{letter}IB": 1024**i for i, letter in enumerate("KMGT", 1)}
SCORED_ROW, LEARNT_ROW, LEARNT_CUSTOMER = 5_000, 17_000, 4_000
"""Bytes, measured: of a customer while scored, of a row of the training table, of a customer whose past is learnt."""
SNAPSHOT_CUSTOMER, DIARY_ROW = 4_000, 64
"""Bytes in DuckDB, which sums and lists that are not finished have to fit into: of a customer while features are worked
out, and of a row of the log while the days of each customer are gathered."""
FEWEST_SCORED, FEWEST_LEARNT, FEWEST_CUSTOMERS = 5_000, 5_000, 20_000


@dataclass(frozen=True)
class Memory:
    """How much memory data may take.

    Attributes
    ----------
    total
        Bytes.
    """

    total: int

    @classmethod
    def of(cls, text: str | None = None) -> "Memory":
        """Read a setting such as ``"2GB"`` or ``"512MiB"``; None: half of the machine's memory.

        Raises
        ------
        RegularsError
            It is no amount of memory.
        """
        if text is None:
            return cls(machine_memory() // 2)
        found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMGT]?I?B)\s*", text.upper())
        if found is None or found[2] not in UNITS:
            raise RegularsError(f"memory={text!r} is no amount of memory: write it as 2GB or 512MiB")
        return cls(int(float(found[1]) * UNITS[found[2]]))

    @property
    def engine(self) -> str:
        """DuckDB's part, as DuckDB writes it."""
        return f"{self.total // 2 // 2**20}MiB"

    @property
    def scored_rows(self) -> int:
        """Customers that may be scored at a time."""
        return max(self.total // 2 // SCORED_ROW, FEWEST_SCORED)

    def parts(self, customers: int, rows: int) -> int:
        """Return in how many parts DuckDB works out the features of customers with this many rows of the log."""
        return max(-(-max(customers * SNAPSHOT_CUSTOMER, rows * DIARY_ROW) // (self.total // 2)), 1)

    @property
    def learnt_rows(self) -> int:
        """Rows of past snapshots that may be learnt from."""
        return max(self.total // 2 // LEARNT_ROW, FEWEST_LEARNT)

    @property
    def learnt_customers(self) -> int:
        """Customers whose past may be learnt from; of more, a sample is drawn."""
        return max(self.total // 2 // LEARNT_CUSTOMER, FEWEST_CUSTOMERS)


def machine_memory(root: Path = Path("/")) -> int:
    """Return the memory of the machine, or of the container where that is less, in bytes."""
    return min([os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"), *_limits(root)])


def _limits(root: Path) -> Iterator[int]:
    """Return the limits of the control groups of this process, of either version, and of those above them."""
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers not in ("", "memory"):
            continue
        top = root / "sys/fs/cgroup" / controllers
        name = "memory.limit_in_bytes" if controllers else "memory.max"
        group = top / path.lstrip("/")
        # In a container the path may be the one outside of it, and the limit lie at the top.
        for folder in {group, *group.parents, top}:
            if folder.is_relative_to(top):
                try:
                    yield int((folder / name).read_text())
                except (OSError, ValueError):
                    continue
