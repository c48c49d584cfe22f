"""Engines and real images that the tests of the runtimes share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from edgemnist.data.base import Split
from edgemnist.data.loading import load_dataset
from edgemnist.runner import EngineWorker, engine_worker


@pytest.fixture(scope="session")
def tflm() -> Iterator[EngineWorker]:
    """Return TFLM, the oracle."""
    with engine_worker("tflm") as worker:
        yield worker


@pytest.fixture(scope="session")
def witness() -> Iterator[EngineWorker]:
    """Return tflite-runtime's reference kernels: the same arithmetic from another code base."""
    with engine_worker("tflite-runtime-reference") as worker:
        yield worker


@pytest.fixture(scope="session")
def digits(real_data: Path) -> Split:
    """Return MNIST's test images."""
    return load_dataset("mnist", fetch=False).test
