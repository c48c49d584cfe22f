"""The corruptions themselves: deterministic, in range, of any size, and what their definitions say."""

from __future__ import annotations

import hashlib
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from edgemnist.data.corruptions import MAX_SEVERITY, corrupt, corruptions, find_corruption, select_corruptions
from edgemnist.support.errors import InputError

pytestmark = pytest.mark.unit

NAMES = tuple(corruptions())
PUBLISHED = {
    "shot_noise": 5,
    "impulse_noise": 4,
    "glass_blur": 1,
    "motion_blur": 1,
    "shear": 2,
    "scale": 3,
    "rotate": 2,
    "brightness": 5,
    "translate": 3,
    "stripe": 1,
    "fog": 5,
    "spatter": 4,
    "dotted_line": 1,
    "zigzag": 1,
    "canny_edges": 1,
}
SWEEPS = {"rotation", "gaussian_noise", "gaussian_blur", "contrast"}
RANDOM = set(NAMES) - {"scale", "brightness", "stripe", "canny_edges", "gaussian_blur", "contrast"}

GOLDEN = {
    "brightness": "bd4bbcd905dec31d",
    "canny_edges": "f1d243706d6a38d4",
    "dotted_line": "87f9cd3dc96c38cc",
    "fog": "5d5c4017877c69e8",
    "glass_blur": "3938d124a12b29b6",
    "impulse_noise": "7ced2f556b14c35d",
    "motion_blur": "2eccc4dd0a6c24a9",
    "rotate": "89b6fcbf557423a6",
    "scale": "6321e83d0ee8214f",
    "shear": "f106cd1797473c70",
    "shot_noise": "624e13eda41a6127",
    "spatter": "b779a3eac385fbdd",
    "stripe": "3590417dc7b85da4",
    "translate": "b776f42a0cb648a0",
    "zigzag": "ff811cc38e9be99c",
    "contrast": "a9890c6b3864c160",
    "gaussian_blur": "476d239652f33246",
    "gaussian_noise": "7db91ff645d670ac",
    "rotation": "7ecdceff764b4e2c",
}


