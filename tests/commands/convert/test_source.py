"""The process that holds the model: it crashes, hangs, is interrupted and left alone without harm or leftovers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from edgemnist import cli
from edgemnist.artifacts.folder import WorkFolder
from edgemnist.commands.convert.source import opening
from edgemnist.keras_io.tensorflow import load_tensorflow
from edgemnist.support.errors import ModelError, RuntimeCrashedError
from edgemnist.tflite.kinds import ModelKind
from tests.commands.convert.conftest import CLASSES, SIDE, save

Snapshot = Callable[[Path], dict[str, bytes]]


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder that this process and those it starts take for temporary files."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


def processes(folder: Path) -> list[int]:
    """Return the processes with a temporary folder in here."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if str(folder).encode() in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
        except OSError:  # it has just ended
            continue
    return found


@pytest.fixture(scope="session")
def recurrent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a net with a loop, for which TensorFlow 2.21 crashes when it calibrates."""
    _, keras = load_tensorflow()
    layers = keras.layers
    reading = [layers.Reshape((SIDE, SIDE)), layers.GRU(4, name="reading")]
    # Of weights 0, so that untrained as it is no range of pixels suits it better than another.
    last = layers.Dense(len(CLASSES), activation="softmax", kernel_initializer="zeros")
    net = keras.Sequential([layers.Input((SIDE, SIDE, 1)), *reading, last])
    return save(net, tmp_path_factory.mktemp("recurrent") / "recurrent.keras")


@pytest.mark.slow
def test_a_crash_of_tensorflow_is_one_message_that_names_layer_and_way_out(
    recurrent: Path, quadrants: Path, tmp_path: Path, temporary: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    arguments = ["convert", str(recurrent), "--dataset", str(quadrants), "--calibration", "20", "--even-so"]
    assert cli.run([*arguments, "--int8", "--out", str(tmp_path / "out")]) == 2
    said = capfd.readouterr().err
    (_, message) = said.split("\nedgemnist: ")
    assert message.count("\n") == 1
    assert "TensorFlow crashed" in said
    assert "reading'; build it with unroll=True" in said
    assert not list((tmp_path / "out").iterdir())
    (log,) = temporary.iterdir()
    assert str(log) in said
    assert "Segmentation fault" in log.read_text()


def test_an_error_over_there_is_one_of_ours_with_the_path_that_was_given(
    tmp_path: Path, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("broken.keras").write_bytes(b"no model")
    with opening(Path("broken.keras")) as load, pytest.raises(ModelError, match=r"^'broken\.keras' is not a readable"):
        load.bind(None)
    assert not list(temporary.iterdir())


def test_what_it_answers_and_that_nothing_is_left_where_it_hangs(recurrent: Path, temporary: Path) -> None:
    with opening(recurrent) as load:
        source = load.bind(None)
        image = (SIDE, SIDE, 1)
        assert (source.classes, source.image_shape, source.input_shape) == (len(CLASSES), image, image)
        assert source.predict(np.zeros((3, *image), np.float32)).shape == (3, len(CLASSES))
        (pid,) = processes(temporary)
        os.kill(pid, signal.SIGSTOP)
        source._worker._process.timeout = 0.5
        with pytest.raises(RuntimeCrashedError, match=r"gave no answer within 0\.5 s") as caught:
            source.convert(ModelKind.FLOAT32, io="float32", calibration=None)
        assert caught.value.exit_code == 3
        assert not processes(temporary)
    assert not list(temporary.iterdir())


@contextmanager
def converting(work: WorkFolder, temporary: Path) -> Iterator[subprocess.Popen[str]]:
    """Start the command and wait until TensorFlow has written its first temporary file."""
    arguments = ["convert", "--int8", "--calibration", "1200", "--work", str(work.root)]
    process = subprocess.Popen(
        [sys.executable, "-m", "edgemnist", *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    try:
        while not list(temporary.glob("edgemnist-convert-*/*")):
            assert process.poll() is None, process.communicate()
            time.sleep(0.005)
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_command_that_is_ended_while_it_converts_leaves_nothing(
    work: WorkFolder, snapshot: Snapshot, temporary: Path, number: signal.Signals
) -> None:
    before = snapshot(work.root)
    with converting(work, temporary) as process:
        os.killpg(process.pid, number)  # as a terminal and `timeout` do
        _, said = process.communicate()
    assert process.returncode == 128 + number
    assert said.count("\n") == 1
    deadline = time.monotonic() + 20
    while (processes(temporary) or any(temporary.iterdir())) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not processes(temporary)
    assert not list(temporary.iterdir())
    assert snapshot(work.root) == before
