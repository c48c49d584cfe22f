"""The folder in which examples of the help and of the guides are run: what a person who types them would have there."""

from __future__ import annotations

import os
import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgemnist import cli
from edgemnist.runner.client import runtime_worker
from edgemnist.runner.run import invoke_with, load_model
from edgemnist.tflite.preprocessing import Preprocessing
from edgemnist.training.blueprint import Block, Blueprint
from tests.commands.convert.conftest import SIDE, draw

CLASSES = ("0", "1", "2", "3")
MAKING = ("edgemnist train --dataset photos", "edgemnist convert")
"""The examples by which the work folder comes about; they need not be run a second time."""

DEFAULTS = """
calibration = 40
epochs = 1
timeout = 60

[train]
arch = "nano"
epochs = 8
augment = false
[deploy.pi]
images = 20
[evaluate]
images = 20
runtime = ["tflm"]
[explain]
images = 20
against = ["tflite-runtime-reference"]
[firmware.run]
images = 5
[parity]
runtime = ["tflm", "tflite-runtime-reference"]
[page]
images = 20
engine = ["wasmtime"]
[report]
runtime = ["tflm", "tflite-runtime-reference"]
[robustness]
images = 20
corruption = ["fog"]
"""
"""The project's defaults: what an example does not say itself takes a second here, not minutes."""

_MORE = (
    *((name, "model_int8.tflite") for name in ("old.tflite", "new.tflite", "int8.tflite", "model.tflite")),
    *((name, "model_float32.tflite") for name in ("float.tflite", "model_float32.tflite")),
    *((name, "model_int8.tflite") for name in ("model_int8.tflite", "old/model_int8.tflite")),
)
_SHARED = ("photos", "pictures")


def make_folder(folder: Path) -> None:
    """Make the folder, the current one: pictures, a work folder with a net that was trained on them, and its files."""
    _draw_pictures(folder)
    (folder / "edgemnist.toml").write_text(DEFAULTS)
    for command in MAKING:
        assert cli.run(shlex.split(command)[1:]) == 0, command
    for name, made in (("net.keras", "trained.keras"), ("net.tflite", "model_int8.tflite"), *_MORE):
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(folder / "artifacts" / made, folder / name)
    (folder / "found.toml").write_text(Blueprint(name="found", blocks=(Block(channels=8, stride=2),)).as_toml())
    dump = ["firmware", "run", "net.tflite", "--dataset", "random", "--images", "3", "--dump", "board.txt"]
    assert cli.run(dump) == 0
    _answer(folder)


def _answer(folder: Path) -> None:
    """Write what a board answers to ``pictures/``, as it has it in memory."""
    model = load_model(folder / "net.tflite")
    images = draw(24, 5)[0][..., np.newaxis]
    with runtime_worker("tflm") as worker:
        outputs = invoke_with(worker, model, model.inputs(images, Preprocessing((SIDE, SIDE, 1), CLASSES)))
    lines = [
        f"{number:02}.png,{','.join(map(str, row))}\n" for number, row in enumerate(outputs.reshape(24, -1).tolist())
    ]
    (folder / "board.csv").write_text("".join(lines))


def _draw_pictures(folder: Path) -> None:
    """Draw ``photos/CLASS/``, ``pictures/`` as a board was shown them, and ``digit.png``."""
    images, labels = draw(240, 2)
    for number, (image, label) in enumerate(zip(images, labels, strict=True)):
        path = folder / "photos" / CLASSES[label] / f"{number:03}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path)
    (folder / "pictures").mkdir()
    for number, image in enumerate(draw(24, 5)[0]):
        Image.fromarray(image).save(folder / "pictures" / f"{number:02}.png")
    shutil.copy(folder / "pictures" / "00.png", folder / "digit.png")


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder, not to be changed."""
    folder = tmp_path_factory.mktemp("examples")
    before = Path.cwd()
    os.chdir(folder)
    try:
        make_folder(folder)
    finally:
        os.chdir(before)
    return folder


@pytest.fixture
def example_folder(prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of it, which is the current folder."""
    folder = tmp_path / "project"
    shutil.copytree(prepared, folder, ignore=lambda path, names: _SHARED if Path(path) == prepared else ())
    for name in _SHARED:
        (folder / name).symlink_to(prepared / name)
    monkeypatch.chdir(folder)
    return folder
