"""Numerals: numbers, money, shares and dates as people read them."""

from dataclasses import dataclass
from datetime import date, datetime
from math import isfinite
from typing import Any

SPACE = "\N{NO-BREAK SPACE}"
NOTHING = "\N{EN DASH}"
MINUS = "\N{MINUS SIGN}"
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
SCALES = ((1e9, "bn"), (1e6, "M"), (1e3, "k"))
WRITTEN_OUT = 10_000
"""Numbers below are written out: 9,876, but 98.8 k."""


def is_none(value: Any) -> bool:
    """Tell whether there is no such number or date."""
    return value is None or value != value or (isinstance(value, float) and not isfinite(value))


def count(value: Any) -> str:
    """Return a whole number in full: 1,234,567."""
    return NOTHING if is_none(value) else _signed(f"{round(value):,}")


def compact(value: Any) -> str:
    """Return a number in three figures or so: 1.2 M, 98.8 k, 4,312, 5.25."""
    if is_none(value):
        return NOTHING
    size = abs(value)
    for scale, name in SCALES:
        # Half a figure below the scale rounds up into it.
        if size >= max(scale * 0.99995, WRITTEN_OUT):
            return _signed(f"{_three(value / scale)}{SPACE}{name}")
    return _signed(f"{value:,.0f}" if size >= 100 else _three(value))


def share(value: Any, decimals: int = 0) -> str:
    """Return a share in per cent: 34 %; what is little but not nothing is below one unit, not 0 %."""
    if is_none(value):
        return NOTHING
    unit = 10.0**-decimals
    if 0 < abs(value) * 100 < unit / 2:
        return f"<{SPACE}{unit:.{decimals}f}{SPACE}%"
    return _signed(f"{value * 100:.{decimals}f}{SPACE}%")


def change(value: Any) -> str:
    """Return a relative change with its sign: +3.4 %."""
    if is_none(value):
        return NOTHING
    shown = f"{value * 100:+,.0f}" if abs(value) >= 1 else f"{value * 100:+.1f}"
    return _signed(f"{shown}{SPACE}%")


def day(value: Any) -> str:
    """Return a date: 10 Sep 2011."""
    moment = _date(value)
    return NOTHING if moment is None else f"{moment.day}{SPACE}{MONTHS[moment.month - 1]}{SPACE}{moment.year}"


def days(value: Any) -> str:
    """Return a number of days: 1 day, 140 days."""
    return NOTHING if is_none(value) else f"{count(value)}{SPACE}{'day' if round(value) == 1 else 'days'}"


def month(value: Any) -> str:
    """Return a month: Sep 2011."""
    moment = _date(value)
    return NOTHING if moment is None else f"{MONTHS[moment.month - 1]}{SPACE}{moment.year}"


@dataclass(frozen=True)
class Money:
    """Writes amounts of one currency, a symbol in front of the number or a code behind it.

    Attributes
    ----------
    currency
        Such as ``£`` or ``EUR``; empty where the log does not say.
    """

    currency: str = ""

    def __call__(self, value: Any) -> str:
        """Return an amount in three figures or so: £1.2 M."""
        return self._beside(compact(value))

    def exact(self, value: Any) -> str:
        """Return an amount to the last penny: £1,234.56."""
        return NOTHING if is_none(value) else self._beside(_signed(f"{value:,.2f}"))

    def _beside(self, number: str) -> str:
        if number == NOTHING or not self.currency:
            return number
        if self.currency.isalpha():
            return f"{number}{SPACE}{self.currency}"
        sign, digits = (MINUS, number[1:]) if number.startswith(MINUS) else ("", number)
        return f"{sign}{self.currency}{digits}"


def _three(value: float) -> str:
    size = abs(value)
    shown = f"{value:.{0 if size >= 99.95 else 1 if size >= 9.995 else 2}f}"
    return shown.rstrip("0").rstrip(".") if "." in shown else shown


def _signed(number: str) -> str:
    bare = number.replace("-", MINUS)
    return bare[1:] if bare.startswith(MINUS) and not any(figure in bare for figure in "123456789") else bare


def _date(value: Any) -> date | None:
    if value is None or value != value:
        return None
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    return value.date() if isinstance(value, datetime) else value
