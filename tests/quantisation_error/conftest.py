"""A float net with its int8 net, sound or with a planted fault, compared in the oracle and in a float runtime."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from edgemnist.quantisation_error.compare import compare, pair_of
from edgemnist.quantisation_error.report import QuantisationError
from edgemnist.quantisation_error.trials import Material
from edgemnist.runner import RuntimeWorker, runtime_worker
from edgemnist.runner.run import LoadedModel
from edgemnist.tflite.file import parse_tflite
from edgemnist.tflite.kinds import model_kind
from tests.quantisation_error.nets import Net, draw, fitted, random_filters

IMAGES = 300

Compare = Callable[..., QuantisationError]


def loaded(content: bytes, name: str = "net.tflite") -> LoadedModel:
    """Return a file's bytes as commands have it."""
    model = parse_tflite(content)
    return LoadedModel(Path(name), model_kind(model), model)


@pytest.fixture(scope="session")
def net(floats: RuntimeWorker) -> Net:
    """Return a net that is right for three pictures of four."""
    return fitted(random_filters(), floats)


@pytest.fixture(scope="session")
def floats() -> Iterator[RuntimeWorker]:
    """Return the float net's runtime."""
    with runtime_worker("tflite-runtime-default") as worker:
        yield worker


@pytest.fixture
def compared(floats: RuntimeWorker, tflm: RuntimeWorker) -> Compare:
    """Return what compares a float file with an int8 file on pictures."""

    def run(float_file: bytes, int8_file: bytes, images: int = IMAGES, labelled: bool = True) -> QuantisationError:
        pictures, labels = draw(images, 9)
        models = loaded(float_file, "float.tflite"), loaded(int8_file, "int8.tflite")
        dtype = models[1].tflite.input().dtype if models[1].tflite else "int8"
        integers = pictures if dtype == "float32" else (np.rint(pictures * 255) - 128).astype(np.int8)
        material = Material(pictures, integers, "quadrants", labels if labelled else None)
        return compare(pair_of(*models), models, material, (floats, tflm))

    return run
