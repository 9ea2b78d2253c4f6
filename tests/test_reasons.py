"""Reasons: what moved a prediction most, each thing said once, in sentences that a person understands."""

import re
from datetime import date
from itertools import product

import numpy as np
import pandas as pd
import pytest

from features.ledger import build_ledger
from features.log import Log
from features.snapshot import snapshot
from models.encoding import Encoding
from serving.scoring.reasons import REASONS, reasons
from serving.scoring.sentences import FEWEST_DAYS, Sentence
from serving.scoring.silence import COUNTED
from training.fit import Fitting, fit_bundle

AS_OF = date(1998, 4, 1)
NO_CATEGORIES = Encoding((), {})


def entry(reason, unit="money"):
    return {"family": "a family", "unit": unit, "sentence": "What it is.", "reason": reason}


def said(reason, *numbers, unit="money"):
    fields = {"a": entry(reason, unit), "b": entry(None, unit)}
    return Sentence.of("a", fields, NO_CATEGORIES).worded([numbers])[0]


def idea(reason):
    return Sentence.of("a", {"a": entry(reason), "b": entry(None)}, NO_CATEGORIES).idea


class TestWording:
    def test_a_sentence_holds_the_customers_own_numbers(self):
        template = "last order {a:.0f} days ago; usually every {b:.0f} days"
        assert said(template, 140.0, 32.4, unit="days") == "last order 140 days ago; usually every 32 days"

    def test_one_is_singular_and_nothing_else_is(self):
        assert said("{a:.0f} purchase days so far", 1.0, unit="count") == "1 purchase day so far"
        assert said("{a:.0f} purchase days so far", 21.0, unit="count") == "21 purchase days so far"
        assert said("up to {a:.0f} different products", 1.0, unit="count") == "up to 1 different product"

    def test_more_refunded_than_spent_is_said_so(self):
        assert said("{a:,.0f} spent in all", -841.2) == "841 more refunded than spent in all"
        assert said("last purchase day worth {a:,.2f}", -1234.5) == (
            "last purchase day worth -1,234.50 (more refunded than spent)"
        )
        assert said("{a:,.0f} spent lately, {b:,.0f} in the time before", 12.0, -3.0) == (
            "12 spent lately, -3 (more refunded than spent) in the time before"
        )

    def test_a_little_less_than_nothing_is_nothing(self):
        assert said("{a:,.0f} spent in all", -0.2) == "0 spent in all"
        assert said("{a:,.2f} a purchase day", -0.001) == "0.00 a purchase day"

    def test_an_attribute_is_said_by_its_name_and_value_whatever_they_hold(self):
        encoding = Encoding(("the {channel}", "age"), {"the {channel}": ("web -1", "store")})
        level = {name: entry(None, "level") for name in ("the {channel}", "age")}
        assert Sentence.of("the {channel}", level, encoding).worded([(0.0,), (1.0,)]) == [
            "the {channel}: web -1",
            "the {channel}: store",
        ]
        assert Sentence.of("age", level, encoding).worded([(12_345.5,)]) == ["age: 12,345.5"]


class TestIdeas:
    def test_the_same_words_of_another_span_are_the_same_idea(self):
        assert idea("{a:,.0f} spent in the last 90 days") == idea("{b:,.0f} spent in the last 365 days")

    def test_other_words_are_another_idea(self):
        said = ["{a:,.0f} spent in the last 90 days", "{a:,.0f} spent in all", "{a:.0f} days with a refund"]
        assert len({idea(reason) for reason in said}) == len(said)


def silenced(bundle, numbers, moved):
    """Return what moved a prediction, of one customer, with all that says how long ago the last order was together."""
    moved = dict(moved)
    for name in moved:
        family, fields = bundle.catalogue[name]["family"], Sentence.of(name, bundle.catalogue, bundle.encoding).fields
        bought = any(numbers[field] != 0 or numbers[COUNTED.get(field, field)] != 0 for field in fields)
        if not bought and (family == "momentum" or (family == "season" and numbers["recency_days"] > 364)):
            moved["recency_days"] += moved[name]
            moved[name] = 0.0
    together = moved["recency_days"] + moved["recency_in_gaps"]
    if numbers["purchase_days"] >= 3 and (together < 0) == (numbers["recency_in_gaps"] > 1):
        moved |= {"recency_in_gaps": together, "recency_days": 0.0}
    return moved


def told(bundle, numbers, moved):
    """Return the reasons of one customer, one sentence after the other, as the module says that they come."""
    sentences = {name: Sentence.of(name, bundle.catalogue, bundle.encoding) for name in moved}
    weights = silenced(bundle, numbers, moved)
    days = numbers["purchase_days"]
    numbers = numbers | {field: np.nan for field, fewest in FEWEST_DAYS.items() if days < fewest}

    def alike(name, other):
        if sentences[name].idea == sentences[other].idea:
            return True
        pairs = product(*(zip(sentences[one].fields, sentences[one].kinds, strict=True) for one in (name, other)))
        for (first, kind), (second, same_kind) in pairs:
            values = {round(numbers[first], 2) + 0.0, round(numbers[second], 2) + 0.0}
            units = {str(bundle.catalogue[field]["unit"]) for field in (first, second)}
            if len(values) == 1 and (kind == same_kind or (values == {0.0} and units <= {"count", "money"})):
                return True
        return False

    left = [name for name in weights if not any(np.isnan(numbers[field]) for field in sentences[name].fields)]
    chosen = []
    while left and len(chosen) < REASONS:
        best = min(left, key=lambda name: (sum(alike(name, other) for other in chosen), -abs(weights[name])))
        left.remove(best)
        chosen.append(best)
    return [sentences[name].worded([[numbers[f] for f in sentences[name].fields]])[0] for name in chosen]


