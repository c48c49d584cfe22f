"""Packages: what is in them, that they are the same each time, and what is refused."""

from __future__ import annotations

import json
import re
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgemnist.compiler import generate as codegen
from edgemnist.data.base import Split
from edgemnist.data.loading import load_dataset
from edgemnist.mcu.packages import build
from edgemnist.mcu.packages.base import Example
from edgemnist.mcu.packages.build import package_firmware
from edgemnist.mcu.packages.examples import image_examples
from edgemnist.mcu.packages.registry import find_platform, platforms
from edgemnist.support.errors import InputError, StorageError
from edgemnist.tflite.file import read_tflite
from tests.mcu.packaging import MODEL, expected_output, generated, package, unpack

ALL = tuple(platforms())


def test_platforms_are_found_by_their_files() -> None:
    """The seven of today; the choices of the command line come from here."""
    assert ALL == ("arduino", "cmake", "cmsis-pack", "esp-idf", "platformio", "rust", "zephyr")
    assert all(platform.description for platform in platforms().values())


@pytest.mark.parametrize("platform", ALL)
def test_same_package_same_bytes(tmp_path: Path, platform: str) -> None:
    """Sorted, undated, no owner, and nothing of the machine it was made on."""
    first, second = (package(platform, tmp_path / folder) for folder in "ab")
    assert first.path.read_bytes() == second.path.read_bytes()
    assert first.sha256 == second.sha256
    with zipfile.ZipFile(first.path) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        assert names == sorted(names) == list(first.files)
        assert {entry.date_time for entry in archive.infolist()} == {build.EARLIEST}
        text = b"\n".join(archive.read(name) for name in names).decode()
    assert str(MODEL.parent) not in text
    assert str(tmp_path) not in text
    assert "@{" not in text


@pytest.mark.parametrize("platform", ALL)
def test_contents(tmp_path: Path, platform: str) -> None:
    """Every package holds the C as it was generated, kernels, self-test, examples, README, licence and memory map."""
    folder = unpack(platform, tmp_path)
    files = {path.name: path for path in folder.rglob("*") if path.is_file()}
    for name, text in generated().files.items():
        assert files[name].read_text() == text
    examples = {"mod.rs"} if platform == "rust" else {"shapes_examples.h", "shapes_examples.c"}
    assert {*examples, "README.md"} <= files.keys()
    assert "Apache License" in (folder / "LICENSE").read_text()
    printed = expected_output(folder)
    assert printed[0] == "shapes: self-test passed"
    assert printed[-2:] == ["shapes: 1 of 3 right", "shapes: PASSED"]
    assert sum("label 1 (a" in line for line in printed) == 1


@pytest.mark.parametrize("platform", [name for name in ALL if name != "cmsis-pack"])
def test_one_folder_at_the_top(tmp_path: Path, platform: str) -> None:
    """Unpacked, a package does not spill over its neighbours, and the folder is named as the tools want it."""
    assert {name.split("/")[0] for name in package(platform, tmp_path).files} == {"shapes"}


def test_result_as_json(tmp_path: Path) -> None:
    """The document behind --json."""
    result = package("cmake", tmp_path)
    document = json.loads(json.dumps(result.as_json()))
    assert document["platform"] == "cmake"
    assert document["bytes"] == result.path.stat().st_size
    assert "shapes/CMakeLists.txt" in document["files"]


def test_usual_file_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a path the package gets the name that its tool knows it by."""
    monkeypatch.chdir(tmp_path)
    assert package_firmware("zephyr", generated(), version="2.0.1").path == Path("shapes-2.0.1-zephyr.zip")
    pack = package_firmware("cmsis-pack", generated(), vendor="Some-One").path
    assert pack == Path("Some-One.shapes.1.0.0.pack")
    assert pack.is_file()


def test_replaces_an_older_package(tmp_path: Path) -> None:
    """The new one takes the old one's place; no temporary file stays."""
    out = tmp_path / "new" / "package.zip"
    for version in ("1.0.0", "1.0.1"):
        package_firmware("arduino", generated(), out, version=version)
    assert b"version=1.0.1" in out.read_bytes()
    assert [path.name for path in out.parent.iterdir()] == ["package.zip"]


def test_examples_without_images(tmp_path: Path) -> None:
    """Noise stands in, and the package says that its labels are no truth."""
    result = package_firmware("cmake", generated(labels=()), tmp_path / "package.zip")
    with zipfile.ZipFile(result.path) as archive:
        readme = archive.read("shapes/README.md").decode()
        assert "The inputs are noise" in archive.read("shapes/include/shapes_examples.h").decode()
    assert re.search(r"example 1: class (\d), label \1: right", readme)


@pytest.mark.parametrize(
    ("rounding", "oracle"), [("tflm", "TensorFlow Lite for Microcontrollers"), ("tflite", "TensorFlow 2.21")]
)
def test_readme_names_the_oracle(tmp_path: Path, rounding: str, oracle: str) -> None:
    """Whose bytes the net gives."""
    settings = codegen.CodegenSettings(name="shapes", rounding=rounding)
    result = package_firmware("cmake", codegen.generate(read_tflite(MODEL), settings), tmp_path / "package.zip")
    with zipfile.ZipFile(result.path) as archive:
        assert oracle in archive.read("shapes/README.md").decode()


