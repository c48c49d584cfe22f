"""A model, pictures, and one server for all tests of a module."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from edgemnist.data.base import Split
from edgemnist.data.loading import load_dataset
from edgemnist.http.pictures import Pictures
from edgemnist.http.settings import AccessSettings, Limits
from edgemnist.runner import run_model
from edgemnist.serving.metrics import Metrics
from edgemnist.serving.models import ServedModel
from edgemnist.serving.pages import Pages, ServedPage
from edgemnist.serving.service import Service
from edgemnist.serving.settings import ModelSettings
from edgemnist.serving.store import Store
from tests.serving.running import Running, running


@pytest.fixture(scope="session")
def model(real_models: Path) -> Path:
    """Return the tutorials' CNN for MNIST in int8."""
    return real_models / "seedcnn_int8.tflite"


@pytest.fixture(scope="session")
def float_model(real_models: Path) -> Path:
    """Return the same in float32."""
    return real_models / "seedcnn_float.tflite"


@pytest.fixture(scope="session")
def digits() -> Split:
    """Return 40 test images of MNIST's 5,000, four of each class; the first is one that the net gets right."""
    return load_dataset("mnist-5k", fetch=False).test.take(slice(0, None, 25))


@pytest.fixture(scope="session")
def classes(model: Path, digits: Split) -> list[int]:
    """Return what the oracle takes the images for."""
    return [int(one) for one in run_model("tflm", model, digits.images).outputs.argmax(axis=1)]


@pytest.fixture(scope="module")
def server(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Return a server with the int8 model as ``digits``."""
    with running(tmp_path_factory.mktemp("server"), f"digits={model}") as one:
        yield one


@pytest.fixture
def service() -> Iterator[Service]:
    """Return a service without models."""
    metrics, limits = Metrics(), Limits(pixels=1000, grace=0)
    pictures, store = Pictures(limits), Store((), ModelSettings(), metrics, timeout=1)
    yield Service(pictures, limits, AccessSettings(), store=store, metrics=metrics, pages=Pages(_no_page))
    pictures.close()


def _no_page(model: ServedModel) -> ServedPage:
    raise AssertionError(model)


def png(pixels: NDArray[np.uint8]) -> bytes:
    """Return a picture, uint8 of shape (height, width) or (height, width, 3), as a PNG."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()
