"""Pixels to quantised input: against the formula in scalars, and against the QUANTIZE operator of real engines."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgemnist.runner import RuntimeWorker
from edgemnist.support.errors import ModelError
from edgemnist.tflite.file import Quantisation, TensorInfo
from edgemnist.tflite.normalisation import Normalisation
from edgemnist.tflite.pixels import dequantise, model_input, pixel_table
from edgemnist.tflite.preprocessing import Preprocessing
from tests.compiler.model_builder import ModelBuilder
from tests.oracles import needs

ZERO_TO_ONE = Normalisation()
AS_IT_IS = Preprocessing((4, 6, 1))
RANGES = [ZERO_TO_ONE, Normalisation(1.0, 0.0), Normalisation(2 / 255, -1.0), Normalisation(1 / 64, -0.3)]
PIXELS = np.arange(256, dtype=np.uint8)


def tensor(shape: tuple[int, ...], dtype: str, quantisation: Quantisation | None) -> TensorInfo:
    return TensorInfo(0, "image", shape, (), dtype, quantisation, None)


def scalar_quantise(pixel: int, normalisation: Normalisation, scale: float, zero_point: int, dtype: str) -> int:
    """Quantise one pixel as TFLite's QUANTIZE does: divide in float32, round half away from zero, shift, clip."""
    real = normalisation.apply(np.array([pixel], np.uint8))[0]
    steps = float(np.float32(real) / np.float32(scale))
    rounded = math.copysign(math.floor(abs(steps) + 0.5), steps) if abs(steps) < 2**22 else steps
    limits = np.iinfo(dtype)
    return int(min(max(rounded + zero_point, limits.min), limits.max))


@given(
    scale=st.floats(2**-13, 8.0, width=32),
    zero_point=st.integers(-128, 127),
    normalisation=st.sampled_from(RANGES),
    dtype=st.sampled_from(["int8", "int16"]),
)
@settings(max_examples=60, deadline=None)
def test_table_equals_the_scalar_formula(
    scale: float, zero_point: int, normalisation: Normalisation, dtype: str
) -> None:
    table = pixel_table(tensor((1, 256), dtype, Quantisation((scale,), (zero_point,))), normalisation)

    expected = [scalar_quantise(pixel, normalisation, scale, zero_point, dtype) for pixel in range(256)]
    assert table.dtype == dtype
    assert table.tolist() == expected


def test_zero_to_one_is_pixel_less_128() -> None:
    table = pixel_table(tensor((1, 256), "int8", Quantisation((float(np.float32(1 / 255)),), (-128,))), ZERO_TO_ONE)

    assert table.tolist() == [pixel - 128 for pixel in range(256)]


def quantize_model(scale: float, zero_point: int) -> bytes:
    builder = ModelBuilder()
    real = builder.input((1, 256), dtype="float32")
    return builder.finish([builder.op("QUANTIZE", [real], (1, 256), scale, zero_point, version=1)])


@needs("tflm", "tflite-runtime-reference")
@pytest.mark.parametrize("normalisation", RANGES)
@pytest.mark.parametrize("factor", [1.0, 2.0, 0.5, 2 / 3, 1.7])
def test_table_equals_the_engines_quantize(
    normalisation: Normalisation, factor: float, tflm: RuntimeWorker, witness: RuntimeWorker
) -> None:
    scale, zero_point = float(np.float32(normalisation.of_channel(0)[0] * factor)), -3
    model = quantize_model(scale, zero_point)
    real = normalisation.apply(PIXELS).reshape(1, 1, 256)

    table = pixel_table(tensor((1, 256), "int8", Quantisation((scale,), (zero_point,))), normalisation)

    for engine in (tflm, witness):
        np.testing.assert_array_equal(table, engine.invoke(model, [real])[0].ravel(), err_msg=engine.runtime)


@given(scale=st.floats(2**-10, 2.0, width=32), zero_point=st.integers(-128, 127))
def test_dequantise_then_quantise_is_the_identity(scale: float, zero_point: int) -> None:
    codes = np.arange(-128, 128).astype(np.int8)
    real = dequantise(codes, Quantisation((scale,), (zero_point,)))

    np.testing.assert_array_equal(np.rint(real / np.float32(scale)) + zero_point, codes)


@pytest.mark.parametrize("shape", [(1, 4, 6, 1), (1, 4, 6), (1, 24)])
def test_images_take_the_shape_of_the_input(shape: tuple[int, ...]) -> None:
    images = np.arange(48, dtype=np.uint8).reshape(2, 4, 6, 1)

    found = model_input(images, tensor(shape, "int8", Quantisation((1 / 255,), (-128,))), AS_IT_IS)

    assert found.shape == (2, *shape[1:])
    np.testing.assert_array_equal(found.ravel(), images.ravel().astype(int) - 128)


@pytest.mark.parametrize(
    ("shape", "dtype", "quantisation", "says"),
    [
        ((1, 5, 5, 1), "float32", None, "do not fit"),
        ((2, 4, 6, 1), "float32", None, "batch 1"),
        ((1, 4, 6, 1), "int8", None, "cannot be fed images"),
        ((1, 4, 6, 1), "int32", Quantisation((1.0,), (0,)), "cannot be fed images"),
        ((1, 4, 6, 1), "int8", Quantisation((1.0, 2.0), (0, 0)), "one scale"),
    ],
)
def test_inputs_that_take_no_image_are_refused(
    shape: tuple[int, ...], dtype: str, quantisation: Quantisation | None, says: str
) -> None:
    with pytest.raises(ModelError, match=says):
        model_input(np.zeros((1, 4, 6, 1), np.uint8), tensor(shape, dtype, quantisation), AS_IT_IS)
