"""A bundle as a person would get it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from edgemnist.artifacts.folder import WorkFolder
from edgemnist.commands.deploy.pi import BundleSettings, make_bundle
from edgemnist.harness.images import ImageSettings

Classify = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def bundle(real_models: Path, real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a bundle's folder with 200 golden vectors; not to be changed."""
    out = tmp_path_factory.mktemp("bundle") / "edgemnist-pi"
    images = ImageSettings(count=200)
    settings = BundleSettings(model=real_models / "compact_int8.tflite", out=out, images=images)
    make_bundle(settings, WorkFolder(out.parent))
    return out


@pytest.fixture
def classify() -> Classify:
    """Return a function that runs a bundle's classify.py on this machine, as its own process."""

    def run(folder: Path, *arguments: str, content: bytes | None = None) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-B", "-W", "error", str(folder / "classify.py"), *arguments]
        done = subprocess.run(command, input=content, capture_output=True, timeout=100, check=False)
        return subprocess.CompletedProcess(command, done.returncode, done.stdout.decode(), done.stderr.decode())

    return run
