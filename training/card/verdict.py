"""The verdict on an evaluation in words: wins and losses beside the baselines, and where it fails."""

import numpy as np
import pandas as pd

from training.card.document import Block, Bullets, Paragraph, Strong, Table, number
from training.evaluate import MODEL, Evaluation
from training.groups import (
    FEWEST_IN_GROUP,
    LARGEST_BIAS,
    LEAST_COVERAGE,
    by_kind,
    by_value,
    narrow,
    off,
)
from training.metrics import HIGHER_IS_BETTER

SHOWN = {
    "mae": ("MAE", "{:,.2f}"),
    "rmse": ("RMSE", "{:,.2f}"),
    "gini": ("Gini", "{:.3f}"),
    "spearman": ("Spearman", "{:.3f}"),
    "bias": ("bias", "{:+.1%}"),
    "auc": ("AUC", "{:.3f}"),
    "log_loss": ("log loss", "{:.3f}"),
    "brier": ("Brier", "{:.3f}"),
    "coverage": ("coverage", "{:.1%}"),
}
MEANING = (
    "MAE and RMSE: how far expected spend is from what was spent, in money; less is better. Gini and Spearman: how "
    "well it ranks customers by spend; 1 is perfect, 0 is chance. Bias: predicted over actual total, less 1. AUC: how "
    "well it ranks customers by churn; 0.5 is chance. Log loss and Brier: how true the churn probabilities are; less "
    "is better. Coverage: the share of customers whose spend fell into their 80 % interval. The best of each column "
    "stands out."
)
RIVALS = (
    "Baselines: mean, what the average customer did in the newest complete window before; last window, what the "
    "customer did in the one before the as-of date; historic rate, the customer's own rate since the first purchase; "
    "and two buy-till-you-die models, fitted at the same date."
)


def standing(metrics: pd.DataFrame) -> pd.DataFrame:
    """Return how the model stands beside the best baseline, a row a metric that both have.

    Parameters
    ----------
    metrics
        `training.evaluate.Evaluation.metrics`.

    Returns
    -------
    DataFrame
        Indexed by metric: `own` and `best` value, `baseline` (name of the best one), `won` (no baseline is better).
    """
    rows = {}
    for name in SHOWN:
        if name == "coverage" or name not in metrics or pd.isna(metrics.loc[MODEL, name]):
            continue
        turned = _turned(metrics[name]).drop(MODEL).dropna()
        if len(turned):
            best = turned.idxmin()
            rows[name] = {
                "own": metrics.loc[MODEL, name],
                "best": metrics.loc[best, name],
                "baseline": best,
                "won": bool(_turned(metrics[name])[MODEL] <= turned[best]),
            }
    return pd.DataFrame(rows, index=["own", "best", "baseline", "won"]).T


def summary(evaluation: Evaluation) -> str:
    """Return one sentence: when it was judged, on whom, and how often it won."""
    found = standing(evaluation.metrics)
    return (
        f"Judged as of {evaluation.as_of}, {evaluation.horizon_days} days ahead, on {len(evaluation.customers):,} "
        f"customers: at least as good as every baseline in {int(found['won'].sum())} of {len(found)} measures."
    )


def goodness(evaluation: Evaluation) -> list[Block]:
    """Return the figures beside those of every baseline, wins and losses said plainly."""
    found, customers = standing(evaluation.metrics), evaluation.customers
    won, lost = (
        [SHOWN[str(name)][0] for name in found.index[found["won"].astype(bool) == which]] for which in (True, False)
    )
    expected, actual = customers["expected_spend"].sum(), customers["net_spend"].sum()
    median = (customers["median_spend"] - customers["net_spend"]).abs().mean()
    return [
        Paragraph(
            f"The same recipe was fitted as of {evaluation.as_of}, on what was known then, and judged by the "
            f"{evaluation.horizon_days} days that followed: the newest window whose outcome the log holds. It is not "
            f"the registered model itself, whose outcome nobody knows yet. {_then(evaluation)}"
        ),
        _comparison(evaluation.metrics),
        Bullets(
            [
                f"At least as good as every baseline in {len(won)} of {len(found)}: {', '.join(won) or 'none'}.",
                f"Some baseline is better in {len(lost)}: {', '.join(lost)}." if lost else "No baseline is better.",
                f"All customers together: {expected:,.0f} predicted, {actual:,.0f} spent; "
                f"{(1 - customers['churn_probability']).sum():,.0f} buyers predicted, "
                f"{(~customers['churned'].astype(bool)).sum():,} came.",
                f"Expected spend is a mean, which sums to revenue; MAE rewards the median, and that of median_spend is "
                f"{median:,.2f}.",
            ]
        ),
        Paragraph(MEANING),
        Paragraph(RIVALS),
    ]