@pytest.fixture(scope="module")
def encoded(small_bundle, small_snapshot):
    return small_bundle.encoding.encode(small_snapshot)


@pytest.fixture(scope="module")
def given(small_bundle, encoded):
    return reasons(small_bundle, encoded).to_pylist()


class TestChoice:
    def test_all_customers_together_get_what_one_after_the_other_would(self, small_bundle, encoded, given):
        moved = small_bundle.explainer.contributions(encoded)
        for i in range(0, len(encoded), 7):
            assert given[i] == told(small_bundle, encoded.iloc[i].to_dict(), moved.iloc[i].to_dict())

    def test_nobody_is_told_the_same_number_twice(self, given):
        # Of two sentences that say the recency, one would be enough.
        recency = [sum(sentence.startswith(("last order", "silent")) for sentence in three) for three in given]
        assert max(recency) == 1
        assert all(sum(sentence.startswith("0 ") for sentence in three) <= 1 for three in given)

    def test_nobody_is_told_an_idea_twice(self, given):
        ideas = [{re.sub(r"[\d,.]+", "", sentence).replace("day ", "days ") for sentence in three} for three in given]
        assert {len(three) for three in ideas} == {REASONS}

    def test_how_often_is_said_of_three_purchase_days_or_more(self, encoded, given):
        usual = [any("every" in sentence for sentence in three) for three in given]
        assert np.mean(usual) > 0.1
        assert encoded.loc[usual, "purchase_days"].min() == 3

    def test_one_purchase_is_no_average(self, encoded, given):
        usual = [
            any(re.search("day on average|typically|usually|of all spend", said) for said in three) for three in given
        ]
        assert encoded.loc[usual, "purchase_days"].min() == 2

    def test_everybody_has_three(self, given):
        assert {len(three) for three in given} == {REASONS}

    def test_a_customer_has_the_same_ones_alone_in_any_batch_and_order(self, small_bundle, encoded, given):
        alone = [reasons(small_bundle, encoded.iloc[[i]]).to_pylist()[0] for i in range(40)]
        assert alone == given[:40]
        assert reasons(small_bundle, encoded.iloc[::-1]).to_pylist() == given[::-1]

    def test_a_sentence_whose_number_a_customer_lacks_is_left_out(self, small_bundle, encoded):
        nothing = encoded.iloc[:5].assign(**{name: np.nan for name in encoded if name != "recency_days"})
        for three, recency in zip(reasons(small_bundle, nothing).to_pylist(), nothing["recency_days"], strict=True):
            assert len(three) == 1
            assert three[0].startswith(f"last order {recency:.0f} day")


@pytest.fixture(scope="module")
def attributed(cdnow_sample):
    """A bundle of a log whose customers have a channel, which tells a good deal of them; and their snapshot."""
    spend = cdnow_sample.groupby("customer_id")["amount"].sum()
    customers = pd.DataFrame({"customer_id": spend.index, "channel": np.where(spend > 100, "web", "store")})
    customers["visits"] = customers["channel"].map({"web": 1234.5, "store": None})
    ledger = build_ledger(Log(cdnow_sample, customers=customers))
    bundle = fit_bundle(ledger, AS_OF, 90, Fitting(rows=2_000)).bundle
    table = snapshot(ledger, AS_OF, bundle.window_days).to_pandas().sort_values("customer_id").head(1_000)
    return bundle, table.drop(columns=["as_of", "customer_id"])


class TestAttributes:
    def test_attributes_are_among_the_reasons_with_the_customers_own_values(self, attributed):
        bundle, table = attributed
        assert {"channel", "visits"} <= set(bundle.explainer.columns)
        found = reasons(bundle, bundle.encoding.encode(table)).to_pylist()
        by_channel = [
            (sentence, channel)
            for three, channel in zip(found, table["channel"], strict=True)
            for sentence in three
            if sentence.startswith(("channel", "visits"))
        ]
        assert len(by_channel) > 20
        expected = {"web": {"channel: web", "visits: 1,234.5"}, "store": {"channel: store"}}
        assert all(sentence in expected[channel] for sentence, channel in by_channel)

    def test_a_value_that_the_training_did_not_know_is_no_reason(self, attributed):
        bundle, table = attributed
        found = reasons(bundle, bundle.encoding.encode(table.assign(channel="fax"))).to_pylist()
        assert not any(sentence.startswith("channel") for three in found for sentence in three)
