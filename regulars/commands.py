"""The commands: each one reads flags, calls its verb, and says what came of it."""

from contextlib import nullcontext
from dataclasses import replace
from datetime import date
from pathlib import Path

from regulars.exits import ANSWER_NO, DONE
from regulars.flags import EconomicsFlags, LogFlags, LogSource, OutputFlags
from regulars.reading import note_silence, read
from regulars.screen import Screen

LAYOUT, OUTPUT, ECONOMICS = LogFlags(), OutputFlags(), EconomicsFlags()


def demo(folder: Path = Path("regulars-demo"), *, output: OutputFlags = OUTPUT) -> None:
    """Show the whole road on a bundled real log: the last 90 days are hidden, predicted, then compared.

    Parameters
    ----------
    folder
        Folder for everything the demo makes.
    """
    from regulars.demo import run

    run(folder, Screen(output.quiet))


def check(log: LogSource, *, layout: LogFlags = LAYOUT, output: OutputFlags = OUTPUT) -> int:
    """Report what a log holds, what of it cannot be used, and what can be predicted from it."""
    from features.date_step import date_step
    from regulars import results
    from regulars.prospects import prospects, prospects_table, step_words

    screen = Screen(output.quiet, output.json)
    # The report is what was asked for, however many rows are unusable.
    ledger = read(log, replace(layout, max_bad_share=1.0), screen)
    repeated, step = ledger.repeated_rows(), date_step(ledger)
    found = prospects(ledger.span, step)
    screen.facts(results.quality_facts(ledger.quality, repeated) | ({"dates": step_words(step)} if step else {}))
    screen.table("What can be predicted", *prospects_table(found))
    screen.result({**ledger.quality.to_dict(), "repeated_rows": repeated, "date_step_days": step, "prospects": found})
    if ledger.quality.bad_share > layout.max_bad_share:
        screen.say(
            f"Not as it is: {ledger.quality.bad_share:.1%} of the rows cannot be used, and {layout.max_bad_share:.1%} "
            "may be. Mend the log, or allow them with --max-bad-share."
        )
        return ANSWER_NO
    return DONE if any(row["trainable"] for row in found) else ANSWER_NO


def features(
    log: LogSource,
    *,
    out: Path,
    as_of: date | None = None,
    horizon: int = 90,
    layout: LogFlags = LAYOUT,
    output: OutputFlags = OUTPUT,
) -> None:
    """Write the features of every customer at an as-of date to a file.

    Parameters
    ----------
    out
        File to write: .parquet, .csv, or .json for JSON lines.
    as_of
        As-of date; by default the day after the log's last.
    horizon
        Days that some features look back.
    """
    from features.snapshot import snapshot
    from features.window import history_days, require_horizon
    from regulars.opening import as_of_date
    from serving.exports.files import format_of, write_list

    screen = Screen(output.quiet, output.json)
    form = format_of(out)
    ledger = read(log, layout, screen)
    day = as_of_date(ledger, as_of)
    require_horizon(horizon)
    history_days(ledger.span, day)
    rows = write_list(snapshot(ledger, day, horizon).order_by("customer_id"), out, form)
    screen.say(f"{rows:,} customers as of {day} in {out}")
    screen.result({"customers": rows, "as_of": day, "out": str(out), "log_fingerprint": ledger.fingerprint})


def train(
    log: LogSource,
    *,
    as_of: date | None = None,
    horizon: int = 90,
    tune: int = 0,
    layout: LogFlags = LAYOUT,
    output: OutputFlags = OUTPUT,
) -> None:
    """Fit, evaluate on the newest complete window, log in MLflow and register: the first version becomes champion.

    Parameters
    ----------
    as_of
        As-of date: nothing at or after it is read; by default the day after the log's last.
    horizon
        Length of the outcome window that scores predict, in days.
    tune
        How many settings to try on past windows before; what was tried is kept in .regulars, so that an interrupted
        search goes on. By default none: the settings that there are do well.
    """
    from regulars import figures, results, verbs
    from regulars.opening import as_of_date

    screen = Screen(output.quiet, output.json)
    ledger = read(log, layout, screen)
    day = as_of_date(ledger, as_of)
    note_silence(ledger, day, screen)
    screen.note(f"training as of {day}, {horizon} days ahead …")
    with screen.progress("trying settings", tune) if tune else nullcontext(lambda trials: None) as progress:
        found = verbs.train(ledger, as_of, horizon, tune=tune, progress=progress)
    screen.facts(results.training_facts(found) | ({"tuned": found.search.said} if found.search else {}))
    if found.evaluation is not None:
        title = f"The same recipe as of {found.evaluation.as_of}, beside what happened"
        screen.table(title, *figures.metrics_table(found.evaluation.metrics))
        screen.say(figures.LEGEND)
        if far := figures.bias_words({found.evaluation.as_of: found.evaluation.metrics}):
            screen.say(far)
    screen.result(results.training_result(found) | ({"tuned": found.search.to_dict()} if found.search else {}))


def score(
    log: LogSource,
    *,
    store: Path,
    as_of: date | None = None,
    horizon: int = 90,
    model: str = "champion",
    layout: LogFlags = LAYOUT,
    economics: EconomicsFlags = ECONOMICS,
    output: OutputFlags = OUTPUT,
) -> None:
    """Score every customer into a store, replacing the scores of that as-of date and horizon all at once.

    Parameters
    ----------
    store
        Folder of the store; made where it is not there.
    as_of
        As-of date, at or after the training's; by default the day after the log's last.
    horizon
        Horizon of the registered model.
    model
        Alias or version of the registered model.
    """
    from regulars import results, verbs
    from regulars.opening import as_of_date

    screen = Screen(output.quiet, output.json)
    worth = economics.economics()
    ledger = read(log, layout, screen, store)
    note_silence(ledger, as_of_date(ledger, as_of), screen)
    # Two passes: allocate, then pin and write.
    with screen.progress("scoring customers", ledger.quality.buyers, passes=2) as progress:
        found = verbs.score(ledger, store, as_of, horizon, model, worth, progress)
    screen.facts(results.scoring_facts(found, store))
    screen.result(results.scoring_result(found, store))
