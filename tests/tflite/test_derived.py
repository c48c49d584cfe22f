"""What a file itself tells of its input: size, layout and range."""

from __future__ import annotations

import numpy as np
import pytest

from edgemnist.support.errors import ModelError
from edgemnist.tflite.derived import derived_range, image_input_of
from edgemnist.tflite.file import parse_tflite
from edgemnist.tflite.normalisation import NORMALISATIONS, normalisation_name
from tests.compiler.model_builder import ModelBuilder

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("shape", "image", "layout", "certain"),
    [
        ((96, 80, 3), (96, 80, 3), "nhwc", True),
        ((3, 96, 80), (96, 80, 3), "nchw", True),
        ((1, 28, 28), (28, 28, 1), "nchw", True),
        ((28, 28), (28, 28, 1), "nhwc", True),
        ((784,), (28, 28, 1), "nhwc", True),
        ((3072,), (32, 32, 3), "nhwc", False),
    ],
)
def test_the_image_that_a_shape_holds(
    shape: tuple[int, ...], image: tuple[int, int, int], layout: str, certain: bool
) -> None:
    found = image_input_of(shape, "net")
    assert (found.shape, found.layout, found.certain) == (image, layout, certain)


@pytest.mark.parametrize("shape", [(), (0,), (10,), (4, 28, 28), (28, 28, 28, 3)])
def test_what_is_no_image(shape: tuple[int, ...]) -> None:
    with pytest.raises(ModelError, match="no image of 1 or 3 channels"):
        image_input_of(shape, "net")


def integer_input(scale: float, zero_point: int, *, behind_float: bool) -> bytes:
    builder = ModelBuilder()
    if behind_float:
        image = builder.tensor((1, 4, 4, 1), dtype="float32", name="image")
        builder._inputs.append(image)
        image = builder.op("QUANTIZE", [image], (1, 4, 4, 1), scale, zero_point)
    else:
        image = builder.input((1, 4, 4, 1), scale, zero_point)
    return builder.finish([builder.op("RELU", [image], (1, 4, 4, 1), scale, zero_point)])


@pytest.mark.parametrize("behind_float", [False, True], ids=["integer input", "QUANTIZE behind a float input"])
@pytest.mark.parametrize(
    ("scale", "zero_point", "name"),
    [
        (1 / 255, -128, "0..1"),
        (0.93 / 255, -128, "0..1"),
        (251 / 255, -128, "0..255"),
        (2 / 255, 0, "-1..1"),
        (3.2457 / 255, -95, "-0.420032..2.82567"),
    ],
)
def test_an_integer_tells_the_range(scale: float, zero_point: int, name: str, behind_float: bool) -> None:
    found = derived_range(parse_tflite(integer_input(scale, zero_point, behind_float=behind_float)))
    assert found is not None and normalisation_name(found.normalisation) == name
    assert f"zero point {zero_point}" in found.evidence and ("QUANTIZE" in found.evidence) == behind_float


@pytest.mark.parametrize(
    ("steps", "name"),
    [
        ([("MUL", 1 / 255)], "0..255"),
        ([("MUL", 1 / 127.5), ("ADD", -1.0)], "0..255"),
        ([("DIV", 255.0)], "0..255"),
        ([("SUB", [123.7, 116.3, 103.5]), ("MUL", [1 / 58.4, 1 / 57.1, 1 / 57.4])], "0..255"),
        ([("MUL", 2.0), ("ADD", -1.0)], "0..1"),
        ([("SUB", 0.5), ("MUL", 4.0)], "0..1"),
        ([], None),
        ([("MUL", 1.0)], None),
        ([("MUL", np.ones(16))], None),
    ],
)
def test_a_rescaling_inside_a_float_model_tells_it(steps: list[tuple[str, object]], name: str | None) -> None:
    builder = ModelBuilder()
    tensor = builder.tensor((1, 4, 4, 3), dtype="float32", name="image")
    builder._inputs.append(tensor)
    for kind, value in steps:
        constant = builder.constant(np.asarray(value, np.float32), dtype="float32")
        tensor = builder.op(kind, [tensor, constant], (1, 4, 4, 3), dtype="float32", version=1)
    found = derived_range(parse_tflite(builder.finish([builder.op("RELU", [tensor], (1, 4, 4, 3), dtype="float32")])))
    assert (None if found is None else found.normalisation) == (None if name is None else NORMALISATIONS[name])
