"""Fitting a bundle: past snapshots, BTYD, level, members, intervals, explainer."""

from dataclasses import dataclass, replace
from datetime import date
from importlib.metadata import version
from typing import Any, Literal

import numpy as np
import pandas as pd

from features.catalogue import catalogue
from features.ledger import Ledger
from features.outcome import customer_groups, spenders
from features.snapshot import KEYS, sampled, snapshot
from features.window import Schedule, schedule
from models.btyd import BTYD
from models.bundle import Bundle, with_btyd
from models.churn import ChurnModel
from models.encoding import Encoding
from models.explainer import Explainer
from models.intervals import SpendIntervals
from models.level import LevelRule, Window, windows
from models.pin import Pins, Totals
from models.spend import SpendModel
from regulars.errors import HistoryError
from training.table import OUTCOMES, TRAINING_ROWS, training_table

LIBRARIES = ("regulars", "lightgbm", "scikit-learn", "numpy", "scipy", "pandas", "ibis-framework", "duckdb")
FEWEST_CUSTOMERS = 2
PIN_CUSTOMERS = 20_000
"""Customers from whom the pins of the training as-of date are estimated; a scoring run counts all of its own."""


@dataclass(frozen=True)
class Fitting:
    """How to fit.

    Attributes
    ----------
    rows
        About how many rows of past snapshots to learn from.
    seed
        Seed of the boosters.
    threads
        Threads of LightGBM; 0: all cores. It changes no result. On this many rows a second thread gains little, and
        waits long where another process wants its core.
    """

    rows: int = TRAINING_ROWS
    seed: int = 0
    threads: int = 1


@dataclass(frozen=True)
class Fitted:
    """A bundle, and what it was learnt from.

    Attributes
    ----------
    bundle
        The fitted models.
    plan
        Past windows.
    past
        Totals of the past windows by date.
    rows
        Rows of the training table.
    """

    bundle: Bundle
    plan: Schedule
    past: dict[date, Window]
    rows: int


def fit_bundle(ledger: Ledger, as_of: date, horizon_days: int, fitting: Fitting | None = None) -> Fitted:
    """Fit everything that a score needs, from what was known at an as-of date.

    Parameters
    ----------
    ledger
        The ledger; its days at or after `as_of` are not read.
    as_of
        As-of date of the training.
    horizon_days
        Length of the outcome window that scores predict.
    fitting
        How to fit; None: the defaults.

    Raises
    ------
    HistoryError
        The history is too short, or has fewer than two customers.
    """
    fitting = fitting or Fitting()
    ledger = ledger.before(as_of)
    plan = schedule(ledger.span, as_of, horizon_days)
    groups = customer_groups(ledger, plan.dates, plan.window_days).to_pandas()
    btyd = fit_btyd(ledger, groups, as_of)
    past = windows(groups, btyd, plan.window_days)
    rule = LevelRule(plan.window_days, plan.step_days, plan.extrapolates)
    level = rule.forecast(
        # A log may begin with refunds: nobody is a customer yet at its first cut-offs.
        [past[day] for day in plan.cutoffs if day in past],
        past[as_of],
        past.get(plan.last_year) if plan.last_year else None,
        plan.settled,
    )
    table = training_table(ledger, plan, fitting.rows)
    _require_rows(table, plan)
    entries = catalogue(ledger).to_dict(orient="index")
    members = _fit_members(table, entries, btyd, past, plan, fitting)
    bundle = Bundle(
        **members,
        horizon_days=horizon_days,
        window_days=plan.window_days,
        btyd=btyd,
        level_rule=rule,
        level=level,
        pins=Pins(1.0, 1.0, 0.0),
        catalogue=entries,
        facts=_facts(ledger, as_of),
    )
    return Fitted(replace(bundle, pins=_pins(bundle, ledger, as_of)), plan, past, len(table))


