"""The README speaks of the commands that there are, with the flags that they have."""

import re
import shlex
from pathlib import Path

import pytest

import regulars
from regulars import cli

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```sh\n(.*?)^```", README, flags=re.DOTALL | re.MULTILINE)
VERBS = {
    "check",
    "features",
    "backtest",
    "train",
    "promote",
    "score",
    "list",
    "measure",
    "economics",
    "publish",
    "report",
}
GROUPS = {"person", "token"}
COMMANDS = VERBS | GROUPS | {"demo", "serve"}


def spoken() -> list[list[str]]:
    """Return every `regulars …` command of the README's blocks as words."""
    lines = "\n".join(BLOCKS).replace("\\\n", " ").splitlines()
    commands = (line[line.index("regulars ") :] for line in lines if "regulars " in line.partition("#")[0])
    return [shlex.split(command, comments=True) for command in commands]


def flags(words: list[str]) -> set[str]:
    command = cli.app[words[1]][words[2]] if words[1] in GROUPS else cli.app[words[1]]
    collection = command.assemble_argument_collection(parse_docstring=True)
    return {name for argument in collection for name in argument.names}


def test_every_command_is_documented():
    assert {words[1] for words in spoken()} == COMMANDS


@pytest.mark.parametrize("words", spoken(), ids=" ".join)
def test_every_documented_command_is_one_with_these_flags(words):
    unknown = [word for word in words[2:] if word.startswith("--") and word not in flags(words)]
    assert not unknown


def test_the_public_names_are_these_and_each_says_what_it_is():
    for name in regulars.__all__:
        assert getattr(regulars, name).__doc__
    assert sorted(set(dir(regulars))) == sorted(regulars.__all__)


def test_every_command_is_a_verb_of_the_package():
    assert set(regulars.__all__) >= VERBS


def test_pictures_and_files_that_the_readme_names_are_there():
    root = Path(__file__).parents[1]
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (root / target).exists(), target
