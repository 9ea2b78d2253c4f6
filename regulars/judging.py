"""The commands that judge models by what happened: `backtest` and `promote`."""

from typing import Literal

from regulars.exits import ANSWER_NO, DONE
from regulars.flags import LogFlags, LogSource, OutputFlags
from regulars.reading import read
from regulars.screen import Screen

LAYOUT, OUTPUT = LogFlags(), OutputFlags()


def backtest(
    log: LogSource,
    *,
    horizon: int = 90,
    cutoffs: int = 4,
    model: str | None = None,
    layout: LogFlags = LAYOUT,
    output: OutputFlags = OUTPUT,
) -> None:
    """Evaluate on the newest complete windows of a log, beside the baselines, and log it in MLflow.

    Parameters
    ----------
    horizon
        Length of the outcome windows in days.
    cutoffs
        How many windows at most.
    model
        Alias or version of a registered model, judged as it is on the windows since its training, a quarter of the
        horizon apart; by default the recipe is fitted anew at every as-of date.
    """
    from regulars import figures, verbs
    from training.tracking import log_backtest

    screen = Screen(output.quiet, output.json)
    ledger = read(log, layout, screen)
    screen.note(f"evaluating at up to {cutoffs} as-of dates, {horizon} days ahead …")
    found = verbs.backtest(ledger, horizon, cutoffs, model=model)
    for evaluation in found.evaluations:
        title = f"As of {evaluation.as_of}, {horizon} days ahead, {len(evaluation.customers):,} customers"
        screen.table(title, *figures.metrics_table(evaluation.metrics))
    screen.table("Mean of all windows (of bias, of its distance from 0)", *figures.metrics_table(found.summary))
    screen.say(figures.LEGEND)
    if far := figures.bias_words({evaluation.as_of: evaluation.metrics for evaluation in found.evaluations}):
        screen.say(far)
    run_id = log_backtest(found, horizon, ledger.fingerprint)
    if found.registered is not None:
        screen.say(f"Judged as it was trained: {found.registered.name} version {found.registered.version}")
    screen.say(f"MLflow run {run_id}")
    screen.result({**found.to_dict(), "run_id": run_id, "log_fingerprint": ledger.fingerprint})


def promote(
    log: LogSource,
    *,
    horizon: int = 90,
    model: str = "challenger",
    metric: Literal["mae", "rmse", "gini", "bias", "auc", "log_loss"] = "gini",
    cutoffs: int = 4,
    force: bool = False,
    by: str | None = None,
    layout: LogFlags = LAYOUT,
    output: OutputFlags = OUTPUT,
) -> int:
    """Make a registered version champion where it is better than the champion beyond noise, and write down why.

    Parameters
    ----------
    horizon
        Horizon of the registered model.
    model
        Alias or version that wants to be champion.
    metric
        Where it has to be better beyond noise; in none of the others may it be worse.
    cutoffs
        How many windows at most, a quarter of the horizon apart, none before the training of either.
    force
        Promote whatever comes of the comparison; the log says so.
    by
        Who decides; by default your user name.
    """
    from regulars import figures, results
    from regulars.promotion import promote as challenge

    screen = Screen(output.quiet, output.json)
    ledger = read(log, layout, screen)
    screen.note(f"judging {model} beside the champion at up to {cutoffs} as-of dates, {horizon} days ahead …")
    found = challenge(ledger, horizon, model, metric, cutoffs, force, by)
    if found.comparison is not None:
        screen.table(*figures.comparison_table(found))
    screen.facts(results.promotion_facts(found))
    screen.result(found.to_dict())
    return DONE if found.promoted else ANSWER_NO
