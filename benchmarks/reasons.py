"""How faithful cheap reasons are: the small surrogate that they come from, beside TreeSHAP of what it stands in for.

A bundle is fitted on a log, and its customers are told their reasons. Four things are measured on customers drawn from
its snapshot: which share of the variance of the log predictions the surrogate explains; how often its strongest feature
is that of a surrogate fifty times as large, says the same number, or is among the three strongest of that one; and the
same beside TreeSHAP of the two spend boosters of the blend themselves. These learn only what their offsets leave over:
what moves the buy-till-you-die model and the linear mixture, most of a prediction, they do not see.

And whether reasons are true: how often the prediction moves against a reason where what it names, with the features
that say nearly the same, is taken away by putting other customers' values in its place.

    python -m benchmarks.reasons LOG --as-of 2025-01-01
"""

import argparse
import json
import time
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.ledger import build_ledger
from features.log import Columns, Log
from features.snapshot import sampled, snapshot
from models.booster import SHARED
from models.bundle import Bundle, modelled
from serving.scoring.reasons import NOBODY, REASONS, reasons, strongest
from serving.scoring.sentences import Sentence
from training.fit import Fitting, fit_bundle

FloatArray = NDArray[np.float64]

LARGE = {"objective": "regression", "learning_rate": 0.05, "num_leaves": 63, "min_data_in_leaf": 20, "lambda_l2": 1.0}
LARGE_TREES = 600
NEARLY_THE_SAME = 0.8
"""Rank correlation from which two features say the same thing."""
DRAWS = 4
EXPLAINED = 3_000
"""Customers whose large TreeSHAP is worked out: it does a few hundred a second."""


def faithfulness(bundle: Bundle, customers: pd.DataFrame) -> dict[str, float]:
    """Return how well a bundle's reasons agree with dearer ones.

    Parameters
    ----------
    bundle
        The bundle.
    customers
        Snapshot, n rows: the last `EXPLAINED` are asked about, the large surrogate learns from the others.
    """
    encoded, columns = bundle.encoding.encode(customers), list(bundle.explainer.columns)
    logs = np.log(np.maximum(bundle.predict(customers)["expected_spend"].to_numpy(), 1e-9))
    matrix, asked = encoded[columns].to_numpy(dtype=np.float64), encoded.tail(EXPLAINED)
    known = slice(0, len(encoded) - len(asked))
    large = lgb.train(SHARED | LARGE, lgb.Dataset(matrix[known], logs[known]), num_boost_round=LARGE_TREES)
    error = logs[-len(asked) :] - bundle.explainer.booster_.predict(matrix[-len(asked) :])
    found = {"customers": len(asked), "fidelity": float(1 - error.var() / logs[-len(asked) :].var())}
    begun, cpu = time.perf_counter(), time.process_time()
    reasons(bundle, asked)
    found |= {"seconds": time.perf_counter() - begun, "cpu_seconds": time.process_time() - cpu}
    ours = bundle.explainer.contributions(asked).to_numpy()
    whole = np.asarray(large.predict(matrix[-len(asked) :], pred_contrib=True))[:, :-1]
    found |= {f"large: {name}": share for name, share in agreement(bundle, ours, whole).items()}
    spend = _spend_contributions(bundle, asked)
    found |= {f"boosters: {name}": share for name, share in agreement(bundle, ours, spend).items()}
    return found | truth(bundle, customers.tail(EXPLAINED), logs[-len(asked) :])


def agreement(bundle: Bundle, ours: FloatArray, theirs: FloatArray) -> dict[str, float]:
    """Return how often the strongest feature of contributions (n, k) is that of others, or says the same number."""
    sentences = [Sentence.of(name, bundle.catalogue, bundle.encoding) for name in bundle.explainer.columns]
    shared = np.array([[bool({*one.fields} & {*other.fields}) for other in sentences] for one in sentences])
    first = np.abs(ours).argmax(axis=1)
    ranked = np.argsort(-np.abs(theirs), axis=1)
    return {
        "same first": float((first == ranked[:, 0]).mean()),
        "same number": float(shared[first, ranked[:, 0]].mean()),
        "first among three": float((first[:, None] == ranked[:, :3]).any(axis=1).mean()),
        "correlation": float(np.corrcoef(ours.ravel(), theirs.ravel())[0, 1]),
    }


