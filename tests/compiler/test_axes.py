"""As many axes as TFLM takes are taken, byte for byte as there, and one more is refused: TFLM writes past its sizes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from edgemnist.runner import RuntimeWorker
from tests.compiler.model_builder import ModelBuilder
from tests.compiler.operators import assert_reference_exact, assert_refused

SCALE = 0.05


def image_of(axes: int) -> tuple[int, ...]:
    return (1,) * (axes - 3) + (2, 3, 2)


def moved(
    kind: str, axes: int, shape: tuple[int, ...], *operands: object, dtype: str = "int8", **options: Any
) -> bytes:
    """Return a model of one operator with integer operands, which keeps the quantisation."""
    builder = ModelBuilder()
    scale = None if dtype == "float32" else SCALE
    image = builder.input(image_of(axes), scale, dtype=dtype)
    constants = [builder.constant(np.array(values, np.int32), dtype="int32") for values in operands]
    return builder.finish([builder.op(kind, [image, *constants], shape, scale, dtype=dtype, **options)])


def transpose(axes: int) -> bytes:
    return moved("TRANSPOSE", axes, image_of(axes)[::-1], range(axes)[::-1])


def pad(axes: int) -> bytes:
    return moved("PAD", axes, (*image_of(axes)[:-1], 3), [[0, 0]] * (axes - 1) + [[1, 0]])


def part(axes: int) -> bytes:
    shape = (*image_of(axes)[:-1], 1)
    return moved("SLICE", axes, shape, [0] * axes, shape)


def strided(axes: int) -> bytes:
    shape = (*image_of(axes)[:-1], 1)
    return moved("STRIDED_SLICE", axes, shape, [0] * axes, shape, [1] * axes, begin_mask=0)


def broadcast(axes: int) -> bytes:
    shape = (2, *image_of(axes)[1:])
    return moved("BROADCAST_TO", axes, shape, shape)


def relu(axes: int) -> bytes:
    return moved("RELU", axes, image_of(axes))


def exponential(axes: int) -> bytes:
    return moved("EXP", axes, image_of(axes), dtype="float32")


def normalised(axes: int) -> bytes:
    return moved("L2_NORMALIZATION", axes, image_of(axes), dtype="float32")


def sloped(axes: int) -> bytes:
    builder = ModelBuilder()
    image = builder.input(image_of(axes), None, dtype="float32")
    slopes = builder.constant(np.full(image_of(axes)[-1], 0.5), dtype="float32")
    return builder.finish([builder.op("PRELU", [image, slopes], image_of(axes), dtype="float32")])


MOST: dict[Callable[[int], bytes], int] = {
    transpose: 5, pad: 5, part: 5, strided: 4, broadcast: 5, relu: 6, exponential: 6, normalised: 4, sloped: 4,
}  # fmt: skip


@pytest.mark.parametrize("model", MOST, ids=lambda model: model.__name__)
def test_as_many_axes_as_in_tflm_and_no_more(model: Callable[[int], bytes], tflm: RuntimeWorker) -> None:
    assert_reference_exact(model(MOST[model]), tflm)
    assert_refused(model(MOST[model] + 1), f"has {MOST[model] + 1} axes, allowed are {MOST[model]}")
