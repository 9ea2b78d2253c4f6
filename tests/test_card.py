"""The model card: what a run knows of itself, said plainly, for people who read no code."""

import re
from dataclasses import replace
from datetime import date, timedelta
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from features.ledger import build_ledger
from features.log import Log
from features.snapshot import snapshot
from regulars import Fitting
from training.baselines import BASELINES
from training.card.card import Trained, model_card
from training.card.document import Bullets, Code, Document, Paragraph, Strong, Table
from training.card.verdict import SHOWN, losses
from training.evaluate import MODEL, evaluate
from training.fit import fit_bundle
from training.groups import bounded, by_kind, by_value, narrow, off
from training.pictures import calibration, coverage_chart, importances, pictures, png
from training.tracking import log_training

pytestmark = pytest.mark.slow

AS_OF, EVALUATED, HORIZON = date(1998, 4, 1), date(1998, 1, 1), 90
FITTING = Fitting(rows=1_000, seed=3, spend_trees=40, churn_trees=40)
HOSTILE = "<script>alert(1)</script>|`*_x_*`"
VOID = {"meta", "img"}


@pytest.fixture(scope="module")
def ledger(cdnow_sample):
    """The published tenth of CDNOW, with ids that stand out and a customer attribute of a hostile name."""
    log = cdnow_sample.assign(customer_id="person-" + cdnow_sample["customer_id"].astype(str))
    ids = log["customer_id"].unique()
    # So telling an attribute that the card names it: what the customer spends from 1998 on.
    later = log[log["timestamp"] >= EVALUATED].groupby("customer_id")["amount"].sum().reindex(ids, fill_value=0.0)
    return build_ledger(Log(log, customers=pd.DataFrame({"customer_id": ids, HOSTILE: later.to_numpy()})))


@pytest.fixture(scope="module")
def evaluation(ledger):
    return evaluate(ledger.before(AS_OF), EVALUATED, HORIZON, FITTING)


@pytest.fixture(scope="module")
def fitted(ledger):
    found = fit_bundle(ledger, AS_OF, HORIZON, FITTING)
    return replace(found, bundle=replace(found.bundle, facts={**found.bundle.facts, "log": HOSTILE}))


@pytest.fixture(scope="module")
def trained(fitted, evaluation, ledger):
    quality = {**ledger.quality.to_dict(), "problems": {HOSTILE: 3}, "bad_rows": 3}
    return Trained(fitted, evaluation, FITTING, quality, "0a1b2c")


def pages(figures):
    return {name: png(figure) for name, figure in figures.items()}


@pytest.fixture(scope="module")
def drawn(evaluation, fitted):
    return pages(pictures(evaluation) | {"importances": importances(fitted.bundle)})


@pytest.fixture(scope="module")
def empty(drawn):
    """Pictures of nothing, for cards of which only words are read."""
    return dict.fromkeys(drawn, png(Figure(figsize=(1, 1))))


@pytest.fixture(scope="module")
def card(trained, drawn):
    return model_card(trained, drawn)


@pytest.fixture(scope="module")
def page(card):
    return read(card.html())


class Page(HTMLParser):
    """What a browser makes of a page: tags with their attributes, and the text."""

    def __init__(self):
        super().__init__()
        self.open, self.tags, self.texts = [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.texts.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.texts).split())


def read(html):
    page = Page()
    page.feed(html)
    page.close()
    assert not page.open
    return page


def bullets(card, section):
    return [item for block in card.sections[section] if isinstance(block, Bullets) for item in block.items]


def tables(card, section):
    return [block for block in card.sections[section] if isinstance(block, Table)]


def said(card, section):
    blocks = card.sections[section]
    return " ".join([*(block.text for block in blocks if isinstance(block, Paragraph)), *bullets(card, section)])


def customers_of(**columns):
    """Return evaluated customers: 80 one-time buyers who spend 10 each, 60 repeat buyers who spend 20 each."""
    rows = pd.DataFrame(
        {
            "purchase_days": [1.0] * 80 + [3.0] * 60,
            "recency_days": [200.0] * 140,
            "spend": np.arange(140.0),
            "net_spend": [10.0] * 80 + [20.0] * 60,
            "churned": [False] * 140,
            "churn_probability": np.linspace(0.1, 0.9, 140),
            "expected_spend_low": 0.0,
            "expected_spend_high": 30.0,
        }
    )
    return rows.assign(expected_spend=rows["net_spend"]).assign(**columns)


