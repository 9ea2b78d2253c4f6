"""Reliability: what came of predicted churn, spend and intervals, by decile and by kind of customer."""

from collections.abc import Mapping

import pandas as pd

from training.card.document import Block, Paragraph, Picture, Table, number
from training.evaluate import MODEL, Evaluation
from training.groups import PROMISED_COVERAGE, by_churn, by_kind, by_value
from training.metrics import coverage

INTERVAL = ("expected_spend_low", "expected_spend_high")


def reliability(evaluation: Evaluation, pictures: Mapping[str, bytes]) -> list[Block]:
    """Return calibration of churn by decile, and spend and intervals by kind and by decile, with their pictures."""
    customers = evaluation.customers
    churn = by_churn(customers)
    gap = (churn["expected"] - churn["actual"]).abs()
    outside = int(((churn["expected"] < churn["low"]) | (churn["expected"] > churn["high"])).sum())
    return [
        Paragraph(
            f"Churn: predicted and actual rate of a decile of customers are at most {100 * gap.max():.1f} percentage "
            f"points apart, and {100 * evaluation.metrics.loc[MODEL, 'calibration_error']:.1f} on average; in "
            f"{outside} of {len(churn)} deciles the prediction lies outside the 95 % interval of the actual rate."
        ),
        _churn_table(churn),
        Picture("calibration.png", "Predicted and actual churn by decile of the prediction", pictures["calibration"]),
        Paragraph(f"{_kept(evaluation)} Spend, churn and coverage by kind of customer, money a customer:"),
        _group_table("kind of customer", by_kind(customers, evaluation.horizon_days)),
        Paragraph("By decile of expected spend, 1 the highest:"),
        _group_table("decile", by_value(customers)),
        Picture("coverage.png", "Customers inside their 80 % interval, by decile", pictures["coverage"]),
        Picture("deciles.png", "Predicted and actual spend a customer, by decile", pictures["deciles"]),
        Picture("gain_curve.png", "Share of all spend that the best-ranked customers brought", pictures["gain_curve"]),
    ]


def _churn_table(churn: pd.DataFrame) -> Table:
    return Table(
        ("decile", "customers", "churn predicted", "churned", "95 % interval"),
        [
            (str(i), f"{r.customers:,.0f}", f"{r.expected:.1%}", f"{r.actual:.1%}", f"{r.low:.1%} to {r.high:.1%}")
            for i, r in churn.iterrows()
        ],
    )


def _group_table(name: str, groups: pd.DataFrame) -> Table:
    rows = [
        (
            str(group),
            f"{row['customers']:,.0f}",
            f"{row['expected']:,.2f}",
            f"{row['actual']:,.2f}",
            number(row["bias"], "{:+.1%}"),
            f"{row['churn_expected']:.1%}",
            f"{row['churned']:.1%}",
            f"{row['coverage']:.1%}",
        )
        for group, row in groups.iterrows()
    ]
    columns = ("customers", "spend predicted", "spent", "bias", "churn predicted", "churned", "coverage")
    return Table((name, *columns), rows)


def _kept(evaluation: Evaluation) -> str:
    customers, held = evaluation.customers, evaluation.metrics.loc[MODEL, "coverage"]
    some = customers[customers["expected_spend_high"] > 0]
    sentence = f"Intervals promise to hold {PROMISED_COVERAGE:.0%} of customers, and held {held:.1%}."
    if len(some) < len(customers):
        spend = (column.to_numpy() for _, column in some[["net_spend", *INTERVAL]].items())
        sentence += (
            f" For {1 - len(some) / len(customers):.1%} of customers the interval is from 0 to 0, which holds those "
            "who buy nothing"
        )
        sentence += f"; of the others, {coverage(*spend):.1%} were inside." if len(some) else "."
    return sentence
