"""How figures are printed, and what is written as JSON."""

from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.accuracy.bootstrap import METRICS
from benchmarks.accuracy.floors import missed_floors
from benchmarks.accuracy.judgement import Judgement
from benchmarks.accuracy.summary import INTERVALS, Gain, gains
from benchmarks.accuracy.windows import MADE_UP, OPEN

COLUMNS = {
    "mae": ("MAE", "{:,.2f}"),
    "median_mae": ("of median", "{:,.2f}"),
    "rmse": ("RMSE", "{:,.1f}"),
    "gini": ("Gini", "{:.3f}"),
    "spearman": ("Spearman", "{:.3f}"),
    "top_decile_capture": ("top tenth", "{:.1%}"),
    "decile_error": ("decile error", "{:.3f}"),
    "bias": ("bias", "{:+.1%}"),
    "auc": ("AUC", "{:.3f}"),
    "log_loss": ("log loss", "{:.3f}"),
    "brier": ("Brier", "{:.4f}"),
    "calibration_error": ("calibration", "{:.3f}"),
    "seconds": ("seconds", "{:.1f}"),
}
"""What a column is called, and how its figures are written."""
GROUPS = {"open windows": (OPEN,), "made-up logs": (MADE_UP,), "all windows": (OPEN, MADE_UP)}


def window_text(judged: Judgement) -> str:
    """Return the table of one window, and a line on Regulars' intervals and level."""
    held = judged.intervals
    columns = {name: [_cell(form, v) for v in judged.table[column]] for column, (name, form) in COLUMNS.items()}
    written = pd.DataFrame(columns, index=list(judged.table.index))
    by_value = " ".join(f"{share:.2f}" for share in held["by_value"])
    return "\n".join(
        (
            f"\n{judged.window.name}: {judged.customers:,} customers; level: {judged.level}",
            written.to_string(),
            f"80 % intervals: coverage {held['coverage']:.3f}, width {held['width']:.2f}; top fifth of forecasts "
            f"{held['top_coverage']:.3f}, {held['top_width']:.2f}; by tenth of value {by_value}",
        )
    )


def summary_text(judgements: Sequence[Judgement]) -> str:
    """Return the summary of each group of windows, and what was missed of the floors."""
    parts = []
    for group, kinds in GROUPS.items():
        chosen = [judged for judged in judgements if judged.window.kind in kinds]
        # All windows say nothing new where all are of one kind.
        if chosen and (len(kinds) == 1 or len({judged.window.kind for judged in chosen}) > 1):
            parts.append(_gains_text(f"{group} ({len(chosen)})", gains(chosen)))
    return "\n".join([*parts, _floors_text(judgements)])


def _gains_text(title: str, found: dict[str, dict[str, Gain]]) -> str:
    blocks = {"mean gain in % (in points of bias), and windows at least as good": _point}
    blocks |= {f"{size:.0%} interval of it": partial(_interval, size) for size in INTERVALS}
    lines = [f"\n== {title}: Regulars over each rung =="]
    for name, cell in blocks.items():
        cells = {COLUMNS[m][0]: [cell(found[rung][m]) for rung in found] for m in METRICS}
        lines += [name, pd.DataFrame(cells, index=list(found)).to_string()]
    return "\n".join(lines)


def _point(found: Gain) -> str:
    return f"{100 * found.mean:+.1f} ({found.wins}/{found.windows})" if found.windows else ""


def _interval(size: float, found: Gain) -> str:
    low, high = found.intervals[size]
    return f"{100 * low:+.1f} .. {100 * high:+.1f}" if found.windows else ""


def _floors_text(judgements: Sequence[Judgement]) -> str:
    found = missed_floors(judgements)
    if not found:
        return ""
    lines = [f"\n== floors: {sum(not short for short in found.values())} of {len(found)} open windows hold all =="]
    for name, short in found.items():
        told = (f"{COLUMNS[m][0]} {value:.4g}, floor {floor:.4g}" for m, (value, floor) in short.items())
        lines += [f"{name}: " + "; ".join(told)] if short else []
    return "\n".join(lines)


def _cell(form: str, value: float) -> str:
    return "" if pd.isna(value) else form.format(value)


def plain(judgements: Sequence[Judgement]) -> dict[str, Any]:
    """Return windows, summary and missed floors as plain data."""
    groups = {group: [j for j in judgements if j.window.kind in kinds] for group, kinds in GROUPS.items()}
    return {
        "windows": [
            {
                "window": judged.window.name,
                "kind": judged.window.kind,
                "customers": judged.customers,
                "level": judged.level,
                "rungs": judged.table.to_dict(orient="index"),
                "intervals": judged.intervals,
            }
            for judged in judgements
        ],
        "gains": {
            group: {rung: {m: asdict(one) for m, one in by.items()} for rung, by in gains(chosen).items()}
            for group, chosen in groups.items()
            if chosen
        },
        "missed_floors": missed_floors(judgements),
    }


def strict(value: Any) -> Any:
    """Return nested plain data with None for what is not a number, as strict JSON wants it."""
    if isinstance(value, dict):
        return {str(key): strict(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [strict(part) for part in value]
    return None if isinstance(value, float) and np.isnan(value) else value