def test_a_run_writes_its_card_into_mlflow_as_markdown_and_as_html(
    trained, tmp_path, monkeypatch, ledger, new_registry
):
    import mlflow

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", new_registry(tmp_path))
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path}/mlflow.db")
    example = snapshot(ledger, AS_OF, HORIZON).limit(5).to_pandas().drop(columns=["as_of", "customer_id"])
    version = log_training(trained.fitted, trained.evaluation, example, FITTING, dict(trained.quality))
    folder = Path(mlflow.MlflowClient().download_artifacts(version.run_id, "", str(tmp_path)))
    markdown, html = ((folder / f"model_card.{ending}").read_text(encoding="utf-8") for ending in ("md", "html"))
    for text in (markdown, read(html).text):
        assert "Model card: regulars-90d as of 1998-04-01" in text
        assert version.run_id in text
    shown = re.findall(r"^!\[.*\]\((.*)\)$", markdown, flags=re.MULTILINE)
    assert sorted(shown) == sorted(path.name for path in folder.glob("*.png"))


def test_the_first_lines_say_when_and_on_whom_it_was_judged(card, evaluation):
    (lead,) = card.lead
    assert lead.text.startswith(f"Judged as of 1998-01-01, 90 days ahead, on {len(evaluation.customers):,} customers")


def test_the_page_is_well_formed_and_loads_nothing(page, card):
    assert {tag for tag, _ in page.tags}.isdisjoint({"script", "link", "iframe", "object", "a"})
    sources = [attributes["src"] for tag, attributes in page.tags if tag == "img"]
    assert len(sources) == 5
    assert all(source.startswith("data:image/png;base64,iVBOR") for source in sources)
    assert all(attributes["alt"] for tag, attributes in page.tags if tag == "img")
    assert not re.search(r"https?:|url\(|@import", card.html())


def test_what_others_named_is_text_in_the_page(card, page, fitted):
    assert HOSTILE in fitted.bundle.encoding.columns
    assert "<script" not in card.html().casefold()
    assert f"Log: {HOSTILE}." in page.text
    assert f"3 {HOSTILE}" in page.text
    assert [row[0] for row in tables(card, "Features")[1].rows].count(HOSTILE) == 1


def test_what_others_named_is_text_in_the_markdown(card):
    markdown = card.markdown()
    assert "<" not in markdown
    assert "&lt;script&gt;alert(1)&lt;/script&gt;\\|\\`\\*\\_x\\_\\*\\`" in markdown
    blocks = [block.splitlines() for block in markdown.split("\n\n") if block.startswith("|")]
    for rows in blocks:
        assert len({len(re.findall(r"(?<!\\)\|", row)) for row in rows}) == 1


def test_the_card_names_no_customer(card):
    assert "person-" not in card.markdown()
    assert "person-" not in card.html()


def test_it_says_what_is_predicted_and_from_when(card):
    text = said(card, "What it predicts")
    for part in (
        "bought before 1998-04-01",
        "90 days",
        "does not extrapolate",
        "no purchase",
        "clv",
        "Expected orders",
    ):
        assert part in text


def test_figures_stand_beside_those_of_every_baseline(card, evaluation):
    table = tables(card, "How good it is")[0]
    assert [row[0] for row in table.rows] == [MODEL, *BASELINES]
    assert table.columns == ("model", "MAE", "RMSE", "Gini", "Spearman", "bias", "AUC", "log loss", "Brier", "coverage")
    for row, (_, metrics) in zip(table.rows, evaluation.metrics.iterrows(), strict=True):
        assert row[1] == f"{metrics['mae']:,.2f}"
        assert row[6] == f"{metrics['auc']:.3f}"
    assert table.rows[0][9] == f"{evaluation.metrics.loc[MODEL, 'coverage']:.1%}"
    assert table.rows[1][9] == "-"


