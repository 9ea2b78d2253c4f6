"""What commands say of their results: facts for people, plain data for programs."""

from pathlib import Path
from typing import Any

from features.quality import Quality
from models.level import Level
from serving.score import Scoring
from training.backtest import plain
from training.card.recipe import MEMBERS, SPEND_MEMBERS
from training.promotion.promote import Promotion
from training.train import Training

FEW_BUYERS = 500
"""Below it, a buy-till-you-die model does as well: the README says how that was measured."""


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


def training_facts(training: Training) -> dict[str, str]:
    """Return what a training did, for people."""
    plan, version, bundle = training.fitted.plan, training.version, training.fitted.bundle
    seasons = f", and at {len(plan.seasons)} of the same season in earlier years" if plan.seasons else ""
    facts = {
        "registered": f"{version.name} version {version.version}, {version.alias}",
        "as of": f"{plan.as_of}, {plan.horizon_days} days ahead",
        "learnt from": f"{training.fitted.rows:,} rows at {len(plan.cutoffs)} past as-of dates, "
        f"{plan.cutoffs[-1]} to {plan.cutoffs[0]}{seasons}",
        "level": level_words(bundle.level),
        "trusted for spend": ", ".join(SPEND_MEMBERS[name] for name in bundle.spend.members),
        "trusted for churn": ", ".join(MEMBERS[name] for name in bundle.churn.members),
        "MLflow run": version.run_id,
    }
    if plan.extrapolates:
        facts["extrapolates"] = f"from windows of {plan.window_days} days: the log is too short for longer ones"
    if training.evaluation is None:
        facts["evaluated"] = "no: the log has no complete window with enough history before it"
    return facts


def level_words(level: Level) -> str:
    """Return how much all customers together are expected to spend, and by which rule."""
    return f"{level.spend:.2f} times what the buy-till-you-die model (BTYD) expects ({level.rule})"


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
        "level": level_words(scoring.level),
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


def promotion_facts(promotion: Promotion) -> dict[str, str]:
    """Return what was decided of a challenger, for people."""
    decision = promotion.decision
    champion = decision.challenger if promotion.promoted else decision.champion
    return {
        decision.outcome: decision.why,
        "champion": f"{decision.model} version {champion}" + ("" if promotion.promoted else ", as before"),
        "written down": f"by {decision.by}, MLflow run {promotion.run_id}",
    }
