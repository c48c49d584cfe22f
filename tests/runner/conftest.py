"""Real images that the tests of the runner share."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgemnist.data.base import Split
from edgemnist.data.loading import load_dataset


@pytest.fixture(scope="session")
def digits(real_data: Path) -> Split:
    """Return MNIST's test images."""
    return load_dataset("mnist", fetch=False).test