def test_the_best_of_each_column_stands_out(card, evaluation):
    table = tables(card, "How good it is")[0]
    least = evaluation.metrics["log_loss"].idxmin()
    assert [row[0] for row in table.rows if isinstance(row[7], Strong)] == [least]
    bias = evaluation.metrics["bias"].abs()
    assert [row[0] for row in table.rows if isinstance(row[5], Strong)] == list(bias.index[bias == bias.min()])


def test_every_loss_is_named_with_the_baseline_that_is_better():
    metrics = pd.DataFrame(
        {
            "mae": [10.0, 9.0, 9.5],
            "gini": [0.8, 0.7, 0.9],
            "bias": [-0.2, 0.1, 0.3],
            "auc": [0.8, 0.8, 0.5],
            "log_loss": [0.3001, 0.3, np.nan],
            "coverage": [0.7, np.nan, np.nan],
        },
        index=[MODEL, "one", "two"],
    )
    assert losses(metrics) == [
        "MAE: the baseline one is better, 9.00 against 10.00.",
        "Gini: the baseline two is better, 0.900 against 0.800.",
        "bias: the baseline one is better, +10.0% against -20.0%.",
        "log loss: the baseline one is better, by less than the digits show.",
    ]


def test_losses_of_the_run_are_where_it_fails(card, evaluation):
    metrics = evaluation.metrics.assign(bias=evaluation.metrics["bias"].abs())
    for name, (label, _) in SHOWN.items():
        if name != "coverage":
            higher = name in ("gini", "spearman", "auc")
            others = metrics[name].drop(MODEL)
            lost = others.max() > metrics.loc[MODEL, name] if higher else others.min() < metrics.loc[MODEL, name]
            named = [
                item for item in bullets(card, "Where it fails") if item.casefold().startswith(f"{label.lower()}:")
            ]
            assert len(named) == int(lost)
            assert not lost or (others.idxmax() if higher else others.idxmin()) in named[0]


def test_a_group_that_is_off_is_named_with_its_money(evaluation, trained, empty):
    customers = evaluation.customers.copy()
    once = customers["purchase_days"] == 1
    customers.loc[once, "expected_spend"] *= 3
    worse = model_card(replace(trained, evaluation=replace(evaluation, customers=customers)), empty)
    (found,) = [item for item in bullets(worse, "Where it fails") if item.startswith("One-time buyers")]
    assert f"({once.sum():,} customers): {customers.loc[once, 'expected_spend'].sum():,.0f} predicted" in found
    assert f"{customers.loc[once, 'net_spend'].sum():,.0f} spent" in found


def test_a_group_is_off_beyond_a_quarter_and_from_fifty_customers_on():
    customers = customers_of()
    assert off(by_kind(customers, HORIZON)).empty
    once = customers["purchase_days"] == 1
    near = customers_of(expected_spend=np.where(once, 12.4, 20.0))
    assert off(by_kind(near, HORIZON)).empty
    far = customers_of(expected_spend=np.where(once, 12.6, 20.0))
    assert list(off(by_kind(far, HORIZON)).index) == ["one-time buyers"]
    low = customers_of(expected_spend=np.where(once, 7.4, 20.0))
    assert list(off(by_kind(low, HORIZON)).index) == ["one-time buyers"]
    assert "one-time buyers" not in off(by_kind(far.iloc[31:], HORIZON)).index


def test_a_group_in_which_nobody_spent_is_off_and_one_without_customers_is_left_out():
    once = customers_of()["purchase_days"] == 1
    groups = by_kind(customers_of(net_spend=np.where(once, 0.0, 20.0)), HORIZON)
    assert np.isinf(groups.loc["one-time buyers", "bias"])
    assert "one-time buyers" in off(groups).index
    assert f"bought in the last {HORIZON} days" not in groups.index


def test_intervals_that_hold_too_few_are_named():
    customers = customers_of(expected_spend_high=np.where(customers_of()["purchase_days"] == 1, 9.0, 30.0))
    assert list(narrow(by_kind(customers, HORIZON)).index)[:1] == ["one-time buyers"]
    assert "repeat buyers" not in narrow(by_kind(customers, HORIZON)).index


