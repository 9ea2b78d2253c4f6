"""Prospects: what can be predicted from a log, by horizon, as far as its days and its dates allow."""

from collections.abc import Sequence
from typing import Any

from features.date_step import LONG_STEP_DAYS
from features.window import Span, rolling, schedule
from regulars.errors import HistoryError
from training.rehearsal import newer_cutoffs

HORIZONS = (30, 90, 180, 365)
KNOWN_BY = {300: "year", 80: "quarter or half-year", LONG_STEP_DAYS: "month"}


def step_words(step: int) -> str:
    """Return what rounded dates mean, for people."""
    known_by = next(name for least, name in KNOWN_BY.items() if step >= least)
    return (
        f"purchases lie about {step} days apart: dates seem to be known by the {known_by} only, and no horizon shorter "
        "than that is offered; bring exact dates where there are any"
    )


def prospects(span: Span, step: int | None = None) -> list[dict[str, Any]]:
    """Return, by horizon, what a log allows as of the day after its last.

    Parameters
    ----------
    span
        First and last day of the log.
    step
        Of `features.date_step`: no shorter horizon is offered; a year always is.
    """
    found = []
    for horizon in (days for days in HORIZONS if days >= (step or 0) or days == HORIZONS[-1]):
        row: dict[str, Any] = {"horizon_days": horizon, "trainable": False, "windows": 0, "backtests": 0}
        try:
            plan = schedule(span, span.end, horizon)
            row |= {"trainable": True, "windows": len(plan.cutoffs), "extrapolates": plan.extrapolates}
            row |= {"last_year": plan.last_year is not None, "rehearsed": bool(newer_cutoffs(plan))}
            row["backtests"] = len(rolling(span, horizon, 100))
        except HistoryError as error:
            row["why"] = str(error)
        found.append(row)
    return found


def prospects_table(found: list[dict[str, Any]]) -> tuple[Sequence[str], Sequence[Sequence[str]]]:
    """Return prospects as a table."""
    columns = ("horizon", "predictable", "past windows to learn from", "last year's season", "backtests")
    rows = []
    for row in found:
        how = "yes" if row["trainable"] else "no: too little history"
        if row.get("extrapolates"):
            how = "yes, extrapolating from shorter windows"
        elif row["trainable"] and not row["rehearsed"]:
            how = "yes, too short to rehearse"
        season = "known" if row.get("last_year") else "not known"
        rows.append((f"{row['horizon_days']} days", how, str(row["windows"]), season, str(row["backtests"])))
    return columns, rows
