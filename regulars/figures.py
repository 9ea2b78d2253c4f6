"""Figures of models side by side: tables for a terminal of 80 columns, their legend, and what a large bias means."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import pandas as pd

from training.evaluate import MODEL
from training.metrics import HIGHER_IS_BETTER
from training.promotion.comparison import NOISE
from training.promotion.promote import Promotion

Rows = tuple[Sequence[str], Sequence[Sequence[str]]]

MONEY = "money"
SHOWN = {
    "mae": ("MAE", MONEY),
    "rmse": ("RMSE", MONEY),
    "gini": ("Gini", "{:.3f}"),
    "top_decile_capture": ("top 10 %", "{:.1%}"),
    "bias": ("bias", "{:+.1%}"),
    "auc": ("churn AUC", "{:.3f}"),
    "log_loss": ("log loss", "{:.3f}"),
    "calibration_error": ("calibr. error", "{:.3f}"),
    "coverage": ("80 % interval", "{:.1%}"),
}
LEGEND = (
    "MAE, RMSE: error in money; Gini, churn AUC: how well customers are ranked (1 is perfect, chance 0 and 0.5); "
    "top 10 %: share of spend that the best tenth by prediction brought; bias: predicted total over actual, less 1; "
    "log loss, calibr. error: error of chances to leave; 80 % interval: share of customers whose spend it held. "
    "BG/NBD, MBG/NBD: buy-till-you-die models (BTYD). * best of its row"
)
SHORT = {"BG/NBD + Gamma-Gamma": "BG/NBD", "MBG/NBD + Gamma-Gamma": "MBG/NBD"}
"""Names for columns: what the legend says need not stand in each of them."""
BEST = "*"
COMPARED = {
    "mae": ("MAE", ",.2f"),
    "rmse": ("RMSE", ",.1f"),
    "gini": ("Gini", ".4f"),
    "bias": ("|bias|", ".2%"),
    "auc": ("churn AUC", ".4f"),
    "log_loss": ("log loss", ".4f"),
}
LARGE_BIAS = 0.3
"""From here on a total says nothing to plan with."""


def metrics_table(metrics: pd.DataFrame) -> Rows:
    """Return metrics as a table, a column a model; the best of each metric carries a star."""
    shown = [name for name in SHOWN if name in metrics and metrics[name].notna().any()]
    rows = []
    for name in shown:
        label, form = SHOWN[name]
        best = None if name == "coverage" else _best(metrics[name])
        cells = [_cell(value, form) + (BEST if model == best else " ") for model, value in metrics[name].items()]
        rows.append((label, *cells))
    return ("", *(SHORT.get(str(model), str(model)) + " " for model in metrics.index)), rows


def bias_words(metrics: Mapping[date, pd.DataFrame]) -> str | None:
    """Return what it means, and what to do, where predicted totals were far off; None: they were not.

    Parameters
    ----------
    metrics
        `training.evaluate.Evaluation.metrics` by as-of date.
    """
    totals = {day: float(found.loc[MODEL, "bias"]) for day, found in metrics.items()}
    far = {day: bias for day, bias in totals.items() if abs(bias) > LARGE_BIAS}
    if not far:
        return None
    said = ", ".join(
        f"{abs(bias):.0%} {'more' if bias > 0 else 'less'} than came as of {day}" for day, bias in far.items()
    )
    return (
        f"The total predicted was {said}: the level of all customers moved as the past had not shown it. "
        "Who is ahead of whom can be right all the same (see Gini and churn AUC), but plan no money with sums before "
        "you know why: a sale, a closed shop, rows that the log lacks? `regulars backtest` with more --cutoffs shows "
        "whether other windows are off, too; a longer log or a shorter horizon helps."
    )


def comparison_table(promotion: Promotion) -> tuple[str, Sequence[str], Sequence[Sequence[str]]]:
    """Return the figures of a challenger and the champion as a table, its title in front."""
    decision, comparison = promotion.decision, promotion.comparison
    if comparison is None:
        raise ValueError("nothing was compared")
    days, customers = list(comparison.customers), list(comparison.customers.values())
    title = f"Mean of {len(days)} as-of dates, {days[0]} to {days[-1]}, {customers[-1]:,} customers at the last"
    columns = (
        "",
        f"version {decision.challenger}",
        f"champion {decision.champion}",
        "difference",
        f"{comparison.confidence:.0%} interval",
        "verdict",
    )
    return title, columns, [_contrast(name, row) for name, row in comparison.table.iterrows()]


def _contrast(name: Any, row: pd.Series) -> tuple[str, ...]:
    label, form = COMPARED[name]
    own = [_cell(row[model], f"{{:{form}}}") for model in ("challenger", "champion")]
    difference, low, high = (_cell(row[column], f"{{:+{form}}}") for column in ("difference", "low", "high"))
    # Eighty columns, on a terminal.
    return label, *own, difference, f"{low}, {high}", "noise" if row["verdict"] == NOISE else str(row["verdict"])


def _best(values: pd.Series) -> Any:
    if values.name == "bias":
        return values.abs().idxmin()
    return values.idxmax() if values.name in HIGHER_IS_BETTER else values.idxmin()


def _cell(value: float, form: str) -> str:
    if pd.isna(value):
        return "-"
    if form == MONEY:
        # As many digits as say something: seven columns have to fit.
        form = "{:,.2f}" if abs(value) < 100 else "{:,.1f}" if abs(value) < 1000 else "{:,.0f}"
    return form.format(value)
