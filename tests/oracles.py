"""Engines that tests compare with; tests whose engines are missing skip, which CI forbids."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from edgemnist.runner import RuntimeWorker, find_runtime, runtime_worker


def needs(*names: str) -> pytest.MarkDecorator:
    """Return a mark that skips unless every named runtime is installed, with the reason that it isn't."""
    reasons = [f"{name}: {reason}" for name in names if (reason := find_runtime(name).available()) is not None]
    return pytest.mark.skipif(bool(reasons), reason="; ".join(reasons) or "all are installed")


@pytest.fixture(scope="session")
def tflm() -> Iterator[RuntimeWorker]:
    """Return TFLM, the oracle, in one process for the whole run."""
    with runtime_worker("tflm") as worker:
        yield worker


@pytest.fixture(scope="session")
def witness() -> Iterator[RuntimeWorker]:
    """Return tflite-runtime's reference kernels: the same arithmetic from another code base."""
    with runtime_worker("tflite-runtime-reference") as worker:
        yield worker
