"""A search from the first draw to the trained net, stopped by Ctrl-C in the middle: nothing is lost or left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from edgemnist.artifacts.folder import TRAINED_MODEL
from tests.commands.typed import json_of, run
from tests.training.strokes import write_npz

pytestmark = pytest.mark.slow

SMALL = ("--families", "strided", "--width", "8-16", "--budget", "3", "--population", "3", "--max-flash", "100000")
SHORT = ("--rungs", "1", "--finalists", "1", "--seeds", "1", "--epochs", "8")
_SECONDS = 600


def outcomes(work: Path) -> dict[Path, int]:
    """Return the outcomes that are kept, and when each was written."""
    kept = (work / "search" / "artefacts" / "trained").glob("*/*/outcome.json")
    return {path: path.stat().st_mtime_ns for path in kept}


def processes_of(work: Path) -> list[str]:
    """Return the command lines that name a work folder, of all processes."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:  # it has ended
            continue
        if str(work) in line and int(path.parent.name) != os.getpid():
            found.append(line)
    return found


@dataclass(frozen=True)
class Stopped:
    """A search that was stopped: its exit code, what it said, and what was left of it."""

    work: Path
    code: int
    said: str
    processes: list[str]
    outcomes: dict[Path, int]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_npz(tmp_path_factory.mktemp("search") / "strokes.npz", 600, 80)


@pytest.fixture(scope="module")
def stopped(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Stopped:
    """Begin a search, and press Ctrl-C when its first net is trained."""
    work = tmp_path_factory.mktemp("stopped") / "work"
    options = ["--dataset", str(data), *SMALL, *SHORT, "--work", str(work)]
    command = [sys.executable, "-m", "edgemnist", "search", *options]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + _SECONDS
        while not outcomes(work):
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=_SECONDS)
    return Stopped(work, process.returncode, said, processes_of(work), outcomes(work))


@pytest.fixture(scope="module")
def work(stopped: Stopped) -> Path:
    """Return the work folder after another worker brought the study to its end, in this process."""
    storage = stopped.work / "search" / "study.journal"
    artefacts = stopped.work / "search" / "artefacts"
    assert run("search", "worker", "--storage", storage, "--artifacts", artefacts, "--json") == 0
    return stopped.work


def test_ctrl_c_leaves_no_worker_and_says_how_to_go_on(stopped: Stopped) -> None:
    assert stopped.code == 130
    assert stopped.processes == []
    assert f"`edgemnist search resume --work {stopped.work}`" in stopped.said
    assert "Traceback" not in stopped.said


def test_what_was_tried_before_is_not_tried_again(
    stopped: Stopped, work: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = outcomes(work)
    assert {path: kept[path] for path in stopped.outcomes} == stopped.outcomes
    report = json_of(capsys, "search", "status", "--work", work)

    assert (report["finished"], report["running"], report["failed"]) == (True, 0, [])
    assert len(report["candidates"]) == 3
    assert len(kept) == 3 + 1


def test_a_finished_study_has_nothing_left_to_do(work: Path, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before, logs = outcomes(work), (work / "search" / "worker-1.log").stat().st_mtime_ns
    status = json_of(capsys, "search", "status", "--work", work)

    assert json_of(capsys, "search", "resume", "--work", work) == status
    assert json_of(capsys, "search", "--dataset", data, *SMALL, *SHORT, "--work", work) == status
    assert outcomes(work) == before
    assert (work / "search" / "worker-1.log").stat().st_mtime_ns == logs


def test_what_it_found_is_within_the_limits_and_exact(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, *others = json_of(capsys, "search", "status", "--work", work)["candidates"]

    assert first["exact"] is True
    assert 0 <= first["test_accuracy_mean"] <= 1
    assert all(one["exact"] is None and one["test_accuracy"] == [] for one in others)
    for one in (first, *others):
        (costs,) = one["costs"].values()
        assert 0 < costs["flash"] <= 100_000
        assert sum(costs["blocks"].values()) == pytest.approx(costs["instructions"], rel=0.02)


def test_an_exported_net_trains_to_the_bytes_that_the_search_kept(
    work: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    exported = json_of(capsys, "search", "export", "1", "--out", tmp_path / "found.toml", "--work", work)
    assert exported["train"] == f"edgemnist train --arch {tmp_path / 'found.toml'} --dataset {data}"
    options = ("--arch", exported["path"], "--dataset", data, "--epochs", 8, "--work", tmp_path / "again")
    trained = json_of(capsys, "train", *options)
    (kept,) = exported["net"]["artefacts"]

    assert trained["arch"] == exported["net"]["name"]
    again = (tmp_path / "again" / TRAINED_MODEL).read_bytes()
    assert again == (work / "search" / "artefacts" / kept / TRAINED_MODEL).read_bytes()


def test_another_search_of_that_name_is_refused(work: Path, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("search", "--dataset", data, *SMALL, *SHORT, "--seed", 1, "--work", work) == 2
    error = capsys.readouterr().err
    assert "seed is 0, asked for is 1" in error
    assert "--study NAME" in error
