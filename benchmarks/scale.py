"""Seconds and peak memory of each command on one log, beside the least that any reader of it must do: one group-by."""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

GROUP_BY = """
import sys, duckdb
log, memory, customer, timestamp, amount = sys.argv[1:]
duckdb.execute(f"SET memory_limit = '{memory}'") if memory else None
duckdb.execute("SET preserve_insertion_order = false")
duckdb.execute(
    f"CREATE TEMP TABLE customers AS SELECT {customer}, count(*), sum({amount}), min({timestamp}), max({timestamp}) "
    "FROM read_parquet(?) GROUP BY 1", [log])
"""
COLUMNS = ("customer_id", "timestamp", "amount")
POLL_SECONDS = 0.5
MIB = 2**20
KIB_A_MIB = 1024


@dataclass(frozen=True)
class Measured:
    """One stage: its name, seconds of the clock and of the processors, peak memory and scratch disk in MiB.

    `ratio` is its seconds of the clock over those of the group-by; `exit_code` is the command's own. Where the machine
    is shared, the processors' seconds are the steadier figure.
    """

    stage: str
    seconds: float
    cpu_seconds: float
    peak_mib: float
    scratch_mib: float
    exit_code: int
    ratio: float | None = None


def stages(log: Path, flags: argparse.Namespace) -> Iterator[tuple[str, list[str]]]:
    """Yield each stage's name and command line."""
    columns = [getattr(flags, name) for name in COLUMNS]
    quoted = [" * ".join(f'"{part.strip()}"' for part in column.split("*")) for column in columns]
    yield "group-by", [sys.executable, "-c", GROUP_BY, str(log), flags.memory or "", *quoted]
    regulars = str(Path(sys.executable).with_name("regulars"))
    mapped = [text for name in COLUMNS for text in (f"--{name.replace('_', '-')}", getattr(flags, name))]
    reads = [str(log), *mapped, "--quiet", *(["--memory", flags.memory] if flags.memory else []), *flags.rest]
    asked = ["--as-of", flags.as_of, "--horizon", str(flags.horizon)]
    yield "check", [regulars, "check", *reads]
    yield "features", [regulars, "features", *reads, *asked, "--out", "features.parquet"]
    yield "train", [regulars, "train", *reads, *asked]
    yield "score", [regulars, "score", *reads, *asked, "--store", "store"]
    listed = ["--store", "store", "--top", "1000", "--out", "list.csv", "--quiet"]
    yield "list --top 1000", [regulars, "list", *listed]


def measure(stage: str, command: list[str], folder: Path) -> Measured:
    """Run a command in a process of its own, its files and scratch in a folder, and return what it took."""
    scratch = folder / "scratch"
    scratch.mkdir(exist_ok=True)
    output = folder / f"{stage.split()[0]}.txt"
    ended, largest = threading.Event(), [0]
    watcher = threading.Thread(target=_watch, args=(scratch, ended, largest))
    begun = time.perf_counter()
    with output.open("w") as sink:
        process = subprocess.Popen(
            command, cwd=folder, env=os.environ | {"TMPDIR": str(scratch)}, stdout=sink, stderr=subprocess.STDOUT
        )
        watcher.start()
        # Unlike RUSAGE_CHILDREN, which keeps the largest of all children so far, this is of the one that ended.
        _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - begun
    ended.set()
    watcher.join()
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        print(f"{stage}: exit code {process.returncode}\n{output.read_text()[-2000:]}", file=sys.stderr)
    cpu = usage.ru_utime + usage.ru_stime
    return Measured(stage, seconds, cpu, usage.ru_maxrss / KIB_A_MIB, largest[0] / MIB, process.returncode)


def _watch(folder: Path, ended: threading.Event, largest: list[int]) -> None:
    """Keep the largest size on disk that a folder had."""
    while not ended.wait(POLL_SECONDS):
        size = 0
        for path in folder.rglob("*"):
            try:
                size += path.stat().st_blocks * 512
            except OSError:
                continue  # gone meanwhile
        largest[0] = max(largest[0], size)


def table(found: Sequence[Measured]) -> str:
    """Return the measurements as a table."""
    lines = [f"{'stage':<18}{'seconds':>9}{'ratio':>8}{'cpu seconds':>13}{'peak MiB':>10}{'scratch MiB':>13}"]
    for one in found:
        ratio = "" if one.ratio is None else f"{one.ratio:.1f}"
        failed = f"  failed ({one.exit_code})" if one.exit_code else ""
        numbers = (
            f"{one.seconds:>9.1f}{ratio:>8}{one.cpu_seconds:>13.1f}{one.peak_mib:>10,.0f}{one.scratch_mib:>13,.0f}"
        )
        lines.append(f"{one.stage:<18}{numbers}{failed}")
    return "\n".join(lines)


def run(log: Path, flags: argparse.Namespace) -> list[Measured]:
    """Measure all stages, one after the other, in a temporary folder."""
    found: list[Measured] = []
    with tempfile.TemporaryDirectory(prefix="regulars-scale-", dir=flags.folder) as name:
        for stage, command in stages(log.resolve(), flags):
            print(f"{stage} …", file=sys.stderr)
            one = measure(stage, command, Path(name))
            base = found[0] if found else one
            found.append(replace(one, ratio=None if base.exit_code else one.seconds / base.seconds))
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the flags, measure, and print the table."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.scale",
        description=__doc__,
        epilog="Flags that are not listed here are handed to every command that reads the log.",
    )
    parser.add_argument("log", type=Path, help="Parquet file")
    parser.add_argument("--as-of", required=True)
    parser.add_argument("--horizon", type=int, default=90)
    parser.add_argument("--memory", help="most memory of the engine, such as 4GB; default: the product's own")
    parser.add_argument("--json", type=Path, help="file for the measurements")
    parser.add_argument("--folder", type=Path, help="where the temporary folder is made")
    for name in COLUMNS:
        parser.add_argument(f"--{name.replace('_', '-')}", default=name)
    flags, flags.rest = parser.parse_known_args(arguments)
    found = run(flags.log, flags)
    print(table(found))
    if flags.json:
        machine = {
            "cores": os.cpu_count(),
            "memory_mib": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / MIB,
        }
        report = {"log": flags.log.name, "machine": machine, "stages": [asdict(one) for one in found]}
        flags.json.write_text(json.dumps(report, indent=1))
    sys.exit(max((one.exit_code != 0 for one in found), default=False))


if __name__ == "__main__":
    main()
