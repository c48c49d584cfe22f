"""A project's own defaults: found upwards, for every command or for one, and refused where they mean nothing."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from edgemnist import cli
from tests.compiler.layers import Layers, Window

pytestmark = pytest.mark.unit


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder, in a folder of which commands run."""
    (tmp_path / "deep" / "er").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "deep" / "er")
    return tmp_path


def effective(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[tuple[str, str], tuple[object, str]]:
    assert cli.run(["config", "--json", *arguments]) == 0
    options = json.loads(capsys.readouterr().out)["options"]
    return {(one["command"], one["option"]): (one["value"], one["from"]) for one in options}


def test_without_a_file_nothing_is_set(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert effective(capsys) == {}
    assert effective(capsys, "--all")["codegen", "--target"] == ("any", "default")


def test_what_is_at_the_top_is_for_every_command_and_a_table_for_its_own(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "edgemnist.toml").write_text('seed = 7\n[train]\nseed = 8\n[firmware.build]\nboard = "microbit"\n')
    found = effective(capsys)

    assert found["prune", "--seed"] == (7, "edgemnist.toml")
    assert found["train", "--seed"] == (8, "edgemnist.toml")
    assert found["firmware build", "--board"] == ("microbit", "edgemnist.toml")
    assert ("firmware run", "--board") not in found


def test_the_nearest_file_counts(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "edgemnist.toml").write_text("seed = 7\n")
    (project / "deep" / "pyproject.toml").write_text("[tool.edgemnist.train]\nepochs = 3\n")

    assert effective(capsys) == {("train", "--epochs"): (3, "pyproject.toml")}
    (project / "deep" / "pyproject.toml").write_text("[tool.ruff]\nline-length = 100\n")
    assert effective(capsys)["train", "--seed"] == (7, "edgemnist.toml")


def test_a_command_takes_it_and_the_command_line_wins(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    layers = Layers.seeded(1)
    (project / "net.tflite").write_bytes(layers.finish(layers.conv(layers.input((1, 4, 4, 2)), 3, Window((1, 1)))))
    (project / "edgemnist.toml").write_text('[codegen]\ntarget = "cortex-m4"\nname = "small"\n')
    model = str(project / "net.tflite")

    assert cli.run(["codegen", model, "--out", "one"]) == 0
    assert cli.run(["codegen", model, "--out", "two", "--name", "other"]) == 0
    capsys.readouterr()
    assert Path("one/small.c").is_file() and Path("two/other.c").is_file()
    assert "em_dot_dsp.h" in "".join(path.name for path in Path("one").iterdir())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sed = 7\n", "unknown option 'sed'; did you mean 'seed'?"),
        ("[trian]\nepochs = 1\n", "unknown command 'trian'; did you mean 'train'?"),
        ("[train]\nepoch = 1\n", "unknown option of train 'epoch'; did you mean 'epochs'?"),
        ("[firmware]\nboard = 'microbit'\n", "unknown command of firmware 'board'"),
        ("[train]\njson = true\n", "unknown option of train 'json'"),
        ("seed = 2026-11-29\n", "seed is datetime.date(2026, 11, 29); give a text"),
        ("seed = \n", "can't be read as TOML"),
        ("[train]\nepochs = true\n", "epochs is true, and --epochs takes a value"),
    ],
)
def test_what_means_nothing_is_refused(project: Path, text: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "edgemnist.toml").write_text(text)

    assert cli.run(["data", "list"]) == 2
    message = capsys.readouterr().err
    assert said in message
    assert "edgemnist.toml" in message


@pytest.mark.parametrize("value", ['"many"', "[1, 2]"])
def test_a_value_of_the_wrong_kind_is_told_with_file_and_key(
    value: str, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "edgemnist.toml").write_text(f"[train]\nepochs = {value}\n")

    assert cli.run(["train", "--dataset", "no-such"]) == 2
    message = capsys.readouterr().err
    assert "Invalid value for '--epochs'" in message
    assert re.search(r"edgemnist.toml': epochs of train is .*; mend it there\n$", message)
    assert cli.run(["train", "--dataset", "no-such", "--epochs", "some"]) == 2
    assert "edgemnist.toml" not in capsys.readouterr().err


def test_one_value_is_a_list_of_one(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "edgemnist.toml").write_text("[parity]\nruntime = 'tflm'\n")

    assert effective(capsys)["parity", "--runtime"][0] == ["tflm"]


def test_files_of_others_are_left_alone(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = project / "deep" / "pyproject.toml"
    (project / "edgemnist.toml").write_text("seed = 7\n")
    for content in (b"[tool.other]\nname = '\xff'\n", b"no TOML at all", b""):
        other.write_bytes(content)
        assert effective(capsys)["train", "--seed"] == (7, "edgemnist.toml")


def test_a_file_that_is_too_large_is_named(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "edgemnist.toml").write_text("# " + "x" * (1 << 20))

    assert cli.run(["data", "list"]) == 2
    assert "edgemnist.toml' has 1,048,578 bytes" in capsys.readouterr().err


def test_in_a_folder_that_is_gone_there_are_no_defaults(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path.cwd().rmdir()

    assert cli.run(["-V"]) == 0
    assert capsys.readouterr().out.startswith("edgemnist ")
