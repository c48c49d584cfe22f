"""Packages of nets that tell two classes by one output, and examples that are fed with the whole preprocessing."""

from __future__ import annotations

import subprocess
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgemnist.compiler.generate import CodegenSettings, GeneratedModel, generate
from edgemnist.data.base import Split
from edgemnist.mcu.packages.base import Example
from edgemnist.mcu.packages.build import package_firmware
from edgemnist.mcu.packages.examples import example_code, image_examples
from edgemnist.support.errors import InputError
from edgemnist.tflite.normalisation import standardised
from edgemnist.tflite.pixels import model_input
from edgemnist.tflite.preprocessing import OutputKind, Preprocessing
from tests.compiler.bench import WARNINGS
from tests.mcu.packaging import expected_output, unpack, without_times
from tests.two_classes import two_class_net

NAMES = ("cat", "dog")
BRIGHT, DARK = np.full((4, 4, 1), 127, np.int8), np.full((4, 4, 1), -128, np.int8)


def generated(*, probability: bool, labels: tuple[str, ...] = NAMES) -> GeneratedModel:
    return generate(two_class_net(probability=probability), CodegenSettings(name="shapes", labels=labels))


@pytest.mark.parametrize("probability", [True, False])
def test_main_program_tells_two_classes_by_one_output(tmp_path: Path, probability: bool) -> None:
    model = generated(probability=probability)
    examples = [Example(BRIGHT, 1), Example(DARK, 0), Example(DARK, 1)]
    result = package_firmware("cmake", model, tmp_path / "cmake.zip", examples=examples)
    folder = tmp_path / "package"
    with zipfile.ZipFile(result.path) as archive:
        archive.extractall(folder)
    (inner,) = folder.iterdir()

    sources = [str(path) for path in inner.rglob("*.c")]
    include = [f"-I{path}" for path in sorted({path.parent for path in inner.rglob("*.h")})]
    command = ["gcc", "-std=c99", *WARNINGS, *include, *sources, "-o", str(tmp_path / "program")]
    subprocess.run(command, check=True, capture_output=True)
    printed = without_times(subprocess.run([tmp_path / "program"], check=True, capture_output=True).stdout)

    assert printed == expected_output(inner)
    assert [line.partition(": class ")[2].partition(",")[0] for line in printed[1:4]] == [
        "1 (dog)",
        "0 (cat)",
        "0 (cat)",
    ]
    assert printed[-2:] == ["shapes: 2 of 3 right", "shapes: PASSED"]


def test_classes_without_names_are_two_numbers(tmp_path: Path) -> None:
    folder = unpack("cmake", tmp_path, model=generated(probability=True, labels=()))
    assert "2 classes" in (folder / "README.md").read_text()
    assert 'class_texts[2] = {\n    "0", "1",\n}' in (folder / "src/shapes_examples.c").read_text()
    with pytest.raises(InputError, match="the model's classes are 0 to 1"):
        example_code(generated(probability=True), [Example(DARK, 2)])


def test_header_of_generated_c_says_which_class_an_output_is_for() -> None:
    model = two_class_net(probability=True)
    assert "_class_of" not in generate(model, CodegenSettings(name="shapes")).files["shapes.h"]
    known = Preprocessing((4, 4, 1), NAMES, output=OutputKind.ONE_PROBABILITY)
    header = generate(model, CodegenSettings(name="shapes", preprocessing=known)).files["shapes.h"]
    header = header.replace("\n * ", " ")
    assert "The output is the probability of class 1 (dog): above 0.5, q > 0, it is that one, else 0 (cat)." in header
    assert "shapes_labels[2]" in header
    with pytest.raises(InputError, match="3 labels for 2 classes"):
        generate(model, CodegenSettings(name="shapes", labels=("a", "b", "c")))


def test_examples_are_fed_as_the_model_takes_them() -> None:
    model = two_class_net(probability=True, shape=(1, 3, 5, 4))
    known = Preprocessing(
        (4, 5, 3),
        NAMES,
        standardised((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
        bgr=True,
        layout="nchw",
        inverted=True,
        transposed=True,
    )
    images = np.random.default_rng(0).integers(0, 256, (6, 4, 5, 3), np.uint8)
    split = Split(images, np.array([0, 1, 0, 1, 0, 1]))
    made = generate(model, CodegenSettings(name="shapes", preprocessing=known))
    assert "#define SHAPES_INPUT_CHANNELS 3\n" in made.files["shapes.h"]

    examples = image_examples(made, split, count=4, preprocessing=known)

    expected = model_input(images[[0, 1, 2, 3]], model.input(), known)
    np.testing.assert_array_equal(np.stack([one.values for one in examples]), expected)
    with pytest.raises(InputError, match="the images are 4x5x1 and the model takes 3x5x4"):
        image_examples(made, replace(split, images=images[..., :1]), preprocessing=known)
