"""Stores for tests of the pages: made up, of any number of scorings, with the card of a model beside them."""

import shutil
from pathlib import Path

from benchmarks.made_up_store import make_store
from serving.store import Store
from training.card.document import Bullets, Document, Paragraph, Strong, Table

CUSTOMERS = 400
METRICS = ("model", "MAE", "RMSE", "Gini", "Spearman", "bias", "AUC", "log loss", "Brier", "coverage")


def shop(folder: Path, customers: int = CUSTOMERS, scorings: int = 4, margin: float | None = 0.4) -> Store:
    """Write a store whose scorings are 30 days apart: of four, the horizon of the first is over at the last."""
    store = make_store(folder, customers, scorings, margin)
    card = store.card("1", 90)
    card.mkdir(parents=True)
    (card / "model_card.md").write_text(document().markdown(), encoding="utf-8")
    return store


def old_shop(folder: Path) -> Store:
    """Write a store as an older version left it: scores and nothing else."""
    store = make_store(folder, CUSTOMERS, 1)
    for name in ("ledger", "customers", "scorings"):
        shutil.rmtree(folder / name)
    return store


def document() -> Document:
    """Return a card in the words of a real one."""
    deciles = range(1, 11)
    churn = [
        (str(d), "431", f"{95 - 9 * d:.1f}%", f"{97 - 9 * d:.1f}%", f"{94 - 9 * d}.0% to {99 - 9 * d}.0%")
        for d in deciles
    ]
    spend = [
        (str(d), "431", f"{3000 / d:,.2f}", f"{2900 / d:,.2f}", "+3.4%", "11.2%", "12.3%", "81.0%") for d in deciles
    ]
    models = [("Regulars", 0.829), ("mean", 0.0), ("last window", 0.765), ("MBG/NBD + Gamma-Gamma", 0.815)]
    rows = [
        (Strong(name), "355.37", "1,331.61", f"{gini:.3f}", "0.489", "+6.3%", "0.802", "0.577", "0.195", "-")
        for name, gini in models
    ]
    columns = ("decile", "customers", "spend predicted", "spent", "bias", "churn predicted", "churned", "coverage")
    return Document(
        "Model card: regulars-90d as of 2026-08-03",
        [Paragraph("Judged as of 2026-05-05, 90 days ahead, on 4,312 customers: at least as good as every baseline.")],
        {
            "What it predicts": [Bullets(["Expected spend: net money.", "Churn probability: of no purchase."])],
            "How good it is": [Paragraph("The same recipe."), Table(METRICS, rows), Bullets(["At least as good."])],
            "Where it fails": [Bullets(["Bias: a baseline is better."])],
            "Calibration and intervals": [
                Table(("decile", "customers", "churn predicted", "churned", "95 % interval"), churn),
                Table(columns, spend),
            ],
            "What it does not know": [Bullets(["Prices to come."])],
            "What must not be done with it": [Bullets(["No claim of cause."])],
            "Data": [Bullets(["Rows: 1,044,847 read."])],
        },
    )
