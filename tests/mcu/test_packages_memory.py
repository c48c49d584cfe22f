"""A package whose arena and weights lie in named memories: it says so, builds and runs with sections of them."""

from __future__ import annotations

import subprocess
import zipfile
from pathlib import Path

import pytest

from edgemnist import cli
from tests.compiler.layers import Layers
from tests.mcu.packaging import expected_output, without_times
from tests.mcu.test_packages_builds import needs_cmake


def packed(tmp_path: Path, memory: str, target: str = "portable") -> int:
    layers = Layers.seeded(3)
    (tmp_path / "net.tflite").write_bytes(layers.finish(layers.dense(layers.input((1, 40)), 5)))
    options = ["--name", "shapes", "--out", str(tmp_path / "net.zip"), "--target", target, "--memory", memory]
    return cli.run(["firmware", "package", "--for", "cmake", str(tmp_path / "net.tflite"), *options])


@needs_cmake
def test_it_runs_with_each_part_in_its_section(tmp_path: Path) -> None:
    assert packed(tmp_path, "fast=100,flash=4096") == 0
    with zipfile.ZipFile(tmp_path / "net.zip") as archive:
        archive.extractall(tmp_path)
    folder = tmp_path / "shapes"
    sections = {"SHAPES_IN_FAST": "quick", "SHAPES_CONST_IN_FLASH": "constants"}
    header = next(folder.rglob("shapes.h")).read_text()
    assert all(f"#ifndef {macro}\n" in header for macro in sections)
    places = "".join(f'#define {macro} __attribute__((section("{one}")))\n' for macro, one in sections.items())
    (folder / "places.h").write_text(places)

    run(["cmake", "-S", ".", "-B", "build", f"-DCMAKE_C_FLAGS=-include {folder / 'places.h'}"], folder)
    run(["cmake", "--build", "build"], folder)

    assert "100% tests passed, 0 tests failed out of 2" in run(["ctest"], folder / "build")
    program = "build/shapes_example"
    assert without_times(run([program], folder).encode()) == expected_output(folder)
    assert all(f" {section} " in run(["objdump", "-h", program], folder) for section in sections.values())


def run(command: list[str], folder: Path) -> str:
    """Run a command and return what it says."""
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


@pytest.mark.parametrize(
    ("memory", "target", "said"),
    [
        ("fast=100,flash=4096", "any", "name the core, as in --target cortex-m7"),
        ("fast=8,flash=4096", "portable", "has no room for the arena"),
        ("fast=100", "portable", "needed are flash=BYTES and at least one memory that can be written"),
    ],
)
def test_what_has_no_place_is_refused(
    memory: str, target: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert packed(tmp_path, memory, target) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "net.zip").exists()
