"""What the tests of the packages share: a small model with awkward labels, and packages unpacked."""

from __future__ import annotations

import functools
import re
import subprocess
import zipfile
from pathlib import Path

import numpy as np

from edgemnist.compiler import generate as codegen
from edgemnist.compiler.host import HOUSE_FLAGS
from edgemnist.mcu.packages.base import Example
from edgemnist.mcu.packages.build import PackageResult, package_firmware
from edgemnist.tflite.file import read_tflite

MODEL = Path(__file__).parents[1] / "golden" / "convert" / "tiny_int8.tflite"
RUSTC = Path("/usr/bin/rustc")
STANDINS = Path(__file__).parent / "standins"
LABELS = ("none", 'a "b" \\ 100%', "naïve??/")
TIME = re.compile(r"(?<=, )\d+(?= us)")


@functools.cache
def generated(
    name: str = "shapes", labels: tuple[str, ...] = LABELS, target: str = "portable"
) -> codegen.GeneratedModel:
    """Return the C of a net that takes 4x4 pixels and knows three classes."""
    settings = codegen.CodegenSettings(name=name, target=target, labels=labels)
    return codegen.generate(read_tflite(MODEL), settings, source_name=MODEL.name)


def examples() -> list[Example]:
    """Return one example that is right and two that are not, whatever the net says."""
    values = np.random.default_rng(3).integers(-128, 128, (4, 4, 1), dtype=np.int8)
    return [Example(values, label) for label in range(3)]


def package(
    platform: str, folder: Path, *, model: codegen.GeneratedModel | None = None, url: str = ""
) -> PackageResult:
    """Write the package of a model, by default the one above with its examples."""
    usual = "edgemnist.shapes.1.0.0.pack" if platform == "cmsis-pack" else f"{platform}.zip"
    chosen = [] if model else examples()
    return package_firmware(platform, model or generated(), folder / usual, examples=chosen, url=url)


def unpack(platform: str, folder: Path, *, model: codegen.GeneratedModel | None = None, url: str = "") -> Path:
    """Write a package, unpack it and return the folder in which its files are."""
    result = package(platform, folder, model=model, url=url)
    with zipfile.ZipFile(result.path) as archive:
        archive.extractall(folder / "unpacked")
    inner = folder / "unpacked" / "shapes"
    return inner if inner.is_dir() else folder / "unpacked"


def expected_output(folder: Path) -> list[str]:
    """Return what a package's README says that its program prints."""
    lines = (folder / "README.md").read_text(encoding="utf-8").splitlines()
    return [line.strip() for line in lines if line.startswith("    shapes: ")]


def without_times(output: bytes) -> list[str]:
    """Return what a program printed, times replaced as in the README."""
    return [TIME.sub("...", line) for line in output.decode().splitlines()]


def rust_linker(folder: Path) -> list[str]:
    """Compile a Rust crate's C and its library, without a warning, and return the compiler that links a program."""
    sources = [str(folder / "c" / f"shapes{part}.c") for part in ("", "_test", "_rust")]
    subprocess.run(["gcc", *HOUSE_FLAGS, "-O1", "-c", *sources], cwd=folder, check=True)
    objects = [f"{Path(source).stem}.o" for source in sources]
    subprocess.run(["ar", "rc", "libnetwork.a", *objects], cwd=folder, check=True)
    rustc = [str(RUSTC), "--edition", "2021", "-D", "warnings", "-L", "."]
    library = ["--crate-name", "shapes", "--crate-type", "lib", "-l", "static=network", "src/lib.rs"]
    subprocess.run([*rustc, *library], cwd=folder, check=True)
    return [*rustc, "--extern", "shapes"]
