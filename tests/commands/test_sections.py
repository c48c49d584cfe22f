"""``edgemnist --help`` has every command in a section, a line each, whole at 80 columns."""

from __future__ import annotations

import re

import pytest
import typer

from edgemnist import cli
from edgemnist.commands.sections import Section

pytestmark = pytest.mark.unit


@pytest.fixture
def listed(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the help at 80 columns."""
    monkeypatch.setenv("COLUMNS", "80")
    assert cli.run(["-h"]) == 0
    return capsys.readouterr().out


def test_every_command_is_listed_once_and_whole(listed: str) -> None:
    cli.register_commands()
    names = list(typer.main.get_command(cli.app).commands)  # type: ignore[attr-defined]
    rows = re.findall(r"^  (\w+) {2,}(.+)$", listed.split(Section.START.value)[1], re.MULTILINE)

    assert sorted(name for name, _ in rows) == sorted(names)
    assert all(text.endswith(".") and not text.endswith("...") for _, text in rows)
    assert max(map(len, listed.splitlines())) <= 80


def test_the_sections_are_in_their_order(listed: str) -> None:
    places = [listed.index(f"\n{section.value}:\n") for section in Section]

    assert places == sorted(places)


@pytest.mark.parametrize("arguments", [["codegen", "-h"], ["firmware", "build", "-h"], ["data", "-h"]])
def test_every_command_takes_a_short_help(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(arguments) == 0
    assert capsys.readouterr().out.startswith("Usage: ")


def test_a_short_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["-V"]) == 0
    assert capsys.readouterr().out.startswith("edgemnist ")