def losses(metrics: pd.DataFrame) -> list[str]:
    """Return one sentence for each metric in which a baseline is better."""
    found = standing(metrics)
    sentences = []
    for name, row in found[~found["won"].astype(bool)].iterrows():
        label, form = SHOWN[str(name)]
        best, own = form.format(row["best"]), form.format(row["own"])
        distance = f"{best} against {own}" if best != own else "by less than the digits show"
        sentences.append(f"{label}: the baseline {row['baseline']} is better, {distance}.")
    return sentences


def failures(evaluation: Evaluation) -> list[Block]:
    """Return where it fails: baselines that are better, groups that are off, intervals that are too narrow."""
    groups = pd.concat([by_kind(evaluation.customers, evaluation.horizon_days), _deciles(evaluation)])
    found = [
        *losses(evaluation.metrics),
        *(_off(str(name), row) for name, row in off(groups).iterrows()),
        *(
            f"{name} ({row['customers']:,.0f} customers): the 80 % interval held only {row['coverage']:.1%} of them."
            for name, row in narrow(groups).iterrows()
        ),
    ]
    looked = (
        f"Named are baselines that are better, and kinds of customers and deciles of expected spend with at least "
        f"{FEWEST_IN_GROUP} customers whose total is off by more than {LARGEST_BIAS:.0%} or whose intervals held fewer "
        f"than {LEAST_COVERAGE:.0%}."
    )
    if not found:
        return [Paragraph(f"Nothing stands out on this window. {looked}")]
    blocks: list[Block] = [Paragraph(looked)]
    total = evaluation.metrics.loc[MODEL, "bias"]
    if abs(total) > LARGEST_BIAS / 2:
        blocks.append(
            Paragraph(f"The level itself, the total of all customers, was off by {total:+.1%}: it moves every group.")
        )
    return [*blocks, Bullets([sentence[:1].upper() + sentence[1:] for sentence in found])]


def _turned(values: pd.Series) -> pd.Series:
    """Return a metric so that less is better."""
    if values.name == "bias":
        return values.abs()
    return -values if values.name in HIGHER_IS_BETTER else values


def _comparison(metrics: pd.DataFrame) -> Table:
    shown = [name for name in SHOWN if name in metrics and metrics[name].notna().any()]
    best = {name: _turned(metrics[name]).min() for name in shown if name != "coverage"}
    rows = []
    for model, row in metrics.iterrows():
        cells = [number(row[name], SHOWN[name][1]) for name in shown]
        stands = [name in best and _turned(metrics[name])[model] == best[name] for name in shown]
        numbers = [Strong(cell) if stand else cell for cell, stand in zip(cells, stands, strict=True)]
        rows.append((Strong(model) if model == MODEL else str(model), *numbers))
    return Table(("model", *(SHOWN[name][0] for name in shown)), rows)


def _deciles(evaluation: Evaluation) -> pd.DataFrame:
    return by_value(evaluation.customers).rename(index=lambda decile: f"decile {decile} of expected spend")


def _then(evaluation: Evaluation) -> str:
    bundle = evaluation.fitted.bundle
    windows = f"from windows of {bundle.window_days} days"
    learnt = f"It had to extrapolate {windows}" if bundle.level_rule.extrapolates else f"It learnt {windows}"
    return f"{learnt}; the rule of its level was: {bundle.level.rule}."


def _off(name: str, row: pd.Series) -> str:
    money = f"{row['expected'] * row['customers']:,.0f} predicted, {row['actual'] * row['customers']:,.0f} spent"
    if np.isinf(row["bias"]):
        return f"{name} ({row['customers']:,.0f} customers): {money}."
    chance = "chance alone may do that" if abs(row["bias"]) <= row["chance"] else "more than chance does"
    return f"{name} ({row['customers']:,.0f} customers): {money}, {row['bias']:+.1%}, {chance}."