def fit_btyd(ledger: Ledger, groups: pd.DataFrame, as_of: date, dropout: Literal["mbg", "bg"] = "mbg") -> BTYD:
    """Fit a buy-till-you-die model on the customers known at an as-of date.

    Parameters
    ----------
    ledger
        The ledger, for the spend of single customers.
    groups
        Customer groups, of `features.outcome.customer_groups`, at `as_of` among others.
    as_of
        As-of date.
    dropout
        ``mbg`` or ``bg``.

    Raises
    ------
    HistoryError
        Fewer than two customers bought before the as-of date.
    """
    known = groups[groups["as_of"] == pd.Timestamp(as_of)]
    customers = int(known["customers"].sum())
    if customers < FEWEST_CUSTOMERS:
        raise HistoryError(
            f"only {customers} customer(s) bought before {as_of}: a model of who comes back needs at least "
            f"{FEWEST_CUSTOMERS}, and is of use from a few hundred on; choose a later as-of date or check the customer "
            "column"
        )
    return BTYD(dropout).fit(known, spenders(ledger, as_of).to_pandas())


def _fit_members(
    table: pd.DataFrame, entries: dict[str, Any], btyd: BTYD, past: dict[date, Window], plan: Schedule, fitting: Fitting
) -> dict[str, Any]:
    outcome, known = table[list(OUTCOMES)], table.drop(columns=list(OUTCOMES))
    encoding = Encoding.of(known)
    categorical = list(encoding.categories)
    features = with_btyd(encoding.encode(known), btyd, plan.window_days)
    levels = _levels(table, past)
    spend = SpendModel(plan.window_days, seed=fitting.seed, threads=fitting.threads)
    spend.fit(features, outcome["net_spend"], outcome["outcome_days"], levels, categorical)
    churn = ChurnModel(seed=fitting.seed, threads=fitting.threads)
    churn.fit(features, outcome["churned"], levels["snapshot"], levels["rate"], categorical)
    expected = spend.predict(features)
    telling = [name for name in encoding.numeric if entries[name]["reason"]]
    explainer = Explainer(telling, fitting.seed, fitting.threads).fit(features, expected)
    return {
        "encoding": encoding,
        "spend": spend,
        "churn": churn,
        "intervals": _intervals(expected, features["btyd_spend"], outcome["net_spend"], levels),
        "explainer": explainer,
    }


def _require_rows(table: pd.DataFrame, plan: Schedule) -> None:
    if len(table) < FEWEST_CUSTOMERS:
        raise HistoryError(
            f"only {len(table)} customer(s) bought before {plan.cutoffs[0]}, where the newest past window of "
            f"{plan.window_days} days begins: models need at least {FEWEST_CUSTOMERS} to learn from; bring a longer "
            "log or a shorter horizon"
        )


def _levels(table: pd.DataFrame, past: dict[date, Window]) -> pd.DataFrame:
    """Return each row's snapshot with its levels of spend and orders and its rate of active customers."""
    dates = pd.Series(table.index.get_level_values("as_of"), index=table.index)
    by_date = pd.DataFrame(
        {
            pd.Timestamp(day): {
                "spend": window.level("spend"),
                "orders": window.level("orders"),
                "rate": window.happened["active"] / window.customers,
            }
            for day, window in past.items()
        }
    ).T
    return by_date.reindex(dates).set_index(table.index).assign(snapshot=dates)


def _intervals(expected: np.ndarray, btyd: pd.Series, spend: pd.Series, levels: pd.DataFrame) -> SpendIntervals:
    # Scaled to BTYD's total times the usual level, not to each window's own: the error of the level stays inside.
    usual = float(np.exp(np.log(levels.groupby("snapshot")["spend"].first()).mean()))
    sums = pd.DataFrame({"btyd": btyd, "expected": expected}).groupby(levels["snapshot"]).transform("sum")
    forecast = expected * (sums["btyd"] / sums["expected"]).to_numpy() * usual
    return SpendIntervals().fit(forecast, np.maximum(spend.to_numpy(), 0.0))


def _pins(bundle: Bundle, ledger: Ledger, as_of: date) -> Pins:
    known = snapshot(ledger, as_of, bundle.window_days, sampled(ledger, [as_of], PIN_CUSTOMERS)).to_pandas()
    totals = Totals()
    totals.add(bundle.allocate(known.drop(columns=list(KEYS))))
    return totals.pins(bundle.level)


def _facts(ledger: Ledger, as_of: date) -> dict[str, Any]:
    return {
        "as_of": str(as_of),
        "log_first_day": str(ledger.span.first_day),
        "log_last_day": str(ledger.span.last_day),
        "log_fingerprint": ledger.fingerprint,
        "versions": {name: version(name) for name in LIBRARIES},
    }