def test_groups_are_those_of_the_as_of_date(evaluation, ledger):
    known = snapshot(ledger, EVALUATED, HORIZON).to_pandas().set_index("customer_id")
    customers = evaluation.customers.droplevel("as_of")
    for name in ("purchase_days", "recency_days", "spend"):
        assert np.array_equal(customers[name], known[name].reindex(customers.index))
    groups = by_kind(evaluation.customers, HORIZON)
    once = customers[known["purchase_days"].reindex(customers.index) == 1]
    row = groups.loc["one-time buyers"]
    assert row["customers"] == len(once)
    assert row["bias"] == pytest.approx(once["expected_spend"].sum() / once["net_spend"].sum() - 1)
    assert row["churned"] == pytest.approx((once["net_spend"] == 0).mean(), abs=0.01)
    inside = once["net_spend"].between(once["expected_spend_low"], once["expected_spend_high"])
    assert row["coverage"] == pytest.approx(inside.mean())
    assert groups.loc[["one-time buyers", "repeat buyers"], "customers"].sum() == len(customers)
    assert groups.loc["top fifth by past spend", "customers"] == pytest.approx(len(customers) / 5, rel=0.02)


def test_deciles_hold_everybody_and_their_coverage_is_that_of_all(evaluation):
    groups = by_value(evaluation.customers)
    assert len(groups) == 10
    assert groups["customers"].sum() == len(evaluation.customers)
    assert groups["expected"].is_monotonic_decreasing
    mean = np.average(groups["coverage"], weights=groups["customers"])
    assert mean == pytest.approx(evaluation.metrics.loc[MODEL, "coverage"])


def test_bounds_are_those_of_wilson():
    found = bounded(pd.DataFrame({"customers": [10, 10], "expected": [0.5, 0.1], "actual": [0.5, 0.0]}))
    assert found["low"].to_numpy() == pytest.approx([0.2366, 0.0], abs=5e-5)
    assert found["high"].to_numpy() == pytest.approx([0.7634, 0.2775], abs=5e-5)


@pytest.mark.parametrize("draw", [calibration, coverage_chart])
def test_pictures_of_shares_have_a_bar_of_uncertainty_at_every_decile(draw, evaluation):
    (axes,) = draw(evaluation.customers).axes
    (container,) = axes.containers
    points, _, (bars,) = container.lines
    assert 5 <= len(points.get_ydata()) <= 10
    assert len(bars.get_segments()) == len(points.get_ydata())
    for (_, low), (_, high) in bars.get_segments():
        assert low < high


def test_without_evaluation_the_first_lines_say_so(trained, fitted):
    bare = model_card(replace(trained, evaluation=None, quality={}), pages({"importances": importances(fitted.bundle)}))
    assert "Not evaluated" in " ".join(bare.markdown().splitlines()[:4])
    assert "Not evaluated" in read(bare.html()).text[:300]
    assert {"How good it is", "Where it fails"}.isdisjoint(bare.sections)


@pytest.mark.parametrize("silent", [False, True])
def test_a_log_that_barely_teaches_has_a_card_all_the_same(silent):
    """Three customers; where they are silent they stop before the window that judges."""
    days = [(f"c{i % 3}", date(2024, 1, 1) + timedelta(days=i), 10.0) for i in range(0, 100 if silent else 150, 2)]
    refund = ("c0", date(2024, 1, 1) + timedelta(days=150), -1.0)
    log = pd.DataFrame([*days, refund], columns=["customer_id", "timestamp", "amount"])
    known = build_ledger(Log(log))
    little = Fitting(rows=100, spend_trees=40, churn_trees=40)
    judged = evaluate(known, known.span.end - timedelta(days=30), 30, little)
    last = fit_bundle(known, known.span.end, 30, little)
    few = pages({**pictures(judged), "importances": importances(last.bundle)})
    found = model_card(Trained(last, judged, little, known.quality.to_dict(), "run"), few)
    assert not re.search(r"\b(nan|inf|None)\b", found.markdown())
    assert "did not split" in said(found, "Features")
    assert "Judged on fewer than 200 customers: its figures are mostly chance." in read(found.html()).text


