"""Commands side by side in one work folder, and in several with one cache: each comes to what it comes to alone.

``scripts/side_by_side.py`` does so with every pair of commands, those that train and convert among them.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import side_by_side as pairs
from PIL import Image

from edgemnist.artifacts.context import ModelContext
from edgemnist.artifacts.folder import WorkFolder
from edgemnist.tflite.preprocessing import Preprocessing
from tests.mcu import firmware

pytestmark = pytest.mark.slow

NAMES = ("evaluate", "predict", "codegen", "codegen-m4", "firmware-build", "firmware-package", "deploy-pi")
CLASSES = ("a", "b", "c", "d")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a work folder in which a small net was converted, its dataset and a picture."""
    folder = tmp_path_factory.mktemp("base")
    random = np.random.default_rng(0)
    images, labels = random.integers(0, 256, (40, 8, 7), dtype=np.uint8), np.arange(40) % 4
    np.savez(
        folder / "noise.npz", x_train=images, y_train=labels, x_test=images[::-1], y_test=labels,
        class_names=np.array(CLASSES),
    )  # fmt: skip
    Image.fromarray(images[0]).save(folder / "picture.png")
    work = WorkFolder(folder / "w")
    work.root.mkdir()
    work.path("model_int8.tflite").write_bytes(firmware.model().content)
    context = ModelContext(str(folder / "noise.npz"), "small", Preprocessing((8, 7, 1), CLASSES))
    outputs = [work.path("model_int8.tflite")]
    work.record("convert", settings=context.as_json(), results={}, outputs=outputs)
    return folder


@pytest.fixture(scope="module")
def known(base: Path, tmp_path_factory: pytest.TempPathFactory) -> pairs.Known:
    """Return what the commands come to alone; they run at the same time, in folders of their own."""
    found = pairs.learn(base, NAMES, tmp_path_factory.mktemp("alone"), jobs=len(NAMES))
    return replace(found, seconds={})


def test_commands_side_by_side_in_one_folder_come_to_what_they_come_to_alone(
    base: Path, known: pairs.Known, tmp_path: Path
) -> None:
    assert pairs.side_by_side(known, base, (*NAMES, "evaluate", "firmware-build"), tmp_path) == []
