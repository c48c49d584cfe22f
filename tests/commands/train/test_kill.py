"""A training that is really killed, at moments chosen at random, goes on to the very same bytes."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from edgemnist.artifacts.folder import WorkFolder
from edgemnist.training.checkpoint import read_checkpoint
from edgemnist.training.train import TRAIN
from tests.training.strokes import write_npz

pytestmark = pytest.mark.slow

CHECKPOINT = TRAIN.checkpoint
EPOCHS = 20
PATIENCE_SECONDS = 120


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_npz(tmp_path_factory.mktemp("kill") / "strokes.npz", train=1200)


def start(data: Path, work: Path, *options: str) -> subprocess.Popen[str]:
    """Start ``edgemnist train`` in a process of its own."""
    settings = ["--dataset", str(data), "--epochs", str(EPOCHS), "--batch", "32", "--seed", "5"]
    command = [sys.executable, "-m", "edgemnist", "train", *(options or settings), "--work", str(work), "--json"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_for_epoch(process: subprocess.Popen[str], work: Path, epoch: int) -> None:
    """Wait until a checkpoint of at least that epoch is there."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if (work / CHECKPOINT).exists() and read_checkpoint(work / CHECKPOINT).state.epoch >= epoch:
            return
        if process.poll() is not None:
            raise AssertionError(f"ended before epoch {epoch}: {process.communicate()}")
        time.sleep(0.01)
    process.kill()
    raise AssertionError(f"no checkpoint of epoch {epoch} within {PATIENCE_SECONDS} s: {process.communicate()}")


@pytest.fixture(scope="module")
def uninterrupted(data: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Return the model of a training that nobody disturbed."""
    work = tmp_path_factory.mktemp("whole")
    process = start(data, work)
    _, error = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 0, error
    return (work / "trained.keras").read_bytes()


def test_killed_twice_it_goes_on_to_the_same_bytes(data: Path, tmp_path: Path, uninterrupted: bytes) -> None:
    moments = random.Random(20)
    earlier = b"the last good model"
    (tmp_path / "trained.keras").write_bytes(earlier)
    options: tuple[str, ...] = ()
    for epoch in (moments.randrange(0, 5), moments.randrange(8, 15)):
        process = start(data, tmp_path, *options)
        wait_for_epoch(process, tmp_path, epoch)
        time.sleep(moments.random() * 0.1)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert process.returncode == -signal.SIGKILL
        assert (tmp_path / "trained.keras").read_bytes() == earlier
        assert WorkFolder(tmp_path).find("train") is None
        assert read_checkpoint(tmp_path / CHECKPOINT).state.epoch < EPOCHS
        options = ("--resume",)
    process = start(data, tmp_path, "--resume")
    _, error = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 0, error
    assert (tmp_path / "trained.keras").read_bytes() == uninterrupted
    assert not list(tmp_path.glob(".partial-*"))


def test_ctrl_c_says_how_to_go_on(data: Path, tmp_path: Path) -> None:
    process = start(data, tmp_path)
    wait_for_epoch(process, tmp_path, 1)
    process.send_signal(signal.SIGINT)
    out, error = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 130
    assert f"go on with `edgemnist train --work {tmp_path} --resume`" in error
    assert "Traceback" not in error
    assert json.loads(out)["error"]["kind"] == "interrupted"
    assert [path.name for path in tmp_path.iterdir()] == [CHECKPOINT]


def test_ctrl_c_while_starting_leaves_nothing_or_a_whole_checkpoint(data: Path, tmp_path: Path) -> None:
    process = start(data, tmp_path / "work")
    time.sleep(random.Random(4).uniform(0.5, 4))
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 130, error
    assert "Traceback" not in error
    left = [path.name for path in tmp_path.rglob("*") if path.is_file()]
    assert left in ([], [CHECKPOINT])
