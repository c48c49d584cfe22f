"""``edgemnist serve``: what it says when it starts, and what it refuses to start with."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from edgemnist import cli
from edgemnist.artifacts.context import ModelContext
from edgemnist.artifacts.folder import WorkFolder
from edgemnist.tflite.preprocessing import Preprocessing
from tests.serving.running import QUICK, running

START = ("--runtime", QUICK, "--port", "0")


@pytest.fixture
def model(real_models: Path) -> Path:
    return real_models / "seedcnn_int8.tflite"


def refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    assert cli.run(["serve", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    return captured.err.splitlines()[-1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["gone.tflite"], "there is no model 'gone.tflite'"),
        (["{model}", "--port", "99999"], "--port 99999: give a number from 0 to 65535"),
        (["{model}", "--host", "no.such.host.invalid"], "is no address"),
        (["{model}", "--host", "192.0.2.1", "--port", "0"], "is not an address of this machine"),
        (["{model}", "--runtime", "fast", "--port", "0"], "unknown runtime 'fast'"),
        (["{model}", "--runtime", "keras", "--port", "0"], "takes none of seedcnn_int8.tflite (int8)"),
        (["{model}", *START, "--shadow", QUICK], "answers already; choose another one"),
        (["{model}", *START, "--shadow", "keras"], "--shadow keras: it takes no int8 model"),
        (["{model}", *START, "--classes", "a,b"], "10 classes apart, --classes has 2"),
        (["{model}", "--time-limit", "0"], "--time-limit 0: give a number above 0"),
        (["{model}", "--grace", "-1"], "--grace -1: give 0 or more seconds"),
        (["{model}", "--versions", "0"], "--versions 0: give 1 or more"),
        (["{model}", "--api-key-file", "gone"], "cannot read the API keys in 'gone'"),
        ([f"x={__file__}", "--port", "0"], "is not a TFLite file"),
    ],
)
def test_what_it_does_not_start_with(
    arguments: list[str], message: str, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert message in refused([one.format(model=model) for one in arguments], capsys)


def test_without_its_packages_it_says_how_to_get_them(
    model: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from edgemnist.commands.serve import stage

    monkeypatch.setattr(stage, "_PACKAGES", (*stage._PACKAGES, "no_such_package"))
    assert cli.run(["serve", str(model)]) == 3
    assert "serve needs no_such_package; install it with: pip install 'edgemnist[serve]'" in capsys.readouterr().err


def test_the_work_folders_model_without_a_name(model: Path, tmp_path: Path) -> None:
    folder = WorkFolder(tmp_path / "work")
    target = folder.path("model_int8.tflite")
    target.parent.mkdir()
    target.write_bytes(model.read_bytes())
    context = ModelContext("mnist", "cnn", Preprocessing((28, 28, 1), tuple("0123456789")))
    folder.record("convert", settings=context.as_json(), results={}, outputs=[target])
    with running(tmp_path, "--work", folder.root, *START) as server:
        (one,) = server.announced["models"]
        assert (one["name"], one["version"], one["assumed"]) == ("model_int8", 1, [])
        assert server.get("/v1/models/model_int8").status_code == 200
        assert server.stop() == 0
    assert [one["event"] for one in server.events() if one["level"] != "info"] == []


def test_a_line_for_people(model: Path) -> None:
    command = [sys.executable, "-m", "edgemnist", "serve", str(model), *START]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        first, second = process.stdout.readline(), process.stdout.readline()
        process.terminate()
        assert process.wait(30) == 0
    assert re.fullmatch(r"http://127\.0\.0\.1:[0-9]+\n", first)
    assert second.startswith("  seedcnn_int8 version 1: ")
    assert f"in {QUICK} 2." in second