def truth(bundle: Bundle, customers: pd.DataFrame, logs: FloatArray) -> dict[str, float]:
    """Return how many customers have a first, second, ... reason, and how often the prediction moves against it."""
    told, added = strongest(bundle, bundle.encoding.encode(customers))
    alike = customers.corr("spearman", numeric_only=True).abs() >= NEARLY_THE_SAME
    found = {}
    for rank in range(REASONS):
        columns = {place: _named(bundle, place, alike) for place in {*told[rank]} - {NOBODY}}
        moved = _without(bundle, customers, told[rank], columns) - logs
        right = np.sign(-moved) == np.sign(added[rank])
        has = told[rank] != NOBODY
        found |= {f"reason {rank + 1}: told": float(has.mean()), f"reason {rank + 1}: true": float(right[has].mean())}
    return found


def _named(bundle: Bundle, place: int, alike: pd.DataFrame) -> list[str]:
    """Return the features that a sentence names, and those that say nearly the same."""
    name = bundle.explainer.columns[place]
    named = {name, *Sentence.of(name, bundle.catalogue, bundle.encoding).fields}
    return sorted(named | {*alike.index[alike[[one for one in named if one in alike]].any(axis=1)]})


def _without(bundle: Bundle, customers: pd.DataFrame, told: Any, columns: Mapping[int, list[str]]) -> FloatArray:
    """Return mean log predictions (n,) of customers with others' values in the columns of what each is told."""
    rng, logs = np.random.default_rng(0), []
    for _ in range(DRAWS):
        others = customers.iloc[rng.permutation(len(customers))].set_index(customers.index)
        changed = customers.copy()
        for place, names in columns.items():
            changed.loc[told == place, names] = others.loc[told == place, names]
        # A last purchase cannot lie before the first one, and of one purchase they are the same.
        recency = np.minimum(changed["recency_days"], changed["tenure_days"])
        recency = recency.where(changed["purchase_days"] > 1, changed["tenure_days"])
        expected = bundle.predict(changed.assign(recency_days=recency))["expected_spend"]
        logs.append(np.log(np.maximum(expected.to_numpy(), 1e-9)))
    mean: FloatArray = np.mean(logs, axis=0)
    return mean


def _spend_contributions(bundle: Bundle, encoded: pd.DataFrame) -> FloatArray:
    """Return TreeSHAP of the boosters of spend and of orders together, of the features that reasons can name."""
    features = modelled(encoded, bundle.btyd, bundle.gaps, bundle.window_days)
    boosters = [bundle.spend.members_[name].booster_ for name in ("spend", "count")]
    matrix = features.to_numpy(dtype=np.float64)
    summed = sum(np.asarray(booster.predict(matrix, pred_contrib=True)) for booster in boosters)
    places = [features.columns.get_loc(name) for name in bundle.explainer.columns]
    named: FloatArray = np.asarray(summed)[:, places]
    return named


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the flags, fit, measure, and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reasons", description=__doc__.split("\n")[0])
    parser.add_argument("log", type=Path, help="file of transactions")
    parser.add_argument("--as-of", type=date.fromisoformat, required=True)
    parser.add_argument("--horizon", type=int, default=90)
    parser.add_argument("--customers", type=int, default=30_000)
    parser.add_argument("--json", type=Path, help="file for the measurements")
    for name in ("customer-id", "timestamp", "amount"):
        parser.add_argument(f"--{name}", default=name.replace("-", "_"))
    flags = parser.parse_args(arguments)
    columns = Columns(customer_id=flags.customer_id, timestamp=flags.timestamp, amount=flags.amount)
    ledger = build_ledger(Log(flags.log, columns, max_bad_share=1.0))
    bundle = fit_bundle(ledger, flags.as_of, flags.horizon, Fitting()).bundle
    drawn = snapshot(ledger, flags.as_of, bundle.window_days, sampled(ledger, [flags.as_of], flags.customers))
    customers = drawn.to_pandas().sort_values("customer_id").set_index("customer_id").drop(columns="as_of")
    found = faithfulness(bundle, customers.sample(frac=1, random_state=0))
    for name, value in found.items():
        print(f"{name:<28}{value:>12,.3f}")
    if flags.json:
        flags.json.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
