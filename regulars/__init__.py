"""Regulars: which customers will come back, and what they will spend.

The verbs of this package are the commands of the `regulars` command line::

    import regulars

    log = regulars.Log("orders.parquet", regulars.Columns(customer_id="Customer ID", amount="Quantity * Price"))
    regulars.train(log, as_of="2011-06-10", horizon=90)
    regulars.score(log, store="store")
    regulars.list("store", segment="At Risk", top=100)
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from regulars.errors import (
    BundleError,
    ExpressionError,
    HistoryError,
    LogError,
    PublishError,
    RegularsError,
    StoreError,
)

if TYPE_CHECKING:
    from features.ledger import Ledger
    from features.log import Columns, Log
    from models.churn import ChurnModel
    from models.lifetime import Economics
    from models.spend import SpendModel
    from regulars.hosting import serve
    from regulars.listed import export, list, measure  # noqa: A004
    from regulars.promotion import promote
    from regulars.publishing import publish
    from regulars.valuing import economics
    from regulars.verbs import backtest, catalogue, check, features, ledger, score, train
    from serving.exports import Delivery
    from serving.listing.contact import Contact
    from serving.listing.definition import Definition
    from training.fit import Fitting

__version__ = "0.1.0"

_HOMES = {
    "ChurnModel": "models.churn",
    "Columns": "features.log",
    "Contact": "serving.listing.contact",
    "Definition": "serving.listing.definition",
    "Delivery": "serving.exports",
    "Economics": "models.lifetime",
    "Fitting": "training.fit",
    "Ledger": "features.ledger",
    "Log": "features.log",
    "SpendModel": "models.spend",
    "backtest": "regulars.verbs",
    "catalogue": "regulars.verbs",
    "check": "regulars.verbs",
    "economics": "regulars.valuing",
    "export": "regulars.listed",
    "features": "regulars.verbs",
    "ledger": "regulars.verbs",
    "list": "regulars.listed",
    "measure": "regulars.listed",
    "promote": "regulars.promotion",
    "report": "regulars.reporting",
    "publish": "regulars.publishing",
    "score": "regulars.verbs",
    "serve": "regulars.hosting",
    "train": "regulars.verbs",
}

__all__ = [
    "BundleError",
    "ChurnModel",
    "Columns",
    "Contact",
    "Definition",
    "Delivery",
    "Economics",
    "ExpressionError",
    "Fitting",
    "HistoryError",
    "Ledger",
    "Log",
    "LogError",
    "PublishError",
    "RegularsError",
    "SpendModel",
    "StoreError",
    "backtest",
    "catalogue",
    "check",
    "economics",
    "export",
    "features",
    "ledger",
    "list",
    "measure",
    "promote",
    "publish",
    "report",
    "score",
    "serve",
    "train",
]


def __getattr__(name: str) -> Any:
    # Heavy libraries are loaded with the first name that needs them, not with the package.
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'regulars' has no attribute {name!r}")


def __dir__() -> Any:
    return sorted(__all__)