def rings(count: int, height: int = 28, width: int = 28, channels: int = 1) -> NDArray[np.uint8]:
    """Return images of three quarters of a bright ring, of integer arithmetic only, thicker from image to image."""
    y, x = np.indices((height, width)) * 2 - np.array([height - 1, width - 1])[:, np.newaxis, np.newaxis]
    distance = x * x + y * y
    side = min(height, width)
    quarters = (distance < (side * 3 // 4) ** 2) & ((x > 0) | (y > 0))
    images = [
        np.where(quarters & (distance > (side // 2 - 2 * index) ** 2), 250 - distance % 97, 0) for index in range(count)
    ]
    grey = np.stack(images)[..., np.newaxis]
    coloured = np.concatenate([grey // (channel + 1) for channel in range(channels)], axis=3)
    return np.asarray(coloured, dtype=np.uint8)


def test_the_fifteen_of_mnist_c_and_the_sweeps() -> None:
    found = {name: one.published for name, one in corruptions().items() if one.published is not None}
    assert found == PUBLISHED
    assert set(NAMES) - set(found) == SWEEPS
    assert {len(one.levels) for one in corruptions().values()} == {1, MAX_SEVERITY}


@pytest.mark.parametrize("name", NAMES)
def test_golden_hashes(name: str) -> None:
    """The same pixels for ever: figures in other people's reports depend on them."""
    digest = hashlib.sha256()
    for images in (rings(4), rings(2, 20, 33, 3)):
        for severity in corruptions()[name].severities:
            digest.update(corrupt(images, name, severity, seed=7).tobytes())
    assert digest.hexdigest()[:16] == GOLDEN[name]


@settings(max_examples=60, deadline=None)
@given(
    images=hnp.arrays(
        np.uint8,
        st.tuples(st.integers(0, 3), st.integers(1, 40), st.integers(1, 40), st.sampled_from([1, 3])),
        elements=st.integers(0, 255),
        fill=st.integers(0, 255),
    ),
    name=st.sampled_from(NAMES),
    severity=st.integers(0, MAX_SEVERITY),
    seed=st.integers(0, 2**31 - 1),
)
def test_any_image_keeps_type_and_shape_and_stays_untouched(
    images: NDArray[np.uint8], name: str, severity: int, seed: int
) -> None:
    severity = min(severity, len(corruptions()[name].levels))
    before = images.copy()
    found = corrupt(images, name, severity, seed=seed)
    assert found.dtype == np.uint8
    assert found.shape == images.shape
    assert np.array_equal(images, before)
    assert not np.shares_memory(found, images)
    assert np.array_equal(found, corrupt(images, name, severity, seed=seed))
    if severity == 0:
        assert np.array_equal(found, images)


@pytest.mark.parametrize("name", NAMES)
def test_an_image_changes_the_same_way_in_any_batch(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    images = rings(7)
    severity = corruptions()[name].severities[-1]
    whole = corrupt(images, name, severity)
    assert np.array_equal(corrupt(images[:3], name, severity), whole[:3])
    monkeypatch.setattr("edgemnist.data.corruptions.apply._BATCH_VALUES", 2 * 28 * 28)
    assert np.array_equal(corrupt(images, name, severity), whole)


@pytest.mark.parametrize("name", sorted(RANDOM))
def test_the_seed_and_the_index_decide(name: str) -> None:
    images = np.repeat(rings(1), 8, axis=0)
    severity = corruptions()[name].severities[-1]
    found = corrupt(images, name, severity)
    assert len({image.tobytes() for image in found}) > 1
    assert not np.array_equal(found, corrupt(images, name, severity, seed=1))


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"canny_edges"}))
def test_every_severity_changes_something_and_a_higher_one_no_less(name: str) -> None:
    images = rings(40)
    changes = [
        float(np.abs(corrupt(images, name, severity).astype(float) - images).mean())
        for severity in corruptions()[name].severities
    ]
    assert changes[0] > 0.5
    if name != "spatter":  # MNIST-C's own strengths turn back there
        assert changes == sorted(changes)


def test_grey_and_three_equal_channels_are_the_same_but_for_noise() -> None:
    grey = rings(5)
    colour = np.repeat(grey, 3, axis=3)
    for name in set(NAMES) - {"shot_noise", "impulse_noise", "gaussian_noise"}:
        one = corruptions()[name]
        for severity in (1, len(one.levels)):
            found = corrupt(colour, name, severity)
            assert np.array_equal(found, np.repeat(corrupt(grey, name, severity), 3, axis=3)), name


def test_noise_has_its_strength() -> None:
    grey = np.full((50, 28, 28, 1), 128, dtype=np.uint8)
    stuck = corrupt(grey, "impulse_noise", 5)
    assert (stuck != 128).mean() == pytest.approx(0.27, abs=0.01)
    assert (stuck == 255).mean() == pytest.approx(0.135, abs=0.01)
    assert corrupt(grey, "gaussian_noise", 1).std() / 255 == pytest.approx(0.08, abs=0.003)
    photons = corrupt(grey, "shot_noise", 1) / 255 * 60
    assert photons.mean() == pytest.approx(128 / 255 * 60, rel=0.01)
    assert photons.var() == pytest.approx(128 / 255 * 60, rel=0.05)


def test_brightness_and_contrast_by_their_formulas() -> None:
    image = np.array([[[[0], [100]], [[200], [255]]]], dtype=np.uint8)
    bright = np.minimum(np.array([0, 100, 200, 255]) + 0.5 * 255, 255)
    assert corrupt(image, "brightness", 5).ravel() == pytest.approx(bright, abs=0.5)
    mean = np.mean([0, 100, 200, 255])
    flat = (np.array([0, 100, 200, 255]) - mean) * 0.05 + mean
    assert corrupt(image, "contrast", 5).ravel() == pytest.approx(flat, abs=0.5)
    colour = np.array([[[[100, 50, 0]]]], dtype=np.uint8)
    assert list(corrupt(colour, "brightness", 5).ravel()) == [228, 114, 0]


def test_stripe_inverts_the_outer_quarters() -> None:
    found = corrupt(rings(1), "stripe", 1)
    assert np.array_equal(found[:, :, 7:21], rings(1)[:, :, 7:21])
    assert np.array_equal(found[:, :, :7], 255 - rings(1)[:, :, :7])
    assert np.array_equal(found[:, :, 21:], 255 - rings(1)[:, :, 21:])


def test_translate_moves_by_whole_pixels() -> None:
    image = np.zeros((12, 28, 28, 1), dtype=np.uint8)
    image[:, 14, 10] = 200
    found = corrupt(image, "translate", 3)
    places = {tuple(int(place) for place in np.argwhere(one[..., 0] == 200)[0]) for one in found}
    assert places == {(17, 13), (17, 7), (11, 13), (11, 7)}


def test_rotate_and_scale_keep_the_centre() -> None:
    image = np.zeros((1, 29, 29, 1), dtype=np.uint8)
    image[0, 14, 14:24] = 255
    for name in ("rotate", "rotation", "scale"):
        assert corrupt(image, name, 5)[0, 14, 14, 0] > 100
    turned = corrupt(np.repeat(image, 4, axis=0), "rotate", 5)[..., 0]
    for one in turned:  # the far end, 8 pixels out, has gone up or down by one radian
        ends = [one[round(14 + sign * 8 * math.sin(1)), round(14 + 8 * math.cos(1))] for sign in (-1, 1)]
        assert max(ends) > 60


def test_edges_of_a_square_are_a_closed_line() -> None:
    image = np.zeros((1, 28, 28, 1), dtype=np.uint8)
    image[0, 8:20, 8:20] = 255
    edges = corrupt(image, "canny_edges", 1)[0, :, :, 0]
    assert set(np.unique(edges)) == {0, 255}
    assert (edges[10:18, 5:11] == 255).any(axis=1).all()
    assert not edges[11:17, 11:17].any()
    assert not edges[:5].any()
    assert not corrupt(np.full_like(image, 90), "canny_edges", 1).any()


def test_a_corruption_looks_the_same_at_twice_the_size() -> None:
    """Lengths grow with the image: the enlarged result resembles the result of the enlarged image."""
    small = rings(6)
    large = small.repeat(2, axis=1).repeat(2, axis=2)
    for name in ("gaussian_blur", "scale", "brightness", "contrast"):
        severity = 3
        enlarged = corrupt(small, name, severity).repeat(2, axis=1).repeat(2, axis=2).astype(float)
        assert np.abs(corrupt(large, name, severity) - enlarged).mean() < 10


def test_unknown_corruption_lists_the_known() -> None:
    with pytest.raises(InputError, match=r"unknown corruption 'frost'; choose one of brightness, .*, zigzag"):
        find_corruption("frost")


def test_names_with_dashes_and_groups() -> None:
    assert find_corruption("shot-noise").name == "shot_noise"
    assert {one.name for one in select_corruptions(["sweeps"])} == SWEEPS
    assert {one.name for one in select_corruptions(["mnist-c", "rotation"])} == {*PUBLISHED, "rotation"}
    assert [one.name for one in select_corruptions([])] == list(NAMES)


@pytest.mark.parametrize(("name", "severity"), [("fog", 6), ("fog", -1), ("stripe", 2)])
def test_severity_out_of_range(name: str, severity: int) -> None:
    with pytest.raises(InputError, match=rf"{name!r} has no severity {severity}; allowed are 0 to"):
        corrupt(rings(1), name, severity)


@pytest.mark.parametrize(
    "images",
    [
        np.zeros((2, 28, 28), dtype=np.uint8),
        np.zeros((2, 28, 28, 2), dtype=np.uint8),
        np.zeros((2, 28, 28, 1), dtype=np.float32),
        np.zeros((2, 0, 28, 1), dtype=np.uint8),
    ],
)
def test_images_of_another_type_or_shape(images: NDArray[np.uint8]) -> None:
    with pytest.raises(InputError, match="images to corrupt must be uint8 of shape"):
        corrupt(images, "fog", 1)
