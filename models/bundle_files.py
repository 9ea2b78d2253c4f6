"""A bundle on disk: one text file a booster, everything else in one JSON document; nothing is pickled."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from models.booster import OffsetBooster
from models.btyd import BTYD
from models.bundle import Bundle
from models.churn import ChurnModel
from models.encoding import Encoding
from models.explainer import Explainer
from models.gaps import GapCurve
from models.intervals import SpendIntervals
from models.level import Level, LevelRule
from models.linear import LinearMember
from models.median import SpendMedian
from models.pin import Pins
from models.ridge import OffsetRidge
from models.spend import SpendModel
from regulars.errors import BundleError

DOCUMENT = "bundle.json"


def save_bundle(bundle: Bundle, folder: Path) -> None:
    """Write a bundle into a folder: `bundle.json`, and one text file a booster."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in bundle_texts(bundle).items():
        (folder / name).write_text(text, encoding="utf-8")


def bundle_texts(bundle: Bundle) -> dict[str, str]:
    """Return a bundle as the texts of its files, by name."""
    texts = _texts(bundle)
    document = {
        "digests": {name: _digest(text) for name, text in texts.items()},
        "encoding": asdict(bundle.encoding),
        "horizon_days": bundle.horizon_days,
        "window_days": bundle.window_days,
        "btyd": bundle.btyd.to_dict(),
        "gaps": bundle.gaps.to_dict(),
        "linear": bundle.spend.members_["linear"].to_dict(),
        "spend": {
            "members": list(bundle.spend.members),
            "mean": bundle.spend.mean_,
            "means": bundle.spend.means_,
            "ridge": _ridge(bundle.spend),
        },
        "churn": {
            "members": list(bundle.churn.members),
            "base_logit": bundle.churn.base_logit_,
            "ridge": _ridge(bundle.churn),
        },
        "columns": list(bundle.spend.feature_names_in_),
        "explained": list(bundle.explainer.columns),
        "intervals": bundle.intervals.to_dict(),
        "median": bundle.median.to_dict(),
        "level_rule": asdict(bundle.level_rule),
        "level": asdict(bundle.level),
        "pins": asdict(bundle.pins),
        "catalogue": {name: dict(entry) for name, entry in bundle.catalogue.items()},
        "facts": dict(bundle.facts),
    }
    return texts | {DOCUMENT: json.dumps(document, indent=1, allow_nan=False)}


def load_bundle(folder: Path) -> Bundle:
    """Read a bundle that `save_bundle` wrote; its predictions are the same to the last bit.

    Raises
    ------
    BundleError
        The folder holds no whole bundle.
    """
    try:
        document = (folder / DOCUMENT).read_text(encoding="utf-8")
        texts = {name: (folder / name).read_text(encoding="utf-8") for name in json.loads(document)["digests"]}
        return bundle_of(texts | {DOCUMENT: document})
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise BundleError(f"{folder} holds no bundle that this version reads ({error}): train again") from error


def bundle_of(texts: Mapping[str, str]) -> Bundle:
    """Return the bundle of `bundle_texts`; its predictions are the same to the last bit.

    Raises
    ------
    KeyError, TypeError, ValueError
        The texts are not a whole bundle.
    """
    document = json.loads(texts[DOCUMENT])
    for name, digest in document["digests"].items():
        # LightGBM does not refuse a text that breaks off: it ends the whole process, or reads other trees out of it.
        if _digest(texts[name]) != digest:
            raise ValueError(f"{name} is not as it was written")
    return Bundle(
        encoding=Encoding.from_dict(document["encoding"]),
        horizon_days=document["horizon_days"],
        window_days=document["window_days"],
        btyd=BTYD.from_dict(document["btyd"]),
        gaps=GapCurve.from_dict(document["gaps"]),
        spend=_spend_model(document, texts),
        churn=_churn_model(document, texts),
        intervals=SpendIntervals.from_dict(document["intervals"]),
        median=SpendMedian.from_dict(document["median"]),
        explainer=Explainer.from_text(texts["explainer.txt"], document["explained"]),
        level_rule=LevelRule(**document["level_rule"]),
        level=Level(**document["level"]),
        pins=Pins(**document["pins"]),
        catalogue=document["catalogue"],
        facts=document["facts"],
    )


def _texts(bundle: Bundle) -> dict[str, str]:
    boosters = {
        "spend.txt": bundle.spend.members_["spend"],
        "count.txt": bundle.spend.members_["count"],
        "churn_rate.txt": bundle.churn.members_["rate"],
        "churn_btyd.txt": bundle.churn.members_["btyd"],
        "explainer.txt": bundle.explainer,
    }
    return {name: booster.to_text() for name, booster in boosters.items()}


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _ridge(model: SpendModel | ChurnModel) -> dict[str, Any] | None:
    return model.members_["ridge"].to_dict() if "ridge" in model.members_ else None


def _ridge_member(fitted: Mapping[str, Any] | None) -> dict[str, OffsetRidge]:
    return {} if fitted is None else {"ridge": OffsetRidge.from_dict(dict(fitted))}


def _spend_model(document: Mapping[str, Any], texts: Mapping[str, str]) -> SpendModel:
    model = SpendModel(document["window_days"], members=tuple(document["spend"]["members"]))
    model.members_ = {
        "linear": LinearMember.from_dict(document["linear"]),
        "count": OffsetBooster.from_text(texts["count.txt"], objective="poisson"),
        "spend": OffsetBooster.from_text(texts["spend.txt"], objective="tweedie"),
        **_ridge_member(document["spend"]["ridge"]),
    }
    model.mean_, model.means_ = document["spend"]["mean"], document["spend"]["means"]
    _set_columns(model, document["columns"])
    return model


def _churn_model(document: Mapping[str, Any], texts: Mapping[str, str]) -> ChurnModel:
    model = ChurnModel(members=tuple(document["churn"]["members"]))
    model.classes_ = np.array([False, True])
    model.base_logit_ = document["churn"]["base_logit"]
    boosters = {
        name: OffsetBooster.from_text(texts[f"churn_{name}.txt"], objective="binary") for name in ("rate", "btyd")
    }
    model.members_ = boosters | _ridge_member(document["churn"]["ridge"])
    _set_columns(model, document["columns"])
    return model


def _set_columns(model: SpendModel | ChurnModel, columns: Sequence[str]) -> None:
    model.feature_names_in_ = np.array(columns, dtype=object)
    model.n_features_in_ = len(columns)
