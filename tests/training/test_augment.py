"""Augmentation stays within its ranges, derives from its seed alone, and suits the dataset."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from edgemnist.keras_io.tensorflow import load_tensorflow
from edgemnist.support.errors import InputError
from edgemnist.training.augment import (
    AUGMENTATIONS,
    NO_AUGMENTATION,
    Augmentation,
    augment_batch,
    augmentation_from,
    draw_changes,
    find_augmentation,
)


def augment(images: NDArray[np.float32], kind: Augmentation, seed: int = 0) -> NDArray[np.float32]:
    tf, _ = load_tensorflow()
    return np.asarray(
        augment_batch(tf, tf.constant(images), kind, draw_changes(tf, len(images), (seed, 1), kind.draws))
    )


def dots(count: int, row: int, column: int, side: int = 21) -> NDArray[np.float32]:
    images = np.zeros((count, side, side, 1), np.float32)
    images[:, row, column] = 255
    return images


def centres(images: NDArray[np.float32]) -> NDArray[Any]:
    """Return (row, column) of each image's centre of mass, shape (count, 2)."""
    mass = images[..., 0] / images.sum(axis=(1, 2, 3))[:, np.newaxis, np.newaxis]
    places = np.arange(images.shape[1])
    return np.stack([(mass.sum(axis=2) * places).sum(axis=1), (mass.sum(axis=1) * places).sum(axis=1)], axis=1)


@settings(max_examples=25, deadline=None)
@given(
    kind=st.sampled_from(AUGMENTATIONS),
    shape=st.tuples(st.integers(1, 5), st.integers(4, 20), st.integers(4, 20), st.sampled_from([1, 3])),
    seed=st.integers(0, 2**31 - 1),
)
def test_shape_and_value_range_stay(kind: Augmentation, shape: tuple[int, ...], seed: int) -> None:
    images = np.random.default_rng(seed).integers(0, 256, shape).astype(np.float32)
    changed = augment(images, kind, seed)
    assert changed.shape == images.shape
    assert changed.min() >= 0
    assert changed.max() <= 255 + 1e-3


@pytest.mark.parametrize("kind", AUGMENTATIONS, ids=lambda kind: kind.name)
def test_the_seed_decides_everything(kind: Augmentation) -> None:
    images = np.random.default_rng(0).integers(0, 256, (8, 28, 28, 1)).astype(np.float32)
    assert np.array_equal(augment(images, kind, 1), augment(images, kind, 1))
    assert np.array_equal(augment(images, kind, 1), augment(images, kind, 2)) == (kind is NO_AUGMENTATION)


@pytest.mark.parametrize("side", [21, 63])
def test_shift_moves_within_its_share_of_the_image_and_reaches_it(side: int) -> None:
    middle, most = side // 2, 2 * side // 21
    moved = centres(augment(dots(500, middle, middle, side), Augmentation("shift", "", shift=2 / 21))) - middle
    assert np.abs(moved).max() <= most + 1e-4
    assert np.abs(moved).max(axis=0).min() > 0.95 * most
    assert abs(moved.mean()) < 0.2


def test_rotation_turns_about_the_centre_within_its_range() -> None:
    kind = Augmentation("rotation", "", rotation=30)
    assert np.allclose(centres(augment(dots(50, 10, 10), kind)), 10, atol=1e-3)
    turned = centres(augment(dots(500, 10, 18), kind)) - 10
    degrees = np.degrees(np.arctan2(turned[:, 0], turned[:, 1]))
    assert 28 < np.abs(degrees).max() < 33
    assert np.allclose(np.hypot(*turned.T), 8, atol=0.5)


def test_zoom_scales_about_the_centre_within_its_range() -> None:
    distances = centres(augment(dots(500, 10, 18), Augmentation("zoom", "", zoom=0.25)))[:, 1] - 10
    assert 8 / 1.25 - 0.3 <= distances.min() < 6.8
    assert 9.5 < distances.max() <= 10.1


