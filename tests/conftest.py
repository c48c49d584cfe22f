"""Fixtures that every test may use: where real data and models are, and a command line that runs in this process."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def _folder_from_environment(variable: str) -> Path:
    value = os.environ.get(variable)
    if not value or not Path(value).is_dir():
        pytest.skip(f"{variable} does not name a folder")
    return Path(value)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Return the folder with one folder per real dataset."""
    return _folder_from_environment("EDGEMNIST_DATA")


@pytest.fixture(scope="session")
def real_models() -> Path:
    """Return the folder with int8 and float .tflite files to test with."""
    return _folder_from_environment("EDGEMNIST_MODELS")
