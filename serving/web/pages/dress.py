"""What templates may use beside what a page gives them: numerals as filters, and the pages there are."""

from typing import Any

from jinja2 import Environment, pass_context
from jinja2.runtime import Context

from serving.web.charts import numerals
from serving.web.charts.numerals import Money

PAGES = (
    ("/", "Overview", "economics:read"),
    ("/lists", "Lists", "lists:read"),
    ("/customers", "Customers", "customers:read"),
    ("/model", "Model", "model:read"),
)
"""Address, name, and the scope without which it is not shown."""


def dress(templates: Environment) -> None:
    """Give the templates their filters and globals."""
    templates.filters |= {
        "count": numerals.count,
        "compact": numerals.compact,
        "percent": numerals.share,
        "change": numerals.change,
        "day": numerals.day,
        "days": numerals.days,
        "money": _money,
        "exactly": _exactly,
        "capital": _capital,
        "plain": _plain,
        "texts": _texts,
    }
    templates.globals["pages"] = PAGES


@pass_context
def _money(context: Context, value: Any) -> str:
    return Money(context["currency"])(value)


@pass_context
def _exactly(context: Context, value: Any) -> str:
    return Money(context["currency"]).exact(value)


def _capital(text: str) -> str:
    """Return a text with its first letter large and the others as they are: CLV stays CLV."""
    return text[:1].upper() + text[1:]


def _plain(number: float) -> str:
    """Return a number as it was typed into a field."""
    return f"{number:g}"


def _texts(found: Any) -> list[str]:
    """Return the texts of a column that holds a list or nothing."""
    # Where a column of lists is empty in every row, pandas may put a missing number there.
    return [] if found is None or isinstance(found, float) else [str(text) for text in found]
