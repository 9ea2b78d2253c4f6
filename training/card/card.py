"""The model card: what a trained model predicts, how good it is, where it fails, and what must not be done with it."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from models.registry import registered_name
from training.card.document import Block, Bullets, Caution, Code, Document, Paragraph
from training.card.recipe import data, features, lessons, method
from training.card.reliability import reliability
from training.card.verdict import failures, goodness, summary
from training.evaluate import Evaluation
from training.fit import Fitted, Fitting

FEWEST_JUDGED = 200
"""Figures of fewer customers are mostly chance."""
UNKNOWN = (
    "Prices to come, discounts and campaigns, and whom they reach.",
    "Stock, delivery, quality, a shop that opens or closes.",
    "Competitors, and what customers buy elsewhere.",
    "Why somebody buys: whatever the log and the customers table do not hold.",
    "People who have not bought yet, and customers whose purchases carry no id or several.",
)
FORBIDDEN = (
    "No decisions about a person's credit, employment, insurance, housing or education.",
    "No denying of service, support or legal rights, and no worse treatment of those with a low score.",
    "No claim of cause: it says who will buy, not who buys because of a campaign. What a campaign does is known only "
    "from a control group that is left out of it at random.",
    "No pricing for single persons.",
)
PERSONAL = (
    "Customer ids, scores and lists are personal data: keep them where the log may be kept, give them to those who "
    "need them, and delete them when the customer's data are deleted. This card holds none."
)


@dataclass(frozen=True)
class Trained:
    """A training run, as far as its card tells of it.

    Attributes
    ----------
    fitted
        The bundle and what it was learnt from.
    evaluation
        How the same recipe did on the newest complete window; None where the history does not allow one.
    fitting
        How it was fitted.
    quality
        Quality report of the log; empty where there is none.
    run_id
        The MLflow run.
    """

    fitted: Fitted
    evaluation: Evaluation | None
    fitting: Fitting
    quality: Mapping[str, Any]
    run_id: str


def model_card(trained: Trained, pictures: Mapping[str, bytes]) -> Document:
    """Return the card of a training run.

    Parameters
    ----------
    trained
        The run.
    pictures
        PNG of the `importances` of the bundle; where there is an evaluation, those of `training.pictures.pictures` too.
    """
    fitted, evaluation = trained.fitted, trained.evaluation
    sections: dict[str, list[Block]] = {"What it predicts": _subject(fitted)}
    if evaluation is not None:
        sections |= {
            "How good it is": goodness(evaluation),
            "Where it fails": failures(evaluation),
            "Calibration and intervals": reliability(evaluation, pictures),
        }
    sections |= {
        "What it does not know": [Bullets(UNKNOWN)],
        "What must not be done with it": _limits(fitted),
        "Data": data(fitted, trained.quality),
        "Past windows": lessons(fitted),
        "Method": method(fitted),
        "Features": features(fitted.bundle, pictures["importances"]),
        "How to make it again": _reproduction(trained),
    }
    name = registered_name(fitted.plan.horizon_days)
    return Document(f"Model card: {name} as of {fitted.plan.as_of}", _lead(trained), sections)


def _lead(trained: Trained) -> list[Block]:
    plan, evaluation = trained.fitted.plan, trained.evaluation
    blocks: list[Block] = []
    if evaluation is None:
        blocks.append(
            Caution(
                f"Not evaluated: the log holds no complete window of {plan.horizon_days} days with enough history and "
                "customers before it. Nobody knows how good these predictions are."
            )
        )
    if plan.extrapolates:
        blocks.append(
            Caution(
                f"Extrapolated: the history is too short for windows of {plan.horizon_days} days; it was learnt from "
                f"windows of {plan.window_days} days."
            )
        )
    if evaluation is not None:
        if len(evaluation.customers) < FEWEST_JUDGED:
            blocks.append(Caution(f"Judged on fewer than {FEWEST_JUDGED} customers: its figures are mostly chance."))
        blocks.append(Paragraph(summary(evaluation)))
    return blocks


def _subject(fitted: Fitted) -> list[Block]:
    plan = fitted.plan
    exactly = "It extrapolates" if plan.extrapolates else "It does not extrapolate"
    return [
        Paragraph(
            f"For every customer who bought before {plan.as_of}, what happens in the {plan.horizon_days} days from "
            f"then on. {exactly}: it was learnt from windows of {plan.window_days} days. As-of dates after "
            f"{plan.as_of} can be scored with it as well."
        ),
        Bullets(
            [
                "Expected spend: net money, refunds included, not below 0; with its median and an 80 % interval.",
                "Churn probability: of no purchase in these days. A purchase is a day with a positive amount.",
                "Expected orders: days with a purchase; and the day by which the next one is as likely as not.",
                "Customer lifetime value (clv): expected spend carried on beyond these days by the buy-till-you-die "
                "model, discounted, times the margin that is set when scoring. No log is long enough to judge it "
                "here.",
            ]
        ),
    ]


def _limits(fitted: Fitted) -> list[Block]:
    plan = fitted.plan
    return [
        Bullets(
            [
                *FORBIDDEN,
                f"No scoring of as-of dates before {plan.as_of}: it has seen what came of them.",
                f"No use later than {plan.horizon_days} days after {plan.as_of} without a new evaluation; better, "
                "train again.",
                PERSONAL,
            ]
        )
    ]


def _reproduction(trained: Trained) -> list[Block]:
    plan, facts, usual = trained.fitted.plan, trained.fitted.bundle.facts, Fitting()
    chosen = {
        field.name: getattr(trained.fitting, field.name)
        for field in fields(Fitting)
        if getattr(trained.fitting, field.name) != getattr(usual, field.name)
    }
    command = f"regulars train LOG --as-of {plan.as_of} --horizon {plan.horizon_days}"
    if chosen:
        settings = ", ".join(f"{name}={value!r}" for name, value in chosen.items())
        command = (
            f'regulars.train(log, as_of="{plan.as_of}", horizon={plan.horizon_days}, '
            f"fitting=regulars.Fitting({settings}))"
        )
    same = "nearly the same model" if trained.fitting.dask else "the same model"
    return [
        Paragraph(
            "With the same log, whose fingerprint is above, the same column flags and the same versions, this gives "
            f"{same} ({'in Python, ' if chosen else ''}seed {trained.fitting.seed}):"
        ),
        Code(command),
        Bullets(
            [
                f"MLflow run: {trained.run_id}.",
                "Versions: " + ", ".join(f"{name} {number}" for name, number in facts["versions"].items()) + ".",
            ]
        ),
    ]
