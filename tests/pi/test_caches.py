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

PROCESSES = 4
_WANTING = """
import sys
from dataclasses import replace
from edgemnist.pi.targets import find_target
from edgemnist.pi.wheels import CHECKSUMS, verify_wheelhouse, wheelhouse
target = find_target("bookworm-aarch64")
interpreter = replace(target.interpreter(), requirements=("tiny-package==1.0",))
print("ready", flush=True)
sys.stdin.readline()
folder = wheelhouse(target, interpreter)
verify_wheelhouse(folder)
print((folder / CHECKSUMS).stat().st_ino)
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
    settings = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path), "EDGEMNIST_CACHE": str(tmp_path / "cache")}
    pipe = subprocess.PIPE
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", _WANTING], stdin=pipe, stdout=pipe, stderr=pipe, text=True, env=os.environ | settings
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
