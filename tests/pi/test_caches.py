"""What is kept in the user's cache, wanted by several processes at the same time."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from edgemnist.pi.emulator import PROCESSORS, Emulator
from edgemnist.pi.sysroot import Sysroot
from edgemnist.pi.targets import find_target
from edgemnist.pi.wheels import fetch_wheels
from edgemnist.support.errors import EnvironmentFailure
from edgemnist.support.files import sha256_of

PROCESSES = 4
_WANTING = """
import sys
from edgemnist.pi import wheels
from edgemnist.pi.targets import find_target
target = find_target("bookworm-aarch64")
wheels.locked_requirements = lambda *_: sys.argv[1]
print("ready", flush=True)
sys.stdin.readline()
folder = wheels.wheelhouse(target, target.interpreter())
wheels.verify_wheelhouse(folder)
print((folder / wheels.CHECKSUMS).stat().st_ino)
"""


def _write_wheel(folder: Path) -> None:
    """Write a package that pip takes for every system."""
    information = "tiny_package-1.0.dist-info"
    with zipfile.ZipFile(folder / "tiny_package-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{information}/METADATA", "Metadata-Version: 2.1\nName: tiny-package\nVersion: 1.0\n")
        wheel.writestr(f"{information}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{information}/RECORD", "")


def test_wheels_are_fetched_once(tmp_path: Path) -> None:
    """By pip itself, from a folder; every process gets the same whole wheelhouse."""
    _write_wheel(tmp_path)
    digest = sha256_of(tmp_path / "tiny_package-1.0-py3-none-any.whl")
    locked = f"tiny-package==1.0 --hash=sha256:{digest}\n"
    settings = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path), "EDGEMNIST_CACHE": str(tmp_path / "cache")}
    pipe = subprocess.PIPE
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", _WANTING, locked],
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
            text=True,
            env=os.environ | settings,
        )
        for _ in range(PROCESSES)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    said = [process.communicate() for process in processes]
    assert [process.returncode for process in processes] == [0] * PROCESSES, said
    assert len({out for out, _ in said}) == 1
    assert len(list((tmp_path / "cache/deploy/wheels").iterdir())) == 1


def test_a_wheel_with_another_hash_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _write_wheel(tmp_path)
    (tmp_path / "locked.txt").write_text(f"tiny-package==1.0 --hash=sha256:{'0' * 64}\n")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    wanted = ["--require-hashes", "--requirement", str(tmp_path / "locked.txt")]
    with pytest.raises(EnvironmentFailure, match=r"(?i)hash"):
        fetch_wheels(find_target("bookworm-aarch64"), wanted, tmp_path / "out")


@pytest.fixture
def emulator(tmp_path: Path) -> Emulator:
    """Return an emulator of an empty system."""
    sysroot = Sysroot(find_target("bookworm-aarch64"), tmp_path / "system")
    for name in ("usr", "lib", "bin", "etc"):
        (sysroot.root / name).mkdir(parents=True)
    return Emulator("qemu", sysroot, PROCESSORS["pi4"])


def test_several_start_the_same_emulated_board(emulator: Emulator) -> None:
    interpreter = emulator.sysroot.target.interpreter()
    for board, processor in enumerate([emulator.processor] * 20):
        one = replace(emulator, processor=replace(processor, board=f"board-{board}"))
        failures: list[BaseException] = []
        barrier = threading.Barrier(8)

        def start(
            one: Emulator = one, failures: list[BaseException] = failures, barrier: threading.Barrier = barrier
        ) -> None:
            barrier.wait()
            try:
                one.command(interpreter)
            except BaseException as error:
                failures.append(error)

        threads = [threading.Thread(target=start) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []


def test_a_board_whose_processor_became_another_one(emulator: Emulator) -> None:
    """The description that an earlier version wrote is replaced."""
    interpreter = emulator.sysroot.target.interpreter()
    emulator.command(interpreter)
    file = emulator.sysroot.folder / "boards/pi4/proc/cpuinfo"
    wanted = file.read_text()
    file.write_text("an older one")
    emulator.command(interpreter)
    assert file.read_text() == wanted
