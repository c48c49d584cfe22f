"""A model is an argument of every command, and without one the work folder's; the options of once go on to work."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import typer

from edgemnist import cli
from edgemnist.commands.defaults import commands_of
from edgemnist.commands.parameters import is_hidden, value_of

cli.register_commands()
COMMANDS: dict[str, Any] = dict(commands_of(typer.main.get_command(cli.app)))
ELSEWHERE = {
    "config",
    "init",
    "data fetch",
    "data list",
    "data show",
    "deploy emulator",
    "prune",
    "qat",
    "run",
    "search export",
    "search plot",
    "search resume",
    "search run",
    "search status",
    "search worker",
    "train",
}
"""Commands that are not about one finished model: they make a work folder's or a study's, or have none."""

FORMER = {
    "boards": [],
    "predict": ["digit.png"],
    "deploy pi": [],
    "deploy android": [],
    "deploy ios": [],
    "firmware build": [],
    "firmware run": [],
    "firmware package": ["--for", "arduino"],
}
"""The commands that had ``--model``, and what else they ask for."""


@pytest.mark.parametrize("name", sorted(set(COMMANDS) - ELSEWHERE))
def test_the_model_is_an_argument(name: str) -> None:
    arguments = [one for one in COMMANDS[name].params if one.param_type_name == "argument"]
    options = [option for one in COMMANDS[name].params if not is_hidden(one) for option in one.opts]

    assert len(arguments) == 1 and "MODEL" in value_of(arguments[0])
    assert arguments[0].required == (name == "import")
    assert {"--model", "--models", "--tflite"}.isdisjoint(options)


@pytest.mark.parametrize("name", FORMER)
def test_the_former_option_works_and_says_the_new_form(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.run([*name.split(), "--model", "my net.tflite", *FORMER[name], "--json"]) == 2
    said = capsys.readouterr()

    note, error = said.err.splitlines()
    assert note == f"--model goes on to work, but is an argument now: edgemnist {name} 'my net.tflite'"
    assert "there is no model 'my net.tflite'" in error
    assert "there is no model" in json.loads(said.out)["error"]["message"]


def test_the_former_option_is_not_in_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["firmware", "build", "--help"]) == 0
    assert "--model" not in capsys.readouterr().out


def test_both_are_one_too_many(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["firmware", "build", "one.tflite", "--model", "two.tflite"]) == 2
    assert "--model two.tflite and the argument one.tflite are both a model" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("command", "model"), [("deploy ios", ""), ("deploy ios", "mine.tflite"), ("predict", "mine.tflite")]
)
def test_a_projects_default_gives_way_to_the_argument(
    command: str, model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("edgemnist.toml").write_text('model = "projects.tflite"\n')
    pictures = ["digit.png"] if command == "predict" else []
    assert cli.run([*command.split(), *([model] if model else []), *pictures]) == 2
    said = capsys.readouterr().err

    assert f"there is no model '{model or 'projects.tflite'}'" in said
    assert said.count("\n") == 1


def test_several_models_are_not_pictures(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["predict", "one.tflite", "digit.png", "two.keras"]) == 2
    assert "'one.tflite' and 'two.keras' are 2 models" in capsys.readouterr().err
