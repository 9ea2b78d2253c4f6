"""Measuring a process: seconds of the clock and of the processors, peak memory, scratch disk, and what it says itself.

Nothing heavy is imported here: Linux counts the memory that a process had when it started another as the other's.
"""

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import perf_counter
from typing import Any

import psutil

from benchmarks.speed.parts.clock import MARK

ROOT = Path(__file__).parents[2]
POLL_SECONDS = 0.2
MIB = 2**20
KIB_A_MIB = 1024


@dataclass(frozen=True)
class Measured:
    """What a piece of work took.

    Attributes
    ----------
    what
        Its name.
    seconds, cpu_seconds
        By the clock, and of all processors. Where the machine is shared, the processors' are the steadier figure.
    peak_mib, scratch_mib
        Most memory of its process, and of those it started, together; most disk under its temporary folder.
    exit_code
        The process's own.
    facts
        What else is to be known of it.
    """

    what: str
    seconds: float
    cpu_seconds: float
    peak_mib: float
    scratch_mib: float = 0.0
    exit_code: int = 0
    facts: dict[str, Any] = field(default_factory=dict)


def part(name: str, *arguments: Any, python: str = sys.executable) -> list[str]:
    """Return the command line of one of `benchmarks.speed.parts`."""
    return [python, "-m", f"benchmarks.speed.parts.{name}", *map(str, arguments)]


def regulars(*arguments: Any) -> list[str]:
    """Return the command line of a command of ours."""
    return [sys.executable, "-m", "regulars", *map(str, arguments)]


def measure(what: str, command: Sequence[str], folder: Path, tries: int = 1) -> list[Measured]:
    """Run a command in a folder and return what it took: in all, or each piece of work that it measured itself.

    Of several tries the fastest counts. What it writes to the temporary folder is measured, what it prints is kept
    beside.
    """
    return min((_measured(what, command, folder) for _ in range(tries)), key=lambda found: found[0].seconds)


def _measured(what: str, command: Sequence[str], folder: Path) -> list[Measured]:
    print(f"{what} …", file=sys.stderr)
    scratch = folder / "scratch"
    scratch.mkdir(parents=True, exist_ok=True)
    printed = folder / f"{re.sub('[^a-z0-9]+', '-', what.lower()).strip('-')}.txt"
    paths = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    # Idle threads do not spin, as the command line has it: parts of it are measured as it runs them.
    environment = os.environ | {"TMPDIR": str(scratch), "PYTHONPATH": paths, "OMP_WAIT_POLICY": "PASSIVE"}
    begun = perf_counter()
    with printed.open("w") as sink:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=sink, stderr=subprocess.STDOUT)
        with _watched(process.pid, scratch) as most:
            # Unlike RUSAGE_CHILDREN, which keeps the largest of all children so far, this is of the one that ended.
            _, status, usage = os.wait4(process.pid, 0)
            seconds = perf_counter() - begun
    process.returncode = os.waitstatus_to_exitcode(status)
    text = printed.read_text(errors="replace")
    if process.returncode:
        print(f"{what}: exit code {process.returncode}\n{text[-2000:]}", file=sys.stderr)
    peak = max(usage.ru_maxrss * KIB_A_MIB, most["memory"]) / MIB
    # A process that it started and did not wait for, as Spark's, is in neither of the system's figures.
    cpu_seconds = max(usage.ru_utime + usage.ru_stime, most["cpu"])
    whole = Measured(what, seconds, cpu_seconds, peak, most["disk"] / MIB, process.returncode)
    return _said(whole, text)


def _said(whole: Measured, text: str) -> list[Measured]:
    """Return what a process measured itself, or the process as a whole with the facts that it told."""
    told = [json.loads(line.removeprefix(MARK)) for line in text.splitlines() if line.startswith(MARK)]
    pieces = [piece for piece in told if "seconds" in piece]
    if pieces and not whole.exit_code:
        return [
            replace(
                whole,
                what=piece["what"] or whole.what,
                seconds=piece["seconds"],
                cpu_seconds=piece["cpu_seconds"],
                facts=piece["facts"],
            )
            for piece in pieces
        ]
    return [replace(whole, facts={name: value for piece in told for name, value in piece.items()})]


@contextmanager
def _watched(pid: int, scratch: Path) -> Iterator[dict[str, float]]:
    """Keep the most memory and processor time of a process and those it started, and the most disk under a folder."""
    most, ended = {"memory": 0.0, "cpu": 0.0, "disk": 0.0}, threading.Event()

    def watch() -> None:
        while not ended.wait(POLL_SECONDS):
            with suppress(psutil.Error):
                memory, cpu = _together(psutil.Process(pid))
                most["memory"], most["cpu"] = max(most["memory"], memory), max(most["cpu"], cpu)
            most["disk"] = max(most["disk"], _disk(scratch))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield most
    finally:
        ended.set()
        watcher.join()


def _together(process: psutil.Process) -> tuple[float, float]:
    """Return the bytes of memory and the processor seconds of a process and those it started."""
    memory = cpu = 0.0
    for one in (process, *process.children(recursive=True)):
        with suppress(psutil.Error):  # ended meanwhile
            memory += one.memory_info().rss
            # User and system time, of itself and of those that it has waited for.
            cpu += sum(one.cpu_times()[:4])
    return memory, cpu


def _disk(folder: Path) -> int:
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):  # gone meanwhile
                total += Path(parent, name).stat().st_blocks * 512
    return total
