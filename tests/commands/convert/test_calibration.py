"""The representative dataset and its guards."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from edgemnist.commands.convert.calibration import check_input_scale, choose_calibration
from edgemnist.data.base import Split
from edgemnist.support.errors import DatasetError, InputError, ModelError
from edgemnist.tflite.file import TensorInfo
from edgemnist.tflite.normalisation import NORMALISATIONS, Normalisation, normalisation_name
from edgemnist.tflite.pixels import infer_normalisation, pixel_table
from tests.csource.files import model, tensor

pytestmark = pytest.mark.unit

NAMES = ("a", "b", "c")


def images(count: int, low: int = 0, high: int = 255) -> NDArray[np.uint8]:
    drawn = np.random.default_rng(0).integers(low, high + 1, (count, 4, 4, 1), dtype=np.uint8)
    drawn[:, 0, 0], drawn[:, 0, 1] = low, high
    return drawn


def split(pixels: NDArray[np.uint8], classes: int = 3) -> Split:
    return Split(pixels, (np.arange(len(pixels)) % classes).astype(np.int64))


def test_sample_is_balanced_repeatable_and_silent_when_all_is_well() -> None:
    train = split(images(90))
    first, again, other = (choose_calibration(train, 31, seed, NAMES) for seed in (4, 4, 5))
    assert first.warnings == ()
    assert max(first.counts) - min(first.counts) <= 1
    assert first.as_json() == again.as_json()
    assert first.sha256 != other.sha256
    assert first.as_json()["pixel_range"] == [0, 255]


@pytest.mark.parametrize("count", [0, 91])
def test_count_has_to_fit(count: int) -> None:
    with pytest.raises(InputError, match="90 training images"):
        choose_calibration(split(images(90)), count, 0, NAMES)


def test_blank_images_are_refused() -> None:
    with pytest.raises(DatasetError, match=r"span only 7\.\.7"):
        choose_calibration(split(np.full((30, 4, 4, 1), 7, np.uint8)), 30, 0, NAMES)


def test_mostly_blank_images_are_refused() -> None:
    pixels = images(30)
    pixels[:20] = 0
    with pytest.raises(DatasetError, match="20 of 30 calibration images are blank"):
        choose_calibration(split(pixels), 30, 0, NAMES)


def test_images_divided_already_are_refused() -> None:
    with pytest.raises(DatasetError, match="divided already"):
        choose_calibration(split(images(30, 0, 1)), 30, 0, NAMES)


def test_a_few_blank_images_and_a_narrow_range_are_told() -> None:
    pixels = images(30, 40, 200)
    pixels[3] = 50
    warnings = choose_calibration(split(pixels), 30, 0, NAMES).warnings
    assert any("span only 40..200" in warning for warning in warnings)
    assert any("1 of 30 calibration images are blank" in warning for warning in warnings)


def test_a_missing_class_is_named() -> None:
    (warning,) = choose_calibration(split(images(30), classes=2), 30, 0, NAMES).warnings
    assert "1 of 3 classes have no calibration image ('c')" in warning


@pytest.mark.parametrize(
    ("image_input", "name"),
    [
        (tensor(0, (1, 4, 4, 1)), "0..1"),
        (tensor(0, (1, 4, 4, 1), scale=1.0), "0..255"),
        (tensor(0, (1, 4, 4, 1), scale=2 / 255, zero_point=0), "-1..1"),
        (tensor(0, (1, 4, 4, 1), "uint8", zero_point=0), "0..1"),
        (tensor(0, (1, 4, 4, 1), "int16", scale=1 / 32767, zero_point=0), "0..1"),
    ],
)
def test_scale_that_fits_its_normalisation_is_accepted_and_inferred(image_input: TensorInfo, name: str) -> None:
    assert check_input_scale(model([image_input], [tensor(1, (1, 3))]), NORMALISATIONS[name]) == []
    inferred = infer_normalisation(image_input)
    assert inferred is not None
    assert normalisation_name(inferred) in (name, "0..1")  # int16 cannot tell 0..1 from -1..1


@pytest.mark.parametrize("name", ["0..255", "-1..1"])
def test_scale_of_another_normalisation_is_refused_or_told(name: str) -> None:
    found = model([tensor(0, (1, 4, 4, 1))], [tensor(1, (1, 3))])
    if name == "0..255":
        with pytest.raises(ModelError, match=r"covers 0\.\.1, but pixels normalised to 0\.\.255 reach 0\.\.255"):
            check_input_scale(found, NORMALISATIONS[name])
    else:
        (warning,) = check_input_scale(found, NORMALISATIONS[name])
        assert "reach -1..1" in warning


def test_calibration_that_missed_the_brightest_pixels_is_told() -> None:
    (warning,) = check_input_scale(
        model([tensor(0, (1, 4, 4, 1), scale=0.8 / 255)], [tensor(1, (1, 3))]), Normalisation()
    )
    assert "covers 0..0.8" in warning


def test_float_input_without_quantise_has_nothing_to_check() -> None:
    found = model([tensor(0, (1, 4, 4, 1), "float32", scale=None)], [tensor(1, (1, 3))])
    assert check_input_scale(found, Normalisation()) == []


@pytest.mark.parametrize("scale", [0.0, float("nan"), float("inf"), -1.0])
def test_impossible_scales_are_refused(scale: float) -> None:
    with pytest.raises(ModelError, match="a scale is a positive number"):
        pixel_table(tensor(0, (1, 4), scale=scale), Normalisation())


def test_usual_input_is_pixel_minus_128() -> None:
    assert pixel_table(tensor(0, (1, 4)), Normalisation()).tolist() == list(range(-128, 128))
