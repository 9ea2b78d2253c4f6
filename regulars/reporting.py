"""The report: the command and the verb that write one page for a manager."""

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from regulars.errors import RegularsError
from regulars.flags import OutputFlags
from regulars.screen import Screen

if TYPE_CHECKING:
    from serving.web.pages.visit import Scored

OUTPUT = OutputFlags()
WEB = ("fastapi", "itsdangerous", "python_multipart", "uvicorn")
"""What pages need beyond the rest of Regulars."""


def report(
    store: str | Path,
    out: str | Path = "report.html",
    as_of: date | str | None = None,
    horizon: int | None = None,
    currency: str = "",
) -> Path:
    """Write what customers are worth, what changed and what to do as one HTML page, and return its path.

    The page needs nothing beside itself, runs no script and names no customer.

    Parameters
    ----------
    store
        Folder of the store.
    out
        The file, which appears whole or not at all.
    as_of
        As-of date of the scores; None: the newest.
    horizon
        Horizon of the scores; None: the only one there is.
    currency
        Stands beside money, such as ``£`` or ``EUR``.

    Raises
    ------
    RegularsError
        The store holds no such scores, or the file cannot be written; what was there before stands.
    """
    from regulars.opening import day_of

    _written(Path(store), Path(out), day_of(as_of), horizon, currency)
    return Path(out)


def report_(
    *,
    store: Path,
    out: Path,
    as_of: date | None = None,
    horizon: int | None = None,
    currency: str = "",
    output: OutputFlags = OUTPUT,
) -> None:
    """Write one page for a manager: what customers are worth, what changed, what to do, and how far to trust it.

    Parameters
    ----------
    store
        Folder of the store.
    out
        The file, such as report.html; it needs nothing beside itself, can be printed, and names no customer.
    as_of
        As-of date of the scores; by default the newest.
    horizon
        Horizon of the scores; needed where the store holds several.
    currency
        Stands beside money, such as £ or EUR.
    """
    screen = Screen(output.quiet, output.json)
    scored = _written(store, out, as_of, horizon, currency)
    screen.facts({"report": str(out), "as of": f"{scored.as_of}, {scored.horizon_days} days ahead"})
    screen.result({"out": str(out), "as_of": scored.as_of.isoformat(), "horizon_days": scored.horizon_days})


def _written(store: Path, out: Path, as_of: date | None, horizon: int | None, currency: str) -> "Scored":
    try:
        from serving.report import write_report
    except ModuleNotFoundError as error:
        if error.name not in WEB:
            raise
        raise RegularsError(
            f"The report is drawn with what the web page is made of, and {error.name} is missing: "
            "pip install 'regulars[web]'"
        ) from error

    return write_report(store, out, as_of, horizon, currency)