def test_a_strength_scales_every_range_but_not_the_mirroring() -> None:
    half = find_augmentation("handwriting").scaled(0.5)
    assert (half.rotation, half.shift, half.zoom, half.shear) == (5, 1 / 28, 0.05, 0.05)
    assert find_augmentation("garments").scaled(2).flip
    assert not find_augmentation("handwriting").scaled(0).moves
    photos = find_augmentation("photos").scaled(0)
    assert photos.moves
    assert not photos.tints
    doubled = find_augmentation("photos").scaled(2)
    assert (doubled.light, doubled.colour) == (0.4, 0.2)


def test_flip_mirrors_about_half_of_the_images_exactly() -> None:
    images = np.random.default_rng(0).integers(0, 256, (200, 9, 12, 1)).astype(np.float32)
    changed = augment(images, Augmentation("flip", "", flip=True))
    mirrored = np.isclose(changed, images[:, :, ::-1], atol=0.1).all(axis=(1, 2, 3))
    untouched = np.isclose(changed, images, atol=0.1).all(axis=(1, 2, 3))
    assert np.all(mirrored ^ untouched)
    assert 70 < mirrored.sum() < 130


def test_letters_and_digits_are_never_mirrored_and_garments_never_turned() -> None:
    assert not find_augmentation("handwriting").flip
    assert find_augmentation("garments").flip
    assert find_augmentation("garments").rotation == 0


def test_digits_of_28_pixels_move_by_whole_pixels_as_ever() -> None:
    moves = {kind.name: kind.shift * 28 for kind in AUGMENTATIONS}
    assert (moves["handwriting"], moves["garments"], moves["gentle"]) == (2, 1, 1)
    assert find_augmentation("handwriting").draws == 7


def test_light_changes_all_channels_alike_and_colour_each_by_itself() -> None:
    grey = np.full((400, 4, 4, 3), 100, np.float32)
    light = augment(grey, Augmentation("light", "", light=0.2))
    assert np.ptp(light, axis=(1, 2, 3)).max() < 1e-3
    low, high = (100 - 127.5) * 1.2 + 127.5 - 51, (100 - 127.5) * 0.8 + 127.5 + 51
    assert low - 1e-3 <= light.min() < 55
    assert 145 < light.max() <= high + 1e-3
    colour = augment(grey, Augmentation("colour", "", colour=0.1))[:, 0, 0]
    assert 89.99 <= colour.min() < 91
    assert 109 < colour.max() <= 110.01
    assert abs(np.corrcoef(colour[:, 0], colour[:, 2])[0, 1]) < 0.2
    black = np.zeros((50, 4, 4, 1), np.float32)
    assert augment(black, find_augmentation("photos")).shape == black.shape


def test_what_comes_into_a_photo_is_like_its_edge_and_into_a_drawing_black() -> None:
    bright = np.full((100, 12, 12, 1), 200, np.float32)
    assert augment(bright, Augmentation("photo", "", shift=0.3, fill="NEAREST")).min() > 199
    assert augment(bright, Augmentation("drawing", "", shift=0.3)).min() == 0


@pytest.mark.parametrize(
    ("augment_flag", "name", "expected"),
    [
        (None, None, None),
        (True, None, "auto"),
        (False, None, "none"),
        (None, "gentle", "gentle"),
        (True, "none", "none"),
    ],
)
def test_the_two_options_come_to_one_choice(augment_flag: bool | None, name: str | None, expected: str | None) -> None:
    assert augmentation_from(augment_flag, name) == expected


def test_contradicting_options_are_refused() -> None:
    with pytest.raises(InputError, match="contradict"):
        augmentation_from(False, "gentle")


def test_unknown_kind_lists_all() -> None:
    with pytest.raises(InputError, match="'blur'; choose one of handwriting, garments, gentle, photos, signs, none"):
        find_augmentation("blur")
