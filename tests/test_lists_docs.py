"""What the page on lists says of plays and columns is there."""

import re
from pathlib import Path

from serving.listing.playbook import PLAYS
from serving.listing.standing import MEANINGS

PAGE = (Path(__file__).parents[1] / "docs" / "lists.md").read_text(encoding="utf-8")


def test_every_play_is_on_the_page():
    assert re.findall(r"^\| `([\w-]+)` \|", PAGE, flags=re.MULTILINE) == [play.slug for play in PLAYS]


def test_columns_that_the_page_names_are_there():
    named = re.search(r"standing \((.*?)\), which", PAGE, flags=re.DOTALL)
    assert set(re.findall(r"`(\w+)`", named[1])) <= set(MEANINGS)
