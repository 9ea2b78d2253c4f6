"""The README speaks of the commands that there are, with the flags that they have."""

import re
import shlex
from pathlib import Path

import pytest

import regulars
from regulars import cli

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```sh\n(.*?)^```", README, flags=re.DOTALL | re.MULTILINE)
COMMANDS = ("demo", "check", "features", "backtest", "train", "promote", "score", "list")


def spoken() -> list[list[str]]:
    """Return every `regulars …` command of the README's blocks as words."""
    lines = "\n".join(BLOCKS).replace("\\\n", " ").splitlines()
    return [shlex.split(line) for line in lines if line.strip().startswith("regulars ")]


def flags(command: str) -> set[str]:
    collection = cli.app[command].assemble_argument_collection(parse_docstring=True)
    return {name for argument in collection for name in argument.names}


def test_every_command_is_documented():
    assert {words[1] for words in spoken()} == set(COMMANDS)


@pytest.mark.parametrize("words", spoken(), ids=" ".join)
def test_every_documented_command_is_one_with_these_flags(words):
    unknown = [word for word in words[2:] if word.startswith("--") and word not in flags(words[1])]
    assert not unknown


def test_the_public_names_are_these_and_each_says_what_it_is():
    for name in regulars.__all__:
        assert getattr(regulars, name).__doc__
    assert sorted(set(dir(regulars))) == sorted(regulars.__all__)


def test_every_command_is_a_verb_of_the_package():
    assert set(COMMANDS) - {"demo"} <= set(regulars.__all__)


def test_pictures_and_files_that_the_readme_names_are_there():
    root = Path(__file__).parents[1]
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (root / target).exists(), target
