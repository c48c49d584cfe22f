"""``edgemnist init``: a folder in which everything that it says works."""

from __future__ import annotations

import json
import os
import pty
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
import yaml  # type: ignore[import-untyped]
from PIL import Image

from edgemnist import cli
from edgemnist.commands.defaults import commands_of, read_defaults
from tests.csource.files import TINY_MODEL

FILES = [".github/workflows/edgemnist.yml", ".gitignore", "README.md", "data/README.md", "edgemnist.toml"]


def command_line() -> Any:
    cli.register_commands()
    return typer.main.get_command(cli.app)


def commands_in(folder: Path) -> Iterator[list[str]]:
    """Yield the words of every command of the README and of the workflow, without ``edgemnist``."""
    readme = (folder / "README.md").read_text()
    workflow = yaml.safe_load((folder / FILES[0]).read_text())
    lines = [line for block in re.findall(r"```sh\n(.*?)```", readme, re.DOTALL) for line in block.splitlines()]
    lines += [step["run"] for step in workflow["jobs"]["model"]["steps"] if "run" in step]
    for line in lines:
        words = shlex.split(line)
        if words[0] == "edgemnist":
            yield words[1:]
        else:
            assert words[:2] == ["pip", "install"], line


def parsed(words: list[str]) -> None:
    """Have the command line parse a command with the folder's defaults, without running it."""
    commands = dict(commands_of(command_line()))
    name = max((one for one in commands if words[: len(one.split())] == one.split()), key=len)
    commands[name].make_context(name, words[len(name.split()) :])


@pytest.mark.parametrize(
    "given",
    [
        [],
        ["--dataset", "fashion-mnist", "--board", "raspberry-pi-pico", "--preset", "best", "--name", "shirts"],
        *[["--dataset", "own", "--board", board] for board in ("riscv32-virt", "nucleo-h743zi")],
    ],
    ids=lambda given: "-".join(given[1::2]) or "nothing",
)
def test_what_it_writes_is_valid(
    given: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "my digits"
    assert cli.run(["init", str(folder), *given, "--json"]) == 0
    made = json.loads(capsys.readouterr().out)

    assert made["files"] == FILES
    assert sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()) == FILES
    assert set(made["assumed"]) == {"dataset", "board", "preset", "name"} - {flag[2:] for flag in given[::2]}
    assert "@{" not in "".join((folder / path).read_text() for path in FILES)
    monkeypatch.chdir(folder)
    assert cli.run(["config", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)["options"]
    options = {(one["command"], one["option"].lstrip("-")): one["value"] for one in shown}
    assert options["run", "dataset"] == ("data" if made["dataset"] == "own" else made["dataset"])
    assert options["run", "preset"] == made["preset"]
    assert options["firmware build", "board"] == made["board"]
    assert options["codegen", "name"] == made["name"] == ("shirts" if "--name" in given else "my_digits")
    assert read_defaults(command_line, folder).path == folder / "edgemnist.toml"
    commands = list(commands_in(folder))
    assert ["run"] in commands
    for words in commands:
        parsed(words)


def test_nothing_is_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "README.md").write_text("mine")
    assert cli.run(["init", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert "has README.md already, and nothing is overwritten" in said
    assert [path.name for path in tmp_path.iterdir()] == ["README.md"]
    assert (tmp_path / "README.md").read_text() == "mine"


@pytest.mark.parametrize(
    ("flag", "value", "said"),
    [
        ("dataset", "fashon-mnist", "fashion-mnist"),
        ("board", "microbt", "microbit"),
        ("preset", "quik", "quick"),
        ("name", "int", "taken by the language"),
    ],
)
def test_wrong_answers(flag: str, value: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["init", str(tmp_path / "new"), f"--{flag}", value]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


def test_questions_on_a_terminal(tmp_path: Path) -> None:
    """A wrong answer is asked for again; an empty one takes what is offered, an option is not asked for."""
    leader, follower = pty.openpty()
    command = [sys.executable, "-m", "edgemnist", "init", "new", "--preset", "quick", "--json"]
    with subprocess.Popen(
        command,
        cwd=tmp_path,
        stdin=follower,
        stderr=follower,
        stdout=subprocess.PIPE,
        env={**os.environ, "TERM": "dumb"},
    ) as process:
        os.close(follower)
        os.write(leader, b"digits-of-mine\nown\n\nthings\n")
        assert process.stdout is not None
        made = json.loads(process.stdout.read())
        asked = os.read(leader, 1 << 16).decode()
    os.close(leader)

    assert (made["dataset"], made["preset"], made["name"], made["assumed"]) == ("own", "quick", "things", [])
    assert asked.count("Pictures: ") == 2
    assert "unknown dataset" in asked
    assert "Time for training" not in asked


def test_its_readme_with_a_few_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The README's commands in its order; those that train or measure are left to the tests of `run`."""
    assert cli.run(["init", str(tmp_path), "--dataset", "own", "--name", "stripes"]) == 0
    draw = np.random.default_rng(0)
    for kind in ("across", "down"):
        (tmp_path / "data" / kind).mkdir()
        for number in range(6):
            pixels = draw.integers(0, 255, (12, 12), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "data" / kind / f"{number}.png")
    monkeypatch.chdir(tmp_path)
    model = {name: [str(TINY_MODEL)] for name in ("codegen", "firmware")}
    for words in commands_in(tmp_path):
        if words not in (["run"], ["evaluate"], ["firmware", "run"]):
            assert cli.run([*words, *model.get(words[0], [])]) == 0, words

    assert (tmp_path / "artifacts" / "pictures.png").exists()
    assert (tmp_path / "artifacts" / "c" / "stripes.c").exists()
    assert list(tmp_path.rglob("stripes-*-cmake.zip"))
