"""Packages that do not go together are named with the command that mends it; those that do are not."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from edgemnist.commands.doctor.clashes import Packages, find_clashes
from edgemnist.runner.operator_versions import columns

pytestmark = pytest.mark.unit

TRAINING = {"tensorflow": "2.21.0", "tf-keras": "2.21.0", "tensorflow-model-optimization": "0.8.1"}
SOUND = {**TRAINING, "numpy": "1.26.4", "tflite-runtime": "2.14.0", "ai-edge-litert": "2.3.0"}
ASKED = {"edgemnist": ("onnx>=1.16; extra == 'onnx'", 'capstone>=5; extra == "mcu"', "numpy>=3; sys_platform == 'x'")}


def clashes(
    versions: Mapping[str, str], asked: Mapping[str, tuple[str, ...]] | None = None, **environment: str
) -> list[str]:
    """Return what clashes and how it is mended, a line each."""
    return [f"{one.what} -> {one.remedy}" for one in find_clashes(Packages(versions, asked or {}, environment))]


def test_what_goes_together_does_not_clash() -> None:
    assert clashes(SOUND, ASKED, TF_USE_LEGACY_KERAS="1") == []
    assert clashes({"numpy": "2.3.0", "ai-edge-litert": "2.3.0"}) == []


@pytest.mark.parametrize(
    ("versions", "what", "remedy"),
    [
        ({**SOUND, "numpy": "2.0.2"}, "tflite-runtime 2.14.0 does not start with numpy 2.0.2", "pip install 'numpy<2'"),
        ({"numpy": "2.0.2", "ai-edge-litert": "1.0.1"}, "ai-edge-litert 1.0.1", "pip install --upgrade ai-edge-litert"),
        ({**TRAINING, "tf-keras": "2.18.0"}, "tf-keras 2.18.0 is not for", "pip install 'tf-keras==2.21.*'"),
        ({k: v for k, v in TRAINING.items() if k != "tf-keras"}, "Keras 3", "pip install 'tf-keras==2.21.*'"),
        ({"onnx": "1.10.2"}, "edgemnist needs onnx>=1.16, found 1.10.2", "pip install 'onnx>=1.16'"),
        ({"capstone": "4.0.9"}, "edgemnist needs capstone>=5", "pip install 'capstone>=5'"),
    ],
)
def test_what_does_not_is_named_with_its_remedy(versions: dict[str, str], what: str, remedy: str) -> None:
    (line,) = clashes(versions, ASKED)

    assert what in line
    assert remedy in line


def test_keras_3_by_the_environment_clashes_with_tfmot() -> None:
    (line,) = clashes(TRAINING, TF_USE_LEGACY_KERAS="0")

    assert "TF_USE_LEGACY_KERAS=0" in line
    assert line.endswith("unset TF_USE_LEGACY_KERAS")


@pytest.mark.parametrize(
    ("line", "version", "clash"),
    [("x<2,>=1.24", "1.26.4", False), ("x<2,>=1.24", "2.0.0", True), ("x>=5", "5.0", False), ("x~=2.1", "2.4", False),
     ("x~=2.1", "3.0", True), ("x!=1.5", "1.5.0", True), ("x==2.18.*", "2.17.0", False), ("x", "0.1", False),
     ("x>=9; python_version < '3'", "1.0", False)],
)  # fmt: skip
def test_what_a_package_declares(line: str, version: str, clash: bool) -> None:
    assert bool(clashes({"x": version}, {"other": (line,)})) == clash


def test_numpy_2_was_tried_with_every_wheel() -> None:
    tried = {name: one.numpy_2 for name, one in columns().items() if one.pythons}

    assert all(tried[name] is False for name in tried if name.startswith("tflite-runtime"))
    assert tried["litert-2.3"] is True
