"""The engines that compiled models are compared with, each in one process for the whole run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

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
