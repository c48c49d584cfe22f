"""Full disks, missing permission, Ctrl-C and kills: the last good files stay, and the next run works."""

from __future__ import annotations

import json
import resource
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from edgemnist import cli
from edgemnist.artifacts.folder import WorkFolder
from edgemnist.commands.convert.settings import ConversionSettings
from edgemnist.commands.convert.stage import run_conversion
from edgemnist.support.files import sha256_of
from edgemnist.tflite.file import read_tflite
from edgemnist.tflite.kinds import ModelKind
from tests.csource.files import TINY_MODEL
from tests.halting import Point, halted

Snapshot = Callable[[Path], dict[str, bytes]]


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """Let no file grow beyond ``size`` bytes: writing fails half-way, as on a full disk, for root as well."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_file_that_cannot_be_written_whole_leaves_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], snapshot: Snapshot
) -> None:
    (tmp_path / "tiny_int8.h").write_text("the last good one")
    before = snapshot(tmp_path)
    with largest_file(4000):  # room for the header, not for the source
        assert cli.run(["convert", str(TINY_MODEL), "--c-array", "--out", str(tmp_path)]) == 3
    assert "cannot write" in capsys.readouterr().err
    assert snapshot(tmp_path) == before


def test_no_room_for_the_converters_own_files(
    work: WorkFolder, snapshot: Snapshot, capsys: pytest.CaptureFixture[str]
) -> None:
    before = snapshot(work.root)
    with largest_file(1000):
        code = cli.run(["convert", "--float32", "--work", str(work.root)])
    assert code == 3
    assert "Traceback" not in capsys.readouterr().err
    assert snapshot(work.root) == before


@pytest.mark.parametrize("where", ["below a file", "read-only system folder"])
def test_folder_that_cannot_be_made_is_told_before_the_slow_part(
    work: WorkFolder, capsys: pytest.CaptureFixture[str], where: str
) -> None:
    out = work.path("trained.keras") / "out" if where == "below a file" else Path("/sys/edgemnist")
    started = time.process_time()
    assert cli.run(["convert", "--int8", "--work", str(work.root), "--out", str(out)]) == 3
    assert time.process_time() - started < 1.0
    assert "choose another folder" in capsys.readouterr().err


# --- signals ----------------------------------------------------------------------------------------------------------

STARTING = Point("tempfile.mkdtemp")
WRITING = Point("tempfile.mkstemp", ".cc")
FIRST_WRITE = Point("os.rename", "model_int8_main.cc")
LATER_WRITES = tuple(Point("os.rename", name) for name in ("model_int8.c", "model_int8.tflite", "manifest.json"))


def command(work: WorkFolder, seed: int) -> list[str]:
    return ["convert", "--int8", "--calibration", "60", "--seed", str(seed), "--work", str(work.root)]


def check_folder(work: WorkFolder) -> None:
    """Every file is whole; the manifest is readable and its train stage holds."""
    json.loads(work.manifest_path.read_text())
    assert sha256_of(work.path("trained.keras")) == work.require("train", needed_by="test").outputs["trained.keras"]
    model = read_tflite(work.path("model_int8.tflite"))
    source = work.path("model_int8.c").read_text()
    assert source.endswith(";\n")
    assert model.input().dtype == "int8"


@pytest.mark.slow
def test_kill_at_any_moment_keeps_whole_files(work: WorkFolder, capfd: pytest.CaptureFixture[str]) -> None:
    run_conversion(ConversionSettings(modes=(ModelKind.INT8,), calibration=60), work)
    for seed, point in enumerate((STARTING, FIRST_WRITE, *LATER_WRITES), start=1):
        with halted(command(work, seed), point) as process:
            process.kill()
            process.communicate()
        check_folder(work)
    assert cli.run(command(work, 9)) == 0
    assert capfd.readouterr().err == ""
    check_folder(work)
    record = work.require("convert", needed_by="test")
    assert record.outputs["model_int8.tflite"] == sha256_of(work.path("model_int8.tflite"))
    assert record.results["models"]["int8"]["calibration"]["seed"] == 9


@pytest.mark.slow
@pytest.mark.parametrize("point", [STARTING, WRITING])
def test_ctrl_c_is_clean(work: WorkFolder, snapshot: Snapshot, point: Point) -> None:
    before = snapshot(work.root)
    with halted(command(work, 1), point) as process:
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate()
    assert process.returncode == 130
    assert output == ""
    assert errors.count("\n") == 1
    assert "interrupted" in errors
    assert snapshot(work.root) == before
