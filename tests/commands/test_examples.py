"""Every example of the help is run as it stands; what needs more than this machine has is parsed to the last value."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from edgemnist import cli
from edgemnist.commands.completion import completion_of
from edgemnist.commands.defaults import commands_of
from edgemnist.commands.examples import Example, examples_of
from edgemnist.commands.parameters import is_flag
from tests.commands.example_folder import MAKING

cli.register_commands()
PROGRAM: Any = typer.main.get_command(cli.app)
COMMANDS = dict(commands_of(PROGRAM))
FOUND = {one.command: one for command in (PROGRAM, *COMMANDS.values()) for one in examples_of(command)}


def those(*, run: bool) -> list[Any]:
    """Return the examples that are run here, or those that are not."""
    return [pytest.param(one, id=one.command) for one in FOUND.values() if (not one.needs) is run]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_a_few_of_itself(name: str) -> None:
    examples = examples_of(COMMANDS[name])

    assert 1 <= len(examples) <= 4
    assert all(f"{one.command} ".startswith(f"edgemnist {name} ") and one.does.endswith(".") for one in examples)
    assert len({one.command for one in examples}) == len(examples)


@pytest.mark.parametrize("name", ["", *COMMANDS])
def test_the_help_has_them_whole_at_80_columns(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert cli.run([*name.split(), "--help"]) == 0
    lines = capsys.readouterr().out.splitlines()

    start = lines.index("Examples:") + 1
    told = [line for one in examples_of(COMMANDS.get(name, PROGRAM)) for line in one.lines()]
    assert lines[start:] == [f"  {line}" for line in told]
    assert max(map(len, lines)) <= 80


@pytest.mark.slow
@pytest.mark.parametrize("example", those(run=True))
@pytest.mark.usefixtures("example_folder")
def test_it_works(example: Example, capsys: pytest.CaptureFixture[str]) -> None:
    if example.command not in MAKING:
        assert cli.run(shlex.split(example.command)[1:]) == 0, capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("example", those(run=False))
@pytest.mark.usefixtures("example_folder")
def test_what_is_not_run_here_is_well_formed(example: Example) -> None:
    assert unknown_values(example.command) == []


@pytest.mark.parametrize(
    "wrong",
    ["firmware run --bord microbit", "firmware run --board micro", "train --epochs many", "serve --shadow litert"],
)
def test_what_is_not_well_formed_is_seen(wrong: str) -> None:
    try:
        assert unknown_values(f"edgemnist {wrong}") != []
    except Exception as error:
        assert hasattr(error, "format_message")  # click's


def unknown_values(command: str) -> list[str]:
    """Parse a command line and return the values that no registry knows, of options that take a name of one.

    :raises click's UsageError: an option is unknown, a value of another type or out of range.
    """
    name, words = "", shlex.split(command)[1:]
    while name not in COMMANDS:
        word = "run" if words[0].startswith("-") else words.pop(0)  # `search` alone is `search run`
        name = f"{name} {word}".strip()
    context = COMMANDS[name].make_context(name, words)
    return [value for parameter in COMMANDS[name].params for value in _unknown(name, parameter, context.params)]


def _unknown(command: str, parameter: Any, values: dict[str, Any]) -> Iterator[str]:
    value = values.get(parameter.name)
    names = completion_of(command.split()[-1], parameter.name)
    if names is None or value is None or is_flag(parameter):
        return
    for one in value if isinstance(value, (list, tuple)) else [value]:
        yield from (part for part in str(one).split(",") if part not in names("") and not Path(part).exists())
