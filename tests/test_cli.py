"""The command line as a whole: text or JSON, errors, gates and exit codes are decided in one place."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import typer

from edgemnist import cli
from edgemnist.commands.options import add_command
from edgemnist.commands.outcome import Outcome
from edgemnist.support.errors import GateFailedError


@dataclass(frozen=True)
class Answer:
    """The result of the commands below."""

    value: int = 42

    def as_json(self) -> dict[str, Any]:
        return {"value": self.value}


def gate() -> None:
    """Fail."""
    raise GateFailedError("42 is too much; choose a smaller number")


def passing() -> Outcome:
    """Pass."""
    return Outcome(Answer(), lambda: print("the answer is 42"))  # noqa: T201


def failing() -> Outcome:
    """Fail a gate."""
    return Outcome(Answer(), lambda: print("the answer is 42"), gate)  # noqa: T201


def broken() -> Outcome:
    """Have a fault."""
    raise KeyError("unforeseen")


@pytest.fixture
def _commands(monkeypatch: pytest.MonkeyPatch) -> None:
    app = typer.Typer(pretty_exceptions_enable=False)
    for command in (passing, failing, broken):
        add_command(app, command)
    monkeypatch.setattr(cli, "app", app)
    monkeypatch.setattr(cli, "register_commands", lambda: None)


@pytest.mark.usefixtures("_commands")
@pytest.mark.parametrize(("name", "code"), [("passing", 0), ("failing", 1)])
def test_a_result_is_shown_before_its_gate(name: str, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run([name]) == code
    said = capsys.readouterr()
    assert said.out == "the answer is 42\n"
    assert ("too much" in said.err) == bool(code)


@pytest.mark.usefixtures("_commands")
def test_json_is_one_document_with_the_gate_in_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["failing", "--json"]) == 1
    said = capsys.readouterr()
    document = json.loads(said.out)
    assert document["value"] == 42
    assert document["error"] == {
        "kind": "gate_failed",
        "message": "42 is too much; choose a smaller number",
        "remedy": "choose a smaller number",
        "exit_code": 1,
    }
    assert said.err == "edgemnist: 42 is too much; choose a smaller number\n"


@pytest.mark.usefixtures("_commands")
def test_a_fault_of_ours_is_exit_code_70_and_no_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["broken", "--json"]) == 70
    said = capsys.readouterr()
    error = json.loads(said.out)["error"]
    assert (error["kind"], error["exit_code"]) == ("internal", 70)
    assert said.err.count("\n") == 1 and "Traceback" not in said.err
    Path(error["remedy"].rpartition(" ")[2]).unlink()


@pytest.mark.parametrize(
    ("arguments", "kind"),
    [(["inspect", "missing.tflite"], "input"), (["inspect", "--jsno"], "usage"), (["nothing"], "usage")],
)
def test_errors_are_json_on_stdout_too(arguments: list[str], kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run([*arguments, "--json"]) == 2
    said = capsys.readouterr()
    error = json.loads(said.out)["error"]
    assert (error["kind"], error["exit_code"]) == (kind, 2)
    assert said.err != ""
    assert cli.run(arguments) == 2
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("arguments", [["--help"], ["train", "--help"], ["--version"], ["firmware", "build", "--help"]])
def test_help_and_version(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(arguments) == 0
    assert capsys.readouterr().out


def test_the_command_line_starts_without_what_only_a_stage_needs() -> None:
    program = (
        "import sys; from edgemnist import cli; cli.register_commands(); "
        "print(sorted({'numpy', 'PIL', 'tflite', 'tensorflow'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
