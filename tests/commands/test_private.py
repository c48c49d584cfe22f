"""What is handed on names no folder of this machine: code, firmware, packages, reports, bundles."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgemnist import cli
from edgemnist.mcu.toolchain import TOOLCHAINS
from edgemnist.support.resources import firmware_folder
from tests.commands.report.nets import write_work


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a work folder with two nets of a dataset that lies in a folder of the user's."""
    return write_work(tmp_path_factory.mktemp("private") / "work")


def contents(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the name and the bytes of every file, of an archive those in it."""
    for path in sorted(folder.rglob("*")):
        if path.suffix == ".zip":
            with zipfile.ZipFile(path) as archive:
                yield from ((name, archive.read(name)) for name in archive.namelist())
        elif path.is_file():
            yield path.name, path.read_bytes()


@pytest.mark.parametrize(
    "command",
    [
        "codegen MODEL --out OUT/c",
        "convert --c-array MODEL --out OUT",
        *(f"firmware build --toolchain {toolchain} --out OUT" for toolchain in TOOLCHAINS),
        "firmware package --for arduino --out OUT/arduino.zip",
        "report --runtime tflm --runtime host-c --out OUT/r.html --out OUT/r.md --out OUT/r.xml --out OUT/r.json",
        "deploy android --out OUT",
        "deploy pi --out OUT",
    ],
)
def test_nothing_handed_on_names_a_folder(command: str, work: Path, tmp_path: Path) -> None:
    words = command.replace("MODEL", str(work / "model_int8.tflite")).replace("OUT", str(tmp_path)).split()
    assert cli.run([*words, "--work", str(work), "-q"]) == 0
    secrets = [str(place).encode() for place in (work.parent, tmp_path, Path.home(), firmware_folder(), Path.cwd())]
    found = list(contents(tmp_path))

    assert found
    assert not [(name, secret) for name, content in found for secret in secrets if secret + b"/" in content]