def test_a_card_of_an_extrapolation_says_so_at_once(trained, fitted, empty):
    short = replace(fitted, plan=replace(fitted.plan, window_days=30))
    found = model_card(replace(trained, fitted=short), empty)
    assert "Extrapolated" in found.lead[0].text
    assert "It extrapolates: it was learnt from windows of 30 days" in said(found, "What it predicts")


def test_data_are_those_of_the_log_and_what_lay_after_the_as_of_date_is_told_apart(card, ledger):
    text = said(card, "Data")
    assert ledger.fingerprint in text
    assert "1997-01-01 to 1998-03-31" in text
    assert "The whole log, 1997-01-01 to 1998-06-30, of which the training read the part known to it" in text
    assert f"{ledger.quality.rows:,} read" in text
    once = ledger.quality.one_time_buyers / ledger.quality.buyers
    assert f"{once:.0%} of these on one day only" in text


def test_windows_level_and_btyd_are_said_in_words(card, fitted):
    plan, bundle = fitted.plan, fitted.bundle
    windows, method = said(card, "Past windows"), said(card, "Method")
    assert f"{fitted.rows:,} rows" in windows
    assert f"{plan.cutoffs[-1]} to {plan.cutoffs[0]}, {plan.step_days} days apart" in windows
    assert f"Rule: {bundle.level.rule}." in method
    assert f"{bundle.level.spend:.2f} times the spend" in method
    dropout = bundle.btyd.dropout_
    assert f"one day in {dropout.alpha_ / dropout.r_:.3g} weeks" in method
    assert f"{dropout.a_ / (dropout.a_ + dropout.b_):.1%} of them stop for good" in method


def test_features_are_counted_by_family_and_the_telling_ones_explained(card, fitted):
    families, telling = tables(card, "Features")
    counted = {family: int(n) for family, n in families.rows}
    assert sum(counted.values()) == len(fitted.bundle.spend.feature_names_in_)
    rfm = [entry for entry in fitted.bundle.catalogue.values() if entry["family"] == "rfm"]
    assert counted["rfm"] == len(rfm)
    assert all(row[3] for row in telling.rows)


FORBIDDEN = ("credit", "employment", "insurance", "denying of service", "because of a campaign")


@pytest.mark.parametrize("word", [*FORBIDDEN, "before 1998-04-01", "90 days after 1998-04-01", "personal data"])
def test_what_must_not_be_done_is_said(card, word):
    assert word in said(card, "What must not be done with it")


@pytest.mark.parametrize("word", ["Prices", "campaigns", "Stock", "Competitors"])
def test_what_it_does_not_know_is_said(card, word):
    assert word in said(card, "What it does not know")


def test_the_call_that_makes_it_again_is_the_one_that_made_it(trained, empty):
    def call(fitting):
        blocks = model_card(replace(trained, fitting=fitting), empty).sections["How to make it again"]
        (code,) = [block.text for block in blocks if isinstance(block, Code)]
        return code

    assert call(Fitting()) == "regulars train LOG --as-of 1998-04-01 --horizon 90"
    settings = re.search(r"regulars\.(Fitting\(.*\))\)$", call(FITTING))
    assert eval(settings[1]) == FITTING


def test_versions_seed_and_run_are_named(card, fitted):
    text = said(card, "How to make it again")
    assert "seed 3" in text
    assert "MLflow run: 0a1b2c." in text
    for name, number in fitted.bundle.facts["versions"].items():
        assert f"{name} {number}" in text


def test_a_document_says_the_same_in_both_forms():
    table = Table(("what", "much"), [("a", Strong("1")), ("b & c", "2")])
    document = Document("Title", [Paragraph("1 < 2")], {"Part": [table, Code("x <y>")]})
    assert document.markdown().splitlines() == [
        "# Title",
        "",
        "1 &lt; 2",
        "",
        "## Part",
        "",
        "| what      |  much |",
        "| --------- | ----: |",
        "| a         | **1** |",
        "| b &amp; c |     2 |",
        "",
        "    x <y>",
    ]
    assert read(document.html()).text == "Title Title 1 < 2 Part what much a 1 b & c 2 x <y>"
