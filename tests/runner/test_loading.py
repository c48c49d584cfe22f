"""Models that are too large are refused before anything runs them: a file of 400 bytes can ask for gigabytes."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgemnist import cli
from edgemnist.runner.run import load_model
from edgemnist.support.errors import UnsupportedModelError
from edgemnist.support.limits import LARGEST_TENSOR
from tests.compiler.model_builder import ModelBuilder


def write(path: Path, size: int) -> Path:
    builder = ModelBuilder()
    path.write_bytes(builder.finish([builder.op("RELU", [builder.input((1, size), 0.1)], (1, size), 0.1)]))
    return path


def test_a_tensor_that_is_too_large_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "large.tflite", LARGEST_TENSOR + 1)

    with pytest.raises(UnsupportedModelError, match=r"input.* has 16,777,217 elements, allowed are 16,777,216"):
        load_model(path)


def test_the_largest_is_taken(tmp_path: Path) -> None:
    assert load_model(write(tmp_path / "model.tflite", LARGEST_TENSOR)).tflite is not None


def test_doctor_says_so_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path / "large.tflite", 2**31 - 1)

    assert cli.run(["doctor", str(path)]) == 2
    assert "has 2,147,483,647 elements, allowed are 16,777,216" in capsys.readouterr().err
