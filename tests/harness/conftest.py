"""A small net that was really trained and converted to every kind of model."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgemnist import cli
from edgemnist.artifacts.folder import WorkFolder
from edgemnist.harness.models import ANY_TFLITE
from tests.commands.parity.conftest import train_small_net


@pytest.fixture(scope="session")
def every_kind(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> WorkFolder:
    """Return a work folder with a trained net and its models of every kind; not to be changed."""
    work = WorkFolder(tmp_path_factory.mktemp("every-kind"))
    # Below 1,024 weights a layer stays as it is in a dynamic model, which then is a float one.
    train_small_net(work, hidden=32)
    kinds = [f"--{kind.value}" for kind in ANY_TFLITE]
    assert cli.run(["convert", *kinds, "--no-c-array", "--work", str(work.root)]) == 0
    return work
