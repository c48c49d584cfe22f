"""Packages made with ``--with-dump``: their programs print what a dump is read from, on every platform's stand-in."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest

from edgemnist import cli
from edgemnist.compiler.generate import CodegenSettings, GeneratedModel, generate
from edgemnist.compiler.host import HOUSE_FLAGS
from edgemnist.mcu.packages.registry import platform_names
from edgemnist.mismatch.dump import read_dump
from edgemnist.runner import RuntimeWorker
from edgemnist.tflite.file import read_tflite
from tests.mcu.packaging import MODEL, STANDINS, expected_output, generated, rust_linker, unpack
from tests.mcu.test_packages_builds import ARDUINO_CORE, CXX_FLAGS, PROGRAMS
from tests.oracles import needs

LINES = [line for line in PROGRAMS if line != "cmsis-pack"]


@pytest.fixture(scope="module")
def model() -> GeneratedModel:
    """The net of the packages' tests, with its dump."""
    return generate(read_tflite(MODEL), CodegenSettings(name="shapes", with_dump=True), source_name=MODEL.name)


def _c(folder: Path, includes: list[str], program: str, *more: str | Path) -> bytes:
    sources = sorted((folder / "src").glob("*.c"))
    command = ["gcc", *HOUSE_FLAGS, *includes, folder / program, *sources, *more, "-o", folder / "program"]
    subprocess.run([str(word) for word in command], check=True)
    return subprocess.run([folder / "program"], capture_output=True, check=True).stdout


def _cxx(folder: Path, library: Path, sources: list[str | Path], *flags: str) -> bytes:
    subprocess.run(["gcc", *HOUSE_FLAGS, "-c", f"-I{library}/include", f"-I{library}/src",
                    *sorted(library.glob("src/*.c"))], cwd=folder, check=True)  # fmt: skip
    objects = [f"shapes{part}.o" for part in ("", "_examples", "_test")]
    subprocess.run(["g++", *CXX_FLAGS, *flags, f"-I{library}/include", f"-I{library}/src", *sources, *objects, "-o",
                    "program"], cwd=folder, check=True)  # fmt: skip
    return subprocess.run([folder / "program"], capture_output=True, check=True).stdout


def printed(platform: str, folder: Path) -> bytes:
    """Build a platform's program for this machine and return what it prints."""
    if platform in LINES:
        includes = [f"-I{folder}/include", f"-I{STANDINS / platform}"]
        return _c(folder, includes, PROGRAMS[platform], STANDINS / platform / "standin.c")
    if platform == "cmake":
        return _c(folder, [f"-I{folder}/include"], "example/main.c")
    if platform == "rust":
        subprocess.run([*rust_linker(folder), "examples/classify.rs"], cwd=folder, check=True)
        return subprocess.run([folder / "classify"], capture_output=True, check=True).stdout
    arduino = ["-DARDUINO=10819", f"-I{ARDUINO_CORE}"]
    if platform == "platformio":
        return _cxx(folder, folder / "lib" / "shapes", ["src/main.cpp"])
    sketch = next(folder.glob("examples/shapes/*.ino"))
    return _cxx(folder, folder, ["-include", "Arduino.h", "-x", "c++", sketch, "-x", "none", ARDUINO_CORE / "main.cpp"],
                *arduino)  # fmt: skip


@needs("tflm")
@pytest.mark.parametrize("platform", [name for name in platform_names() if name != "cmsis-pack"])
def test_what_the_program_prints_is_a_dump(
    platform: str, model: GeneratedModel, tmp_path: Path, tflm: RuntimeWorker
) -> None:
    """Among what it printed before, with every tensor equal to TFLM's."""
    folder = unpack(platform, tmp_path, model=model)
    path = tmp_path / "console.txt"
    path.write_bytes(printed(platform, folder))
    assert path.read_text().count("shapes: ") == len(expected_output(folder))
    source = read_dump(path, read_tflite(MODEL))
    assert (source.images, source.notes) == ((0, 1), ())
    inputs = source.inputs(read_tflite(MODEL))
    assert inputs is not None
    for index, expected in tflm.trace(MODEL.read_bytes(), inputs).items():
        np.testing.assert_array_equal(source.tensors[index], expected)
    assert "edgemnist explain MODEL.tflite --dump FILE" in (folder / "README.md").read_text()


@pytest.mark.parametrize("platform", platform_names())
def test_only_where_it_was_asked_for(platform: str, model: GeneratedModel, tmp_path: Path) -> None:
    for name, chosen in (("with", model), ("without", generated())):
        (tmp_path / name).mkdir()
        folder = unpack(platform, tmp_path / name, model=chosen)
        texts = [path.read_text() for path in folder.rglob("*") if path.suffix in (".c", ".cpp", ".ino", ".md")]
        assert any("shapes_dump(" in text or "--with-dump" in text for text in texts) == (name == "with")


def test_the_program_that_never_ends_compiles(model: GeneratedModel, tmp_path: Path) -> None:
    """A board's main function without an operating system; its lines are printed as the others' are."""
    folder = unpack("cmsis-pack", tmp_path, model=model)
    includes = [f"-I{folder}/include", f"-I{STANDINS / 'cmsis-pack'}", f"-I{folder}/src"]
    command = ["gcc", *HOUSE_FLAGS, *includes, "-fsyntax-only", str(folder / PROGRAMS["cmsis-pack"])]
    subprocess.run(command, check=True)


def test_command(tmp_path: Path) -> None:
    out = tmp_path / "package.zip"
    arguments = [
        "firmware",
        "package",
        "--for",
        "cmake",
        str(MODEL),
        "--name",
        "shapes",
        "--target",
        "portable",
    ]
    assert cli.run([*arguments, "--out", str(out), "--with-dump"]) == 0
    assert b"void shapes_dump(" in out.read_bytes()
