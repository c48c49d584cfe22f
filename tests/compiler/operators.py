"""Tables of single-operator models, all compiled into one program, checked against the oracles byte for byte."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edgemnist.compiler.reader import read_graph
from edgemnist.errors import UnsupportedModelError
from edgemnist.runtimes import EngineWorker
from edgemnist.tflite_file import parse_tflite
from tests.compiler.bench import SIZE_SANITISED, Subject, Toolchain, Variant, examine, find_truth
from tests.compiler.layers import random_images

SCALES = (1e-6, 0.0039, 0.05, 0.1, 0.7, 3.0, 300.0)
"""Scales whose ratios go from multipliers far below one to far above."""

ZERO_POINTS = (-128, -1, 0, 11, 127)


def images_for(content: bytes, random: int = 4) -> NDArray[Any]:
    """Return images for a model's input: extremes, every int8 value in turn, noise; floats are seldom round."""
    info = parse_tflite(content).input()
    if info.dtype == "float32":
        noise = np.random.default_rng(5).normal(0, 3, (random + 2, *info.shape)).astype(np.float32)
        noise[0], noise[1] = np.round(noise[0] * 2) / 4, noise[1] * 1e4
        return noise
    rising = (np.arange(info.elements) % 256 - 128).astype(np.int8).reshape(info.shape)
    return np.concatenate([random_images(info.shape, 5, random), rising[None]])


def assert_exact(
    models: Mapping[str, bytes], tflm: EngineWorker, witness: EngineWorker | None, toolchain: Toolchain = SIZE_SANITISED
) -> None:
    """Assert that generated C and numpy references equal TFLM (and its witness) on every model."""
    subjects = [Subject(name, content, images_for(content)) for name, content in models.items()]
    complaints = examine(subjects, tflm, witness, (toolchain,), (Variant(), Variant(apart=True)))
    assert not any(complaints.values()), "\n".join(
        f"{name}: {line}" for name, lines in complaints.items() for line in lines
    )


def assert_reference_exact(content: bytes, tflm: EngineWorker, witness: EngineWorker | None = None) -> None:
    """Assert that the numpy references equal TFLM (and its witness) on one model."""
    complaints = find_truth(Subject("model", content, images_for(content)), tflm, witness).complaints
    assert not complaints, "\n".join(complaints)


def assert_refused(content: bytes, reason: str) -> None:
    """Assert that the compiler refuses a model and says why; ``reason`` is a regular expression."""
    with pytest.raises(UnsupportedModelError, match=reason):
        read_graph(parse_tflite(content))
