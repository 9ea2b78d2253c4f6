"""The recipe of a trained model in words: its data, its past windows, its level, its models and their features."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pandas as pd

from models.btyd import BTYD
from models.bundle import Bundle
from models.churn import PARAMETRIC
from models.gaps import GAPS
from training.card.document import Block, Bullets, Paragraph, Picture, Strong, Table
from training.fit import Fitted
from training.pictures import importance_table

BTYD_PREFIX = "btyd_"
MOST_TELLING = 15
MEMBERS = {
    "linear": "a non-negative linear mixture",
    "spend": "LightGBM trees of spend (Tweedie)",
    "count": "LightGBM trees of purchase days (Poisson) times the order value",
    "rate": "LightGBM trees that start from the share of buyers",
    "btyd": "LightGBM trees that start from the buy-till-you-die probability",
    "ridge": "a ridge regression",
    "parametric": "the buy-till-you-die model itself",
}
SPEND_MEMBERS = MEMBERS | {"btyd": "what the buy-till-you-die model itself expects"}


def data(fitted: Fitted, quality: Mapping[str, Any]) -> list[Block]:
    """Return what the model was learnt from."""
    facts, plan = fitted.bundle.facts, fitted.plan
    known = [
        f"Known to the training: {facts['log_first_day']} to {facts['log_last_day']}, "
        f"{fitted.past[plan.as_of].customers:,.0f} customers who bought before {plan.as_of}.",
        f"Fingerprint of the log: {facts['log_fingerprint']}.",
    ]
    if facts.get("customers_share", 1.0) < 1:
        known.append(
            f"Those are a sample: {facts['customers_share']:.1%} of the log's customers, drawn by a hash of their ids, "
            "as many as the memory setting allows to learn from."
        )
    if "log" in facts:
        known.insert(0, f"Log: {facts['log']}.")
    if not quality:
        return [Bullets([*known, "The quality of the log was not reported."])]
    problems = ", ".join(f"{n:,} {problem}" for problem, n in quality["problems"].items())
    once = quality["one_time_buyers"] / max(quality["buyers"], 1)
    whole = [
        f"Rows: {quality['rows']:,} read, {quality['used_rows']:,} used.",
        f"Unusable rows: {quality['bad_rows']:,}, {quality['bad_share']:.2%} of all: {problems}."
        if problems
        else "Unusable rows: none.",
        f"Customers: {quality['customers']:,}, of whom {quality['buyers']:,} bought, {once:.0%} of these on one day "
        "only.",
        f"Purchase days: {quality['purchase_days']:,}, net spend {quality['net']:,.2f}.",
        f"Refunds: {quality['refund_rows']:,} rows, {quality['refunded']:,.2f} in money.",
    ]
    whole_log = f"The whole log, {quality['first_day']} to {quality['last_day']}"
    later = "" if quality["last_day"] <= facts["log_last_day"] else ", of which the training read the part known to it"
    return [Bullets(known), Paragraph(f"{whole_log}{later}:"), Bullets(whole)]


def lessons(fitted: Fitted) -> list[Block]:
    """Return the past windows that taught the model."""
    plan = fitted.plan
    sentences = [
        f"{fitted.rows:,} rows, a sample of the customers at {len(plan.cutoffs)} past as-of dates, {plan.cutoffs[-1]} "
        f"to {plan.cutoffs[0]}, {plan.step_days} days apart: features from before each date, outcomes from the "
        f"{plan.window_days} days after it, all of them over by {plan.as_of}.",
    ]
    others = [lesson for lesson in plan.others if lesson.cutoffs]
    if others:
        lengths = " and ".join(f"{lesson.window_days} days ({len(lesson.cutoffs)} dates)" for lesson in others)
        sentences.append(f"Windows of other lengths teach as well, with half the weight: {lengths}.")
    if plan.seasons:
        sentences.append(
            f"The same season of earlier years teaches as well: {len(plan.seasons)} dates, {plan.seasons[-1]} to "
            f"{plan.seasons[0]}. The other windows count less beside them."
        )
    if plan.extrapolates:
        sentences.append(
            f"The horizon of {plan.horizon_days} days is longer than any window: predictions for {plan.window_days} "
            "days are carried on by the buy-till-you-die model."
        )
    season = "The season is known" if plan.last_year else "The season is not known"
    sentences.append(
        f"{season}: the same days of last year {'lie' if plan.last_year else 'do not lie'} in the log, with enough "
        "history before them."
    )
    return [Bullets(sentences)]


def method(fitted: Fitted) -> list[Block]:
    """Return how a prediction comes about, with the parameters of the buy-till-you-die model and of the level."""
    bundle = fitted.bundle
    spend = ", ".join(SPEND_MEMBERS[name] for name in bundle.spend.members if name in bundle.spend.means_)
    churn = ", ".join(MEMBERS[name] for name in bundle.churn.members if name in (*bundle.churn.members_, *PARAMETRIC))
    return [
        Paragraph(
            "A buy-till-you-die model sets how much there is to expect, LightGBM and linear models learn who gets more "
            "of it and who less, and a forecast of the level sets the total."
        ),
        Bullets(
            [
                f"Spend: the geometric mean of {spend}.",
                f"Churn: the mean log-odds of {churn}.",
                "Intervals: quantiles of what happened over what was predicted in past windows, by size of the "
                "prediction.",
            ]
        ),
        Paragraph("The buy-till-you-die model says of these customers:"),
        Bullets(_btyd(bundle.btyd)),
        Paragraph("The level, season and growth of all customers at once:"),
        Bullets(_level(fitted)),
    ]


def features(bundle: Bundle, picture: bytes) -> list[Block]:
    """Return how many features of each family there are, and those that split best."""
    names = [str(name) for name in bundle.spend.feature_names_in_]
    counts = Counter(_family(bundle, name) for name in names)
    describing = sorted({_family(bundle, name) for name in bundle.spend.unused})
    table = importance_table(bundle)
    blocks: list[Block] = [
        Paragraph(
            f"{len(names)} features, by family. Some only word reasons and place the present silence "
            f"({', '.join(describing)}); trees and ridges learn from the rest."
        ),
        Table(("family", "features"), [(family, str(n)) for family, n in counts.most_common()]),
    ]
    if not table.to_numpy().any():
        return [*blocks, Paragraph("The trees did not split: there was too little to learn beyond their offsets.")]
    return [
        *blocks,
        Paragraph("Those that split best, by their share of the gain in the trees of spend and of churn:"),
        _telling(bundle, table),
        Picture("importances.png", "Share of the gain by feature", picture),
    ]


def _btyd(btyd: BTYD) -> list[str]:
    often, value = btyd.dropout_, btyd.order_value_
    chance = "the first included" if btyd.dropout == "mbg" else "from the second on"
    excess = value.q_ - 1.0
    return [
        f"While they are customers, they buy on {often.r_ / often.alpha_:.3g} days a week on average, which is one day "
        f"in {often.alpha_ / often.r_:,.3g} weeks; the rate differs between them with a coefficient of variation of "
        f"{often.r_**-0.5:.2f} (Gamma with r = {often.r_:.4g}, alpha = {often.alpha_:.4g} weeks).",
        f"After each purchase, {chance}, {often.a_ / (often.a_ + often.b_):.1%} of them stop for good on average "
        f"(Beta with a = {often.a_:.4g}, b = {often.b_:.4g}).",
        f"A purchase day of an average customer brings {value.p_ * value.gamma_ / excess:,.2f} (Gamma-Gamma with "
        f"p = {value.p_:.4g}, q = {value.q_:.4g}, gamma = {value.gamma_:,.4g}).",
    ]


def _level(fitted: Fitted) -> list[str]:
    level = fitted.bundle.level
    past = [fitted.past[day].level("spend") for day in fitted.plan.cutoffs if day in fitted.past]
    sentences = [
        f"Forecast as of {fitted.plan.as_of}: {level.spend:.2f} times the spend, {level.orders:.2f} times the purchase "
        f"days and {level.active:.2f} times the buyers that the buy-till-you-die model expects.",
        f"Rule: {level.rule}.",
        "It is forecast anew for each as-of date that is scored.",
    ]
    if past:
        sentences.insert(2, f"In past windows the level of spend was {min(past):.2f} to {max(past):.2f}.")
    return sentences


def _telling(bundle: Bundle, table: pd.DataFrame) -> Table:
    top = table.loc[table.mean(axis=1).nlargest(MOST_TELLING).index]
    rows = [
        (Strong(name), f"{row['spend']:.1%}", f"{row['churn']:.1%}", _sentence(bundle, str(name)))
        for name, row in top.iterrows()
    ]
    return Table(("feature", "spend", "churn", "what it is"), rows, words=(0, 3))


def _family(bundle: Bundle, name: str) -> str:
    if name in bundle.catalogue:
        return str(bundle.catalogue[name]["family"])
    if name.startswith(BTYD_PREFIX):
        return "buy till you die"
    return "gaps between purchases" if name in GAPS else "length of the window"


def _sentence(bundle: Bundle, name: str) -> str:
    if name in bundle.catalogue:
        return str(bundle.catalogue[name]["sentence"])
    if name.startswith(BTYD_PREFIX):
        return f"What the buy-till-you-die model says of the next {bundle.window_days} days."
    if name in GAPS:
        return "What the gaps between the purchases of all customers say of this one's silence."
    return "Length of the outcome window that taught a row."
