"""A dataset of strokes, and a folder with a model trained on it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from edgemnist.artifacts.folder import WorkFolder
from edgemnist.commands.train.stage import run_training
from edgemnist.data.base import Dataset
from edgemnist.training.train import TrainResult, TrainSettings
from tests.training.strokes import make_dataset, write_npz

SETTINGS = TrainSettings(arch="tiny", epochs=4, seed=3, batch=32)


@pytest.fixture(scope="session")
def strokes() -> Dataset:
    """Return 600 training and 200 test strokes."""
    return make_dataset()


@pytest.fixture(scope="session")
def strokes_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the same strokes as an .npz."""
    return write_npz(tmp_path_factory.mktemp("data") / "strokes.npz")


@pytest.fixture(scope="session")
def trained(strokes: Dataset, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, TrainResult]:
    """Return a folder with a trained model, not to be changed, and the training's result."""
    root = tmp_path_factory.mktemp("trained")
    return root, run_training(SETTINGS, WorkFolder(root), dataset=strokes)


@pytest.fixture
def work(trained: tuple[Path, TrainResult], tmp_path: Path) -> WorkFolder:
    """Return a copy of the folder with the trained model."""
    return WorkFolder(Path(shutil.copytree(trained[0], tmp_path / "work")))
