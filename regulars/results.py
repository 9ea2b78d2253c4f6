"""What commands say of their results: facts and tables for people, plain data for programs."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from features.quality import Quality
from features.window import Span, rolling, schedule
from regulars.errors import HistoryError
from serving.score import Scoring
from training.backtest import plain
from training.metrics import HIGHER_IS_BETTER
from training.promotion.comparison import NOISE
from training.promotion.promote import Promotion
from training.rehearsal import newer_cutoffs
from training.train import Training

Rows = tuple[Sequence[str], Sequence[Sequence[str]]]

HORIZONS = (30, 90, 180, 365)
FEW_BUYERS = 500
"""Below it, a buy-till-you-die model does as well: the README says how that was measured."""
SHOWN = {
    "mae": ("MAE", "{:,.2f}"),
    "rmse": ("RMSE", "{:,.1f}"),
    "gini": ("Gini", "{:.3f}"),
    "top_decile_capture": ("top 10 %", "{:.1%}"),
    "bias": ("bias", "{:+.1%}"),
    "auc": ("churn AUC", "{:.3f}"),
    "log_loss": ("log loss", "{:.3f}"),
    "calibration_error": ("calibr. error", "{:.3f}"),
    "coverage": ("80 % interval", "{:.1%}"),
}
BEST = "*"
COMPARED = {
    "mae": ("MAE", ",.2f"),
    "rmse": ("RMSE", ",.1f"),
    "gini": ("Gini", ".4f"),
    "bias": ("|bias|", ".2%"),
    "auc": ("churn AUC", ".4f"),
    "log_loss": ("log loss", ".4f"),
}


def quality_facts(quality: Quality, repeated: int) -> dict[str, str]:
    """Return a quality report for people."""
    bad = ", ".join(f"{n:,} {problem}" for problem, n in quality.problems.items()) or "none"
    one_time = quality.one_time_buyers / max(quality.buyers, 1)
    facts = {
        "span": f"{quality.first_day} to {quality.last_day}",
        "rows": f"{quality.rows:,}, of which {quality.used_rows:,} can be used ({1 - quality.bad_share:.1%})",
        "unusable rows": bad,
        "repeated rows": f"{repeated:,} rows are the same as another in every column; they count",
        "customers": f"{quality.customers:,}, of which {quality.buyers:,} bought, {one_time:.0%} on one day only",
        "purchase days": f"{quality.purchase_days:,}",
        "net spend": f"{quality.net:,.2f}, after refunds of {quality.refunded:,.2f} in {quality.refund_rows:,} rows",
    }
    if quality.buyers < FEW_BUYERS:
        facts["few customers"] = f"below {FEW_BUYERS} who bought, expect about what a buy-till-you-die model can do"
    return facts


def prospects(span: Span) -> list[dict[str, Any]]:
    """Return, by horizon, what a log allows as of the day after its last."""
    found = []
    for horizon in HORIZONS:
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


def prospects_table(found: list[dict[str, Any]]) -> Rows:
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


def metrics_table(metrics: pd.DataFrame) -> Rows:
    """Return metrics by model as a table; the best of each metric carries a star."""
    shown = [name for name in SHOWN if name in metrics and metrics[name].notna().any()]
    best = {name: _best(metrics[name]) for name in shown if name != "coverage"}
    rows = [
        (
            str(model),
            *(_cell(row[name], SHOWN[name][1]) + (BEST if model == best.get(name) else " ") for name in shown),
        )
        for model, row in metrics.iterrows()
    ]
    return ("", *(f"{SHOWN[name][0]} " for name in shown)), rows


def training_facts(training: Training) -> dict[str, str]:
    """Return what a training did, for people."""
    plan, version, bundle = training.fitted.plan, training.version, training.fitted.bundle
    facts = {
        "registered": f"{version.name} version {version.version}, {version.alias}",
        "as of": f"{plan.as_of}, {plan.horizon_days} days ahead",
        "learnt from": f"{training.fitted.rows:,} rows at {len(plan.cutoffs)} past as-of dates, "
        f"{plan.cutoffs[-1]} to {plan.cutoffs[0]}",
        "level": f"{bundle.level.spend:.2f} x BTYD ({bundle.level.rule})",
        "trusted": f"{', '.join(bundle.spend.members)} for spend; {', '.join(bundle.churn.members)} for churn",
        "MLflow run": version.run_id,
    }
    if plan.extrapolates:
        facts["extrapolates"] = f"from windows of {plan.window_days} days: the log is too short for longer ones"
    if training.evaluation is None:
        facts["evaluated"] = "no: the log has no complete window with enough history before it"
    return facts


def training_result(training: Training) -> dict[str, Any]:
    """Return what a training did, as plain data."""
    plan, version = training.fitted.plan, training.version
    evaluation = training.evaluation
    return {
        "model": version.name,
        "version": version.version,
        "alias": version.alias,
        "run_id": version.run_id,
        "as_of": plan.as_of,
        "horizon_days": plan.horizon_days,
        "window_days": plan.window_days,
        "spend_members": list(training.fitted.bundle.spend.members),
        "churn_members": list(training.fitted.bundle.churn.members),
        "rows": training.fitted.rows,
        "evaluated_as_of": None if evaluation is None else evaluation.as_of,
        "metrics": None if evaluation is None else plain(evaluation.metrics),
    }


def scoring_facts(scoring: Scoring, store: Path) -> dict[str, str]:
    """Return what a scoring run did, for people."""
    facts = {
        "scored": f"{scoring.customers:,} customers as of {scoring.as_of}, {scoring.horizon_days} days ahead",
        "model": f"version {scoring.model_version}",
        "level": f"{scoring.level.spend:.2f} x BTYD ({scoring.level.rule})",
        "revenue": "{expected_spend:,.0f} expected, {low:,.0f} to {high:,.0f} four times in five".format(
            **scoring.revenue
        ),
        "clv": "discounted revenue: no margin was given"
        if scoring.margin is None
        else f"at a margin of {scoring.margin:.1%}",
        "store": str(store),
    }
    if scoring.notes:
        facts["note"] = "; ".join(scoring.notes)
    if scoring.window_days < scoring.horizon_days:
        facts["extrapolates"] = f"from windows of {scoring.window_days} days: its training saw no longer ones"
    return facts


def scoring_result(scoring: Scoring, store: Path) -> dict[str, Any]:
    """Return what a scoring run did, as plain data."""
    return {
        "customers": scoring.customers,
        "as_of": scoring.as_of,
        "horizon_days": scoring.horizon_days,
        "window_days": scoring.window_days,
        "model_version": scoring.model_version,
        "level": scoring.level.spend,
        "revenue": scoring.revenue,
        "margin": scoring.margin,
        "notes": list(scoring.notes),
        "store": str(store),
    }


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


def promotion_facts(promotion: Promotion) -> dict[str, str]:
    """Return what was decided of a challenger, for people."""
    decision = promotion.decision
    champion = decision.challenger if promotion.promoted else decision.champion
    return {
        decision.outcome: decision.why,
        "champion": f"{decision.model} version {champion}" + ("" if promotion.promoted else ", as before"),
        "written down": f"by {decision.by}, MLflow run {promotion.run_id}",
    }


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
    return "-" if pd.isna(value) else form.format(value)
