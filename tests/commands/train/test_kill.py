"""A training that is really killed, between epochs and in the middle of writing, goes on to the very same bytes."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from edgemnist.artifacts.folder import WorkFolder
from edgemnist.training.checkpoint import read_checkpoint
from edgemnist.training.train import TRAIN
from tests.halting import Point, halted
from tests.training.strokes import write_npz

pytestmark = pytest.mark.slow

CHECKPOINT = TRAIN.checkpoint
EPOCHS = 12


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_npz(tmp_path_factory.mktemp("kill") / "strokes.npz", train=1200)


def beginning(data: Path, work: Path) -> list[str]:
    """Return the command that starts a training."""
    settings = ["--dataset", str(data), "--epochs", str(EPOCHS), "--batch", "32", "--seed", "5"]
    return ["train", *settings, "--work", str(work), "--json"]


def going_on(work: Path) -> list[str]:
    """Return the command that goes on with one."""
    return ["train", "--resume", "--work", str(work), "--json"]


def before_checkpoint(count: int) -> Point:
    """Return the point at which a command has written all but the last of ``count`` checkpoints."""
    return Point("tempfile.mkstemp", Path(CHECKPOINT).suffix, count)


def within_checkpoint(count: int) -> Point:
    """Return the point at which the last of ``count`` checkpoints is written but not in its place."""
    return Point("os.rename", CHECKPOINT, count)


def train(command: list[str]) -> None:
    """Run a command to its end."""
    done = subprocess.run([sys.executable, "-m", "edgemnist", *command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def uninterrupted(data: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Return the model of a training that nobody disturbed."""
    work = tmp_path_factory.mktemp("whole")
    train(beginning(data, work))
    return (work / "trained.keras").read_bytes()


def test_killed_again_and_again_it_goes_on_to_the_same_bytes(data: Path, tmp_path: Path, uninterrupted: bytes) -> None:
    earlier = b"the last good model"
    (tmp_path / "trained.keras").write_bytes(earlier)
    command = beginning(data, tmp_path)
    for point, epoch in ((before_checkpoint(3), 1), (before_checkpoint(7), 7), (within_checkpoint(2), 8)):
        with halted(command, point) as process:
            process.kill()
            process.communicate()
        assert process.returncode == -signal.SIGKILL
        assert (tmp_path / "trained.keras").read_bytes() == earlier
        assert WorkFolder(tmp_path).find("train") is None
        assert read_checkpoint(tmp_path / CHECKPOINT).state.epoch == epoch
        command = going_on(tmp_path)
    train(command)
    assert (tmp_path / "trained.keras").read_bytes() == uninterrupted
    assert not list(tmp_path.glob(".partial-*"))


@pytest.mark.parametrize("point", [before_checkpoint(2), within_checkpoint(2)])
def test_ctrl_c_says_how_to_go_on(data: Path, tmp_path: Path, point: Point) -> None:
    with halted(beginning(data, tmp_path), point) as process:
        process.send_signal(signal.SIGINT)
        out, error = process.communicate()
    assert process.returncode == 130
    assert f"go on with `edgemnist train --work {tmp_path} --resume`" in error
    assert "Traceback" not in error
    assert json.loads(out)["error"]["kind"] == "interrupted"
    assert [path.name for path in tmp_path.iterdir()] == [CHECKPOINT]


@pytest.mark.parametrize("point", [Point("import", "tensorflow.python"), before_checkpoint(1), within_checkpoint(1)])
def test_ctrl_c_before_the_first_checkpoint_leaves_nothing(data: Path, tmp_path: Path, point: Point) -> None:
    with halted(beginning(data, tmp_path / "work"), point) as process:
        process.send_signal(signal.SIGINT)
        _, error = process.communicate()
    assert process.returncode == 130, error
    assert "Traceback" not in error
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == []
