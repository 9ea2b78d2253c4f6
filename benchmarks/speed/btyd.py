"""Fitting BG/NBD: ours beside lifetimes and pymc-marketing (MAP), on the same customers of known parameters."""

from collections.abc import Sequence
from dataclasses import replace

from benchmarks.speed.process import Measured, measure, part
from benchmarks.speed.report import Report, add_rivals, parser, reporting

OURS = "Regulars, BG/NBD"
RIVALS = {"lifetimes, BetaGeoFitter": "btyd_lifetimes", 'pymc-marketing, fit(method="map")': "btyd_pymc"}
TABLE = "customers.parquet"
PARAMETERS = ("r", "alpha", "a", "b")
LIKELIHOOD, BEHIND = "log-likelihood", "behind the best"


def compare(report: Report, customers: int, seed: int, rivals: str | None) -> None:
    """Draw customers and fit them, each contender in a process of its own; imports and reading are not counted."""
    drawn = part("btyd_customers", TABLE, customers, seed)
    report.measure("one evaluation of the likelihood, at the truth", drawn)
    report.measure(OURS, part("btyd_ours", TABLE))
    for what, name in RIVALS.items():
        if rivals is None:
            report.left_out[what] = "no --rivals"
        else:
            report.measure(what, part(name, TABLE, python=rivals))
    judge(report)


def judge(report: Report) -> None:
    """Evaluate every fit by the same function, and add how far it is behind the best, over the best's size."""
    fitted = [row for row in report.rows if all(name in row.facts for name in PARAMETERS)]
    asked = [text for row in fitted for text in (row.what, *(row.facts[name] for name in PARAMETERS))]
    (judged,) = measure("log-likelihoods", part("btyd_likelihood", TABLE, *asked), report.folder)
    best = max((judged.facts[row.what] for row in fitted), default=0.0)
    report.rows = [_judged(row, judged, best) if row in fitted else row for row in report.rows]


def _judged(row: Measured, judged: Measured, best: float) -> Measured:
    found = judged.facts[row.what]
    return replace(row, facts=row.facts | {LIKELIHOOD: found, BEHIND: (best - found) / abs(best)})


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the flags, measure, and print the table."""
    flags = parser("btyd", __doc__)
    flags.add_argument("--customers", type=int, default=1_000_000)
    flags.add_argument("--seed", type=int, default=7)
    add_rivals(flags)
    given = flags.parse_args(arguments)
    with reporting(f"BG/NBD on {given.customers:,} customers", given, OURS) as report:
        compare(report, given.customers, given.seed, given.rivals)


if __name__ == "__main__":
    main()
