"""What a device has in its input: every mistake in feeding, planted in plain numpy, is named."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edgemnist.mismatch.fed import Feeding, InputFinding, explain_input, input_rules
from edgemnist.tflite.file import Quantisation, TensorInfo
from edgemnist.tflite.normalisation import Normalisation
from edgemnist.tflite.preprocessing import Preprocessing

pytestmark = pytest.mark.unit

SHAPE = (16, 16, 3)
PIXELS = np.random.default_rng(0).integers(0, 256, (6, *SHAPE)).astype(np.uint8)
UNIT, SIGNED = (float(np.float32(1 / 255)), -128), (float(np.float32(1 / 127.5)), -1)
HALVES = Normalisation(1 / 127.5, -1.0)


def tensor(scale: float | None, zero_point: int = 0, dtype: str = "int8", shape: tuple[int, ...] = SHAPE) -> TensorInfo:
    quantisation = None if scale is None else Quantisation((scale,), (zero_point,))
    return TensorInfo(0, "input", (1, *shape), (1, *shape), dtype, quantisation, None)


def feeding(
    received: NDArray[Any], input_: TensorInfo, pixels: NDArray[np.uint8] = PIXELS, **changes: Any
) -> InputFinding:
    _, height, width, channels = pixels.shape
    preprocessing = replace(Preprocessing((height, width, channels)), **changes)
    shaped = received.reshape(len(received), *input_.shape)
    return explain_input(Feeding(pixels, input_, preprocessing, shaped, pixels), "the pictures")


def _away(values: Any) -> Any:
    return np.copysign(np.floor(np.abs(values) + 0.5), values)


def quantised(real: NDArray[Any], scale: float, zero_point: int, rounded: Callable[[Any], Any] = _away) -> Any:
    whole = rounded((real.astype(np.float32) / np.float32(scale)).astype(np.float64))
    return np.clip(whole + zero_point, -128, 127).astype(np.int8)


def less_128(pixels: NDArray[Any]) -> NDArray[np.int8]:
    return (pixels.astype(np.int16) - 128).astype(np.int8)


RIGHT = less_128(PIXELS)
HALF = HALVES.apply(PIXELS)
SWAPPED = PIXELS[..., ::-1]


def _rgb565(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    words = [
        [(int(r) >> 3) << 11 | (int(g) >> 2) << 5 | int(b) >> 3 for r, g, b in row] for row in pixels.reshape(-1, 16, 3)
    ]
    swapped = [[(word & 255) << 8 | word >> 8 for word in row] for row in words]
    rows = [[[(word >> 11) << 3, (word >> 5 & 63) << 2, (word & 31) << 3] for word in row] for row in swapped]
    return np.array(rows, np.uint8).reshape(pixels.shape)


MISTAKES: list[tuple[str, str, NDArray[Any], tuple[float, int]]] = [
    ("sign of the input", "upper bit turned over", PIXELS.view(np.int8), UNIT),
    ("sign of the input", "raw pixels 0..255 as bytes", PIXELS.view(np.int8), (0.02, 11)),
    ("sign of the input", "less 128", RIGHT, (0.02, 11)),
    ("range of pixels", "-1..1 instead of 0..1", quantised(HALF, *UNIT), UNIT),
    ("range of pixels", "0..255 instead of 0..1", quantised(PIXELS, *UNIT), UNIT),
    ("order of the colours", "BGR instead of RGB", less_128(SWAPPED), UNIT),
    ("orientation", "rows and columns", less_128(PIXELS.transpose(0, 2, 1, 3)), UNIT),
    ("orientation", "upside down", less_128(PIXELS[:, ::-1]), UNIT),
    ("orientation", "left and right", less_128(PIXELS[:, :, ::-1]), UNIT),
    ("layout", "NCHW", less_128(PIXELS.transpose(0, 3, 1, 2)), UNIT),
    ("inversion", "255 less", less_128(255 - PIXELS), UNIT),
    ("RGB565", "opposite order, lower bits 0", less_128(_rgb565(PIXELS)), UNIT),
    ("rounding of the input", "cut off towards zero", quantised(HALF, 0.0093, 3, np.trunc), (0.0093, 3)),
    ("rounding of the input", "rounded down", quantised(HALF, 0.0093, 3, np.floor), (0.0093, 3)),
    ("quantisation of the input", "zero point 0 instead of -1", quantised(HALF, SIGNED[0], 0), SIGNED),
    ("quantisation of the input", "multiplied", quantised(HALF, 1 / SIGNED[0], -1), SIGNED),
    ("other picture", "before", less_128(np.roll(PIXELS, 1, axis=0)), UNIT),
    ("shifted input", "by +2", np.roll(RIGHT.reshape(6, -1), 2, axis=1), UNIT),
    ("order of the colours and sign of the input", "BGR", SWAPPED.astype(np.uint8).view(np.int8), UNIT),
    ("range of pixels and order of the colours", "0..255", quantised(SWAPPED, *UNIT), UNIT),
]  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "detail", "received", "scale"), MISTAKES, ids=[f"{rule} {detail}" for rule, detail, *_ in MISTAKES]
)
def test_a_mistake_in_feeding_is_named(rule: str, detail: str, received: Any, scale: tuple[float, int]) -> None:
    normalisation = HALVES if scale in (SIGNED, (0.0093, 3)) else Normalisation()
    found = feeding(received, tensor(*scale), normalisation=normalisation)
    assert set(found.rule.split(" and ")) == set(rule.split(" and ")), found
    assert found.exact, found
    assert detail in found.detail
    assert "which gives all of them" in found.sentence()


def test_what_is_right_is_said() -> None:
    found = feeding(RIGHT, tensor(*UNIT))
    assert (found.differing, found.rule) == (0, "")
    assert found.sentence() == f"the input, beside the pictures: all {RIGHT.size:,} values are right"


def test_noise_is_not_explained() -> None:
    noise = np.random.default_rng(5).integers(-128, 128, RIGHT.shape).astype(np.int8)
    found = feeding(noise, tensor(*UNIT))
    assert (found.rule, found.exact) == ("", False)
    assert "no way of feeding that is known" in found.sentence()


def test_what_is_near_is_named_with_its_share() -> None:
    received = less_128(SWAPPED)
    received[:, 0, :3] = 77
    found = feeding(received, tensor(*UNIT))
    assert (found.rule, found.exact) == ("order of the colours", False)
    assert "which gives 98.8%" in found.sentence()


def test_floats_of_the_other_byte_order() -> None:
    real = (PIXELS.astype(np.float32) * np.float32(1 / 255)).astype(np.float32)
    found = feeding(real.byteswap(), tensor(None, dtype="float32"))
    assert (found.rule, found.exact) == ("byte order of the input", True)


def test_half_an_input() -> None:
    received = RIGHT.reshape(6, -1).copy()
    received[:, received.shape[1] // 3 :] = 5
    found = feeding(received, tensor(*UNIT))
    assert (found.rule, found.detail, found.exact) == ("part of the input", "only the first 1/3 of the values", True)


def test_another_fit() -> None:
    other = np.roll(PIXELS, 3, axis=1)
    preprocessing = Preprocessing((16, 16, 3))
    received = less_128(other).reshape(6, 1, *SHAPE)
    fits = {"pad": PIXELS, "stretch": other}
    found = explain_input(Feeding(PIXELS, tensor(*UNIT), preprocessing, received, PIXELS, fits), "the pictures")
    assert (found.rule, found.detail, found.exact) == ("fit", "stretch instead of pad", True)


def test_every_rule_is_planted() -> None:
    planted = {name for rule, *_ in MISTAKES for name in rule.split(" and ")}
    here = {"fit", "part of the input", "byte order of the input"}
    assert {rule.name for rule in input_rules()} - planted == here
