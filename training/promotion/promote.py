"""Promotion: the challenger becomes champion where it is better beyond noise, and what was decided is written down."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

from features.ledger import Ledger
from models.registry import (
    CHALLENGER,
    CHAMPION,
    aliased,
    answering,
    connect,
    crown,
    find_version,
    load_version,
    registered_name,
    registry_lock,
)
from regulars.errors import BundleError, RegularsError
from training.promotion.comparison import BETTER, UNDEFINED, WORSE, Comparison, compare
from training.promotion.judgement import MOST_WINDOWS, judged_dates, too_early, trained_as_of
from training.promotion.promotion_log import FORCED, PROMOTED, REFUSED, Decision, person, recorded
from training.promotion.resampling import METRICS

DEFAULT_METRIC = "gini"
"""Lists use the scores as ranks. Squared errors hang on a handful of customers, and are the noisiest of all."""


@dataclass(frozen=True)
class Terms:
    """What a promotion depends on.

    Attributes
    ----------
    metric
        One of `METRICS`: here the challenger has to be better beyond noise, and worse in none of the others.
    cutoffs
        How many as-of dates at most.
    force
        Promote whatever comes of the comparison.
    by
        Who decides; None: the user whose process it is.
    """

    metric: str = DEFAULT_METRIC
    cutoffs: int = MOST_WINDOWS
    force: bool = False
    by: str | None = None

    def __post_init__(self) -> None:
        if self.metric not in METRICS:
            raise RegularsError(f"nothing is judged by {self.metric!r}: choose one of {', '.join(METRICS)}")
        if self.cutoffs < 1:
            raise RegularsError(f"{self.cutoffs} cut-offs judge nothing: give at least 1")


@dataclass(frozen=True)
class Promotion:
    """What came of a challenge.

    Attributes
    ----------
    decision
        What was decided, why, by whom and when.
    comparison
        The figures of both; None where there could be none.
    run_id
        The MLflow run that keeps both.
    """

    decision: Decision
    comparison: Comparison | None
    run_id: str

    @property
    def promoted(self) -> bool:
        """Whether the challenger is champion now."""
        return self.decision.outcome != REFUSED

    def to_dict(self) -> dict[str, Any]:
        """Return decision and figures as plain data for JSON."""
        comparison = None if self.comparison is None else self.comparison.to_dict()
        return {"promoted": self.promoted, **self.decision.to_dict(), "comparison": comparison, "run_id": self.run_id}


def promote(ledger: Ledger, horizon_days: int, version: str = CHALLENGER, terms: Terms | None = None) -> Promotion:
    """Judge a registered version beside the champion, both as they are, and make it champion where it is better.

    Parameters
    ----------
    ledger
        The ledger to judge on. No as-of date before the training of either is judged: they have seen the outcome.
    horizon_days
        Horizon of the registered model.
    version
        Alias or number of the version that wants to be champion.
    terms
        What it depends on; None: the defaults.

    Returns
    -------
    Promotion
        What was decided. It stands in the log, a refusal too.

    Raises
    ------
    BundleError
        There is no such version or no champion, it is champion already, a bundle and the log do not belong together, or
        the registry does not answer.
    HistoryError
        The log holds too little to predict from.
    """
    terms = terms or Terms()
    client, name = connect(), registered_name(horizon_days)
    champion, challenger = find_version(client, name, CHAMPION), find_version(client, name, version)
    if champion.version == challenger.version:
        raise BundleError(
            f"version {challenger.version} of {name} is the champion already: name another with --model, or train a "
            "challenger with `regulars train`"
        )
    found = _judge(ledger, challenger, champion, terms)
    if isinstance(found, str) and not terms.force:
        with answering():
            found += _instead(client, ledger, champion, horizon_days)
    outcome, why = _outcome(found, terms)
    versions = {"model": name, "challenger": str(challenger.version), "champion": str(champion.version)}
    decision = Decision(
        outcome,
        why,
        person(terms.by),
        datetime.now(UTC),
        **versions,
        metric=terms.metric,
        log_fingerprint=ledger.fingerprint,
    )
    return _carry_out(client, decision, found if isinstance(found, Comparison) else None)


def _carry_out(client: Any, decision: Decision, comparison: Comparison | None) -> Promotion:
    with answering(), registry_lock():
        now = aliased(client, decision.model, CHAMPION)
        if now != decision.champion and decision.outcome != REFUSED:
            why = f"the champion was version {decision.champion} when the judging began, and is {now} now: run again"
            decision = replace(decision, outcome=REFUSED, why=why)
        with recorded(client, decision, comparison) as run_id:
            if decision.outcome != REFUSED:
                crown(client, decision.model, decision.challenger)
    return Promotion(decision, comparison, run_id)


def _judge(ledger: Ledger, challenger: Any, champion: Any, terms: Terms) -> Comparison | str:
    """Return the comparison, or why there is none."""
    new = load_version(challenger).bundle
    try:
        old = load_version(champion).bundle
        since = max(trained_as_of(new), trained_as_of(old))
        dates = judged_dates(ledger.span, since, new.horizon_days, terms.cutoffs)
        if not dates:
            return f"a model may not be judged by what it has seen: {too_early(ledger.span, since, new.horizon_days)}"
        return compare(ledger, new, old, dates)
    except RegularsError as error:
        # A champion that cannot be read or used any more is a reason to force, not an obstacle.
        if terms.force:
            return f"they could not be compared: {error}"
        raise


def _instead(client: Any, ledger: Ledger, champion: Any, horizon_days: int) -> str:
    """Say which version after the champion a log could judge: who trains every month has older challengers."""
    for found in sorted(client.search_model_versions(f"name = '{champion.name}'"), key=lambda v: -int(v.version)):
        as_of = client.get_run(found.run_id).data.params.get("as_of")
        later = int(found.version) > int(champion.version)
        if later and as_of and judged_dates(ledger.span, date.fromisoformat(as_of), horizon_days):
            return f"; version {found.version}, trained as of {as_of}, can be judged: --model {found.version}"
    return ""


def _outcome(found: Comparison | str, terms: Terms) -> tuple[str, str]:
    """Return the outcome, and why."""
    won, why = weigh(found, terms.metric) if isinstance(found, Comparison) else (False, found)
    if won:
        return PROMOTED, why
    if terms.force:
        return FORCED, f"forced, although {why}"
    return REFUSED, why if isinstance(found, Comparison) else f"{why}; --force promotes without a judgement"


def weigh(comparison: Comparison, metric: str) -> tuple[bool, str]:
    """Tell whether a challenger is better beyond noise in one metric and worse in no other, and say why.

    Parameters
    ----------
    comparison
        The figures.
    metric
        The metric that decides.
    """
    verdict = str(comparison.table.loc[metric, "verdict"])
    if verdict == UNDEFINED:
        return False, f"{metric} is not defined on these windows: choose another metric"
    why = f"{_figures(comparison, metric)}: {verdict}"
    worse = [name for name in comparison.metrics_that_are(WORSE) if name != metric]
    if verdict != BETTER:
        return False, why
    if worse:
        return False, f"{why}, but worse beyond noise in {'; '.join(_figures(comparison, name) for name in worse)}"
    return True, f"{why} beyond noise, and worse in no other metric"


def _figures(comparison: Comparison, metric: str) -> str:
    row = comparison.table.loc[metric]
    return (
        f"{metric} {row['challenger']:,.4g} against the champion's {row['champion']:,.4g}, a difference of "
        f"{row['difference']:+,.3g} ({row['low']:+,.3g} to {row['high']:+,.3g})"
    )
