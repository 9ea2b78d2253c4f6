"""What tests of the pages read of them: words, and the field of forms."""

import html
import re

import httpx

from serving.web.charts import numerals


def words(page: httpx.Response) -> str:
    """Return what a person reads of a page."""
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", page.text)).replace(numerals.SPACE, " "))


def csrf(page: httpx.Response) -> str:
    """Return what the forms of a page carry."""
    return re.search(r'name="csrf" value="(\w+)"', page.text)[1]


def plain(value: str) -> str:
    """Return a number as `words` has it."""
    return value.replace(numerals.SPACE, " ")