@pytest.mark.parametrize(
    ("platform", "name", "said"),
    [
        ("arduino", "Servo", "something of its own called 'Servo'"),
        ("platformio", "wire", "something of its own called 'wire'"),
        ("esp-idf", "esp_timer", "something of its own called 'esp_timer'"),
        ("cmake", "test", "something of its own called 'test'"),
        ("zephyr", "Con", "Windows"),
    ],
)
def test_refused_names(tmp_path: Path, platform: str, name: str, said: str) -> None:
    """A name that would hide a header, or that is the tool's own, is refused with the remedy; nothing is written."""
    model = replace(generated(), name=name)
    with pytest.raises(InputError, match=re.escape(said)) as error:
        package_firmware(platform, model, tmp_path / "package.zip")
    assert "--name" in str(error.value)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("version", ["1", "1.0", "01.0.0", "1.0.0-beta", "1.0.0\n", "", "v1.0.0"])
def test_refused_versions(tmp_path: Path, version: str) -> None:
    """All the tools take three numbers; not all take more."""
    with pytest.raises(InputError, match="three numbers"):
        package_firmware("arduino", generated(), tmp_path / "package.zip", version=version)


@pytest.mark.parametrize("vendor", ["", "two words", "a.b", "é", "x" * 64])
def test_refused_vendors(tmp_path: Path, vendor: str) -> None:
    """The vendor is a part of a file name."""
    with pytest.raises(InputError, match="vendor"):
        package_firmware("cmsis-pack", generated(), tmp_path / "package.zip", vendor=vendor)


@pytest.mark.parametrize("url", ["example.org", "https://", "https://a b", "https://a\nname=x", "ftp://a", "https://<"])
def test_refused_urls(tmp_path: Path, url: str) -> None:
    """Nothing that could add a line to a manifest."""
    with pytest.raises(InputError, match="URL"):
        package_firmware("arduino", generated(), tmp_path / "package.zip", url=url)


def test_unknown_platform(tmp_path: Path) -> None:
    """Says which there are."""
    with pytest.raises(InputError, match="unknown platform 'mbed'; choose one of arduino, cmake, cmsis-pack, esp-idf"):
        package_firmware("mbed", generated(), tmp_path / "package.zip")


@pytest.mark.parametrize("platform", ALL)
def test_target_of_a_desktop(tmp_path: Path, platform: str) -> None:
    """C for x86 is no firmware; where a desktop is a target, too, it is welcome."""
    model, out = generated(target="x86-64"), tmp_path / "package.zip"
    if find_platform(platform).desktop:
        assert package_firmware(platform, model, out).path == out
    else:
        with pytest.raises(InputError, match="--target portable"):
            package_firmware(platform, model, out)


def test_out_is_a_folder(tmp_path: Path) -> None:
    """Names the file that it could be."""
    with pytest.raises(InputError, match=r"is a folder; .*shapes-1\.0\.0-arduino\.zip"):
        package_firmware("arduino", generated(), tmp_path)


def test_pack_under_another_name(tmp_path: Path) -> None:
    """A pack is known by its file name."""
    with pytest.raises(InputError, match=r"'digits\.pack' has to be 'edgemnist\.shapes\.1\.0\.0\.pack'"):
        package_firmware("cmsis-pack", generated(), tmp_path / "digits.pack")


def test_unwritable_place(tmp_path: Path) -> None:
    """A file where a folder would have to be."""
    blocking = tmp_path / "file"
    blocking.write_text("mine")
    with pytest.raises(StorageError, match="cannot write"):
        package_firmware("arduino", generated(), blocking / "package.zip")
    assert blocking.read_text() == "mine"


@pytest.mark.parametrize(
    ("example", "said"),
    [
        (Example(np.zeros((4, 5), np.int8), 0), "example 0 has 20 values of int8; the model takes 16 of int8"),
        (Example(np.zeros(16, np.uint8), 0), "example 0 has 16 values of uint8; the model takes 16 of int8"),
        (Example(np.zeros(16, np.int8), 3), "example 0 has label 3; the model's classes are 0 to 2"),
        (Example(np.zeros(16, np.int8), -1), "example 0 has label -1"),
    ],
)
def test_refused_examples(tmp_path: Path, example: Example, said: str) -> None:
    """An example has to be an input of the model, and its label a class."""
    with pytest.raises(InputError, match=re.escape(said)):
        package_firmware("cmake", generated(), tmp_path / "package.zip", examples=[example])


def test_examples_from_images() -> None:
    """Every class comes before one comes twice, and a pixel becomes what the model was trained on."""
    images = np.arange(5 * 16, dtype=np.uint8).reshape(5, 4, 4, 1)
    split = Split(images, np.array([2, 0, 2, 0, 1]))
    chosen = image_examples(generated(), split, count=4)
    assert [example.label for example in chosen] == [0, 1, 2, 0]
    for example, index in zip(chosen, (1, 4, 0, 3), strict=True):
        assert example.values.dtype == np.int8
        assert np.array_equal(example.values, images[index].astype(np.int64) - 128)
    assert len(image_examples(generated(), split, count=99)) == 5


def test_images_of_another_size() -> None:
    """Says both sizes."""
    split = Split(np.zeros((1, 28, 28, 1), np.uint8), np.zeros(1, np.int64))
    with pytest.raises(InputError, match="the images are 28x28x1 and the model takes 4x4x1"):
        image_examples(generated(), split)


def test_real_images(real_data: Path, real_models: Path, tmp_path: Path) -> None:
    """On MNIST the expected output has true labels, and nearly all are right."""
    model = codegen.generate(read_tflite(real_models / "compact_int8.tflite"), codegen.CodegenSettings(name="digits"))
    test = load_dataset(str(real_data / "mnist")).test
    result = package_firmware(
        "arduino", model, tmp_path / "p.zip", examples=image_examples(model, test.take(slice(99)))
    )
    with zipfile.ZipFile(result.path) as archive:
        readme = archive.read("digits/README.md").decode()
    assert re.findall(r"label (\d): (?:right|wrong)", readme) == list("0123456789")
    assert int(re.findall(r"digits: (\d+) of 10 right", readme)[0]) >= 9
