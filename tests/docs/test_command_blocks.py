"""Every command of README and the guides is run in the folder of the help's examples, or says what it needs."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from edgemnist import cli
from tests.commands.test_examples import FOUND, unknown_values

ROOT = Path(__file__).resolve().parents[2]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "docs" / "guides").glob("*.md")))
_BLOCK = re.compile(
    r"(?:<!-- not run by the tests; needs (?P<needs>.+?) -->\n\n?)?"
    r"(?:^```(?:sh)?\n(?P<fenced>.*?)^```$|(?P<indented>(?:^ {4}[^\n]*\n)+))",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Typed:
    """A command on a page, and what its block needs that is not here."""

    page: str
    command: str
    needs: str


def commands_of(page: Path) -> Iterator[Typed]:
    """Yield the commands of edgemnist in a page's blocks of code, each alone where several are joined."""
    for block in _BLOCK.finditer(page.read_text(encoding="utf-8")):
        for line in (block["fenced"] or block["indented"] or "").splitlines():
            typed = line.strip().removeprefix("$ ").partition("  #")[0]
            for command in typed.split(" && ") if typed.startswith("edgemnist ") else ():
                yield Typed(page.name, command.strip(), block["needs"] or "")


EVERY = {one.command: one for page in PAGES for one in commands_of(page)}
HERE = [one for one in EVERY.values() if not one.needs and one.command not in FOUND]
"""Those that are run here; the help's examples are run where they belong."""


def test_there_are_commands() -> None:
    assert len(EVERY) > 50 and len(HERE) > 20
    assert {one.page for one in EVERY.values()} >= {"README.md", "firmware.md", "report.md"}


@pytest.mark.slow
@pytest.mark.parametrize(
    "typed", [one for one in EVERY.values() if one.needs], ids=lambda one: f"{one.page} {one.command}"
)
@pytest.mark.usefixtures("example_folder")
def test_it_is_well_formed(typed: Typed) -> None:
    assert unknown_values(typed.command) == []


@pytest.mark.slow
@pytest.mark.parametrize("typed", HERE, ids=lambda one: f"{one.page} {one.command}")
def test_it_works(typed: Typed, example_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(shlex.split(typed.command)[1:]) == 0, capsys.readouterr().err


def test_marks_and_joined_commands_are_read(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "Text\n\n    edgemnist a --b c && edgemnist d   # why\n    other\n\n"
        "<!-- not run by the tests; needs a board -->\n\n    edgemnist e\n\n```\n$ edgemnist f\n```\n"
    )
    found = [(one.command, one.needs) for one in commands_of(page)]
    assert found == [("edgemnist a --b c", ""), ("edgemnist d", ""), ("edgemnist e", "a board"), ("edgemnist f", "")]
