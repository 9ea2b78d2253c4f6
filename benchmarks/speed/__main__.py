"""All speed benchmarks one after the other, on logs made where they are not there; their tables in one page."""

import argparse
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stdout, suppress
from io import StringIO
from pathlib import Path

from benchmarks.speed import btyd, features, lists, scale, score, snapshots, train
from benchmarks.speed.process import measure
from benchmarks.speed.report import add_rivals

AS_OF = "2026-01-01"
"""The day after the last of the logs that the generator makes."""
PURCHASES_A_CUSTOMER = 20
TABLE = "<!-- table: {name} -->\n"
END = "\n<!-- end -->"

Job = tuple[str, Callable[[list[str]], None], list[str]]


def made_log(folder: Path, purchases: int) -> str:
    """Return a log of so many purchases, made where it is not there."""
    path = folder / f"{purchases}.parquet"
    if not path.exists():
        unfinished = path.with_suffix(".unfinished")
        sizes = ["--customers", str(purchases // PURCHASES_A_CUSTOMER), "--purchases", str(purchases)]
        measure(f"making {path.name}", [sys.executable, "-m", "benchmarks.generator", str(unfinished), *sizes], folder)
        unfinished.rename(path)
    return str(path)


def jobs(folder: Path, given: argparse.Namespace) -> Iterator[Job]:
    """Yield each benchmark's name, what runs it, and its flags."""
    rivals = ["--rivals", given.rivals] if given.rivals else []
    engine = ["--engine", given.engine] if given.engine else []
    customers = ["--customers", str(given.purchases // PURCHASES_A_CUSTOMER)]
    dated = [made_log(folder, given.purchases), "--as-of", AS_OF]
    yield "features", features.main, [*dated, *rivals, *engine]
    yield "snapshots", snapshots.main, dated
    yield "train", train.main, dated
    yield "score", score.main, dated
    yield "btyd", btyd.main, [*customers, *rivals]
    yield "lists", lists.main, customers
    if given.growth:
        grown = [made_log(folder, purchases) for purchases in given.growth]
        memory = ["--memory", given.memory] if given.memory else []
        yield "scale", scale.main, [*grown, "--as-of", AS_OF, *memory, *engine]


def filled(page: str, name: str, table: str) -> str:
    """Return a page with what stands between a table's marks replaced."""
    between = re.compile(f"(?<={re.escape(TABLE.format(name=name))}).*?(?={re.escape(END)})", re.DOTALL)
    return between.sub(lambda _: table.strip(), page)


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the flags, run everything, and keep each table as soon as it is there."""
    flags = argparse.ArgumentParser(prog="python -m benchmarks.speed", description=__doc__)
    flags.add_argument("folder", type=Path, help="for logs, and for each benchmark's JSON and Markdown")
    flags.add_argument("--purchases", type=int, default=20_000_000, help="of a twentieth as many customers")
    flags.add_argument("--growth", type=int, nargs="*", metavar="PURCHASES", help="sizes of the last benchmark's logs")
    flags.add_argument("--memory", help="of the last benchmark, such as 8GB; default: the product's own")
    flags.add_argument("--engine", help="a Spark besides, such as local[2]")
    flags.add_argument("--into", type=Path, metavar="PAGE", help="page between whose marks tables are replaced")
    add_rivals(flags)
    given = flags.parse_args(arguments)
    folder = given.folder.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    for name, run, asked in jobs(folder, given):
        printed = StringIO()
        # A benchmark in which something failed ends with an exit code, and its table says what.
        with redirect_stdout(printed), suppress(SystemExit):
            run([*asked, "--json", str(folder / f"{name}.json"), "--markdown", "--folder", str(folder)])
        print(printed.getvalue())
        (folder / f"{name}.md").write_text(printed.getvalue())
        if given.into:
            given.into.write_text(filled(given.into.read_text(), name, printed.getvalue()))


if __name__ == "__main__":
    main()
