"""Signals at any moment: nothing half-written, no process, no temporary file, one line and the usual exit code."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from edgemnist.support import processes
from tests.compiler.layers import Layers


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file with a network of one layer."""
    layers = Layers.seeded(0)
    path = tmp_path_factory.mktemp("model") / "small.tflite"
    path.write_bytes(layers.finish(layers.dense(layers.input((1, 8, 8, 1), 1 / 255, -128), 2)))
    return path


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty folder that the command takes for temporary files."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    return folder


def left(mark: str) -> list[str]:
    """Return what :func:`alive` does when none is left, or after a moment: a killed orphan is gone only by and by."""
    deadline = time.monotonic() + 2
    while alive(mark) and time.monotonic() < deadline:
        time.sleep(0.01)
    return alive(mark)


def alive(mark: str) -> list[str]:
    """Return the command lines of the processes in whose environment ``mark`` is."""
    found = []
    for process in Path("/proc").iterdir():
        try:
            if process.name.isdigit() and mark.encode() in (process / "environ").read_bytes():
                found.append((process / "cmdline").read_text(errors="replace").replace("\0", " "))
        except OSError:  # it has ended meanwhile
            continue
    return found


# At the given audit event (PEP 578), the count-th that has the text in an argument, the process signals itself, twice.
_AT = """
import os, sys
number, event, text, count, *arguments = sys.argv[1:]
left = int(count)
def signal_itself(name, given):
    global left
    if name == event and any(text in str(one) for one in given):
        left -= 1
        if left == 0:
            os.kill(os.getpid(), int(number))
            os.kill(os.getpid(), int(number))
sys.addaudithook(signal_itself)
sys.argv = ["edgemnist", *arguments]
from edgemnist.__main__ import main
main()
"""


@pytest.mark.parametrize(
    ("number", "event", "text", "count", "complete"),
    [
        (signal.SIGTERM, "import", "typer", 1, False),
        (signal.SIGINT, "open", "edgemnist/commands/convert/", 1, False),
        (signal.SIGTERM, "os.mkdir", "/c", 1, False),
        (signal.SIGHUP, "open", "/c/.partial", 4, False),
        (signal.SIGINT, "os.rename", "/c/net", 1, True),  # files are being put in place: all or none
        (signal.SIGTERM, "os.rename", "/c/net", 3, True),
    ],
)
def test_a_signal_leaves_all_files_or_none(
    number: signal.Signals, event: str, text: str, count: int, complete: bool,
    model: Path, temporary: Path, tmp_path: Path,
) -> None:  # fmt: skip
    out = tmp_path / "c"
    arguments = [str(int(number)), event, text, str(count), "codegen", str(model), "--name", "net", "--out", str(out)]
    done = subprocess.run([sys.executable, "-c", _AT, *arguments], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (128 + number, "", 1), done.stderr
    assert not list(temporary.iterdir())
    assert not list(out.glob(".partial*"))
    assert {path.name for path in out.glob("net*.json")} == ({"net_manifest.json"} if complete else set())
    assert bool(list(out.glob("*"))) == complete


_COMPILER = """#!/bin/sh
trap 'exit 1' TERM
case "$*" in *--version*) echo cc; exit;; *-fsyntax-only*) exit;; esac
sleep 600 &
touch {started}
wait
"""


@pytest.mark.parametrize(
    ("number", "group"), [(signal.SIGINT, True), (signal.SIGTERM, False), (signal.SIGHUP, True)]
)  # fmt: skip
def test_a_signal_ends_workers_compilers_and_what_they_started(
    number: signal.Signals, group: bool, model: Path, temporary: Path, tmp_path: Path
) -> None:
    compiler, started = tmp_path / "cc", tmp_path / "started"
    compiler.write_text(_COMPILER.format(started=started))
    compiler.chmod(0o755)
    dataset, images, labels = tmp_path / "noise.npz", np.arange(1280).reshape(20, 8, 8).astype(np.uint8), np.arange(20)
    np.savez(dataset, x_train=images, y_train=labels % 2, x_test=images + 1, y_test=labels % 2)
    command = ["parity", str(model), "--runtime", "host-c", "--normalisation", "0..1", "--dataset", str(dataset)]
    process = subprocess.Popen(
        [sys.executable, "-m", "edgemnist", *command], env={**os.environ, "CC": str(compiler)},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    while not started.exists():
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    (os.killpg if group else os.kill)(process.pid, number)
    output, said = process.communicate(timeout=20)
    assert (process.returncode, output, said.count("\n")) == (128 + number, "", 1), said
    assert not left(str(temporary))
    assert not list(temporary.iterdir())


def test_what_takes_too_long_is_ended_with_what_it_started(temporary: Path) -> None:
    # TMPDIR marks what is started here; this process's own environment, as the system shows it, is older.
    with pytest.raises(subprocess.TimeoutExpired):
        processes.run(["sh", "-c", "sleep 600 & trap '' TERM; wait; sleep 600"], timeout=0.2)
    assert not left(str(temporary))


def test_nohup_is_respected(model: Path) -> None:
    program = _AT.replace("import os, sys", "import os, signal, sys; signal.signal(signal.SIGHUP, signal.SIG_IGN)")
    arguments = [str(int(signal.SIGHUP)), "import", "typer", "1", "inspect", str(model)]
    done = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
