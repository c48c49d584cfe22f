"""The representative dataset of an int8 conversion, and the checks that it fits how the model was trained.

Nothing in the converter notices wrong images: blank ones cost nearly all accuracy, a wrong range half of it, without a
word. So the images are checked before, the resulting input scale after.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.data.base import Split
from edgemnist.data.splits import class_balanced_sample
from edgemnist.support.errors import DatasetError, InputError, ModelError
from edgemnist.tflite.file import TfliteModel
from edgemnist.tflite.normalisation import Normalisation, normalisation_name
from edgemnist.tflite.pixels import quantised_input, quantised_range

FULL_RANGE_SHARE = 0.9
"""Share of 0..255 that calibration images are expected to span; below it the user is told."""

LEAST_RANGE_SHARE = 0.1
"""Below this share the images are next to blank (0/1 masks, pixels already divided by 255) and are refused."""

SCALE_TOLERANCE = 0.01
"""Relative difference between the input scale and the one that the normalisation implies, below which they agree."""

REFUSED_SCALE_RATIO = 2.0
"""Input scales further off than this factor are refused: most of the integer range would be empty or clamped."""


@dataclass(frozen=True, eq=False)
class Calibration:
    """A class-balanced sample of training images, and what the user must know about it.

    ``images``: uint8, shape (count, height, width, channels), 0..255. ``counts``: images of each class.
    ``warnings`` are sentences.
    """

    images: NDArray[np.uint8]
    counts: tuple[int, ...]
    seed: int
    sha256: str
    warnings: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Return what the manifest keeps: enough to draw the same images again and to tell that they are the same."""
        return {
            "images": len(self.images),
            "seed": self.seed,
            "per_class": list(self.counts),
            "pixel_range": [int(self.images.min()), int(self.images.max())],
            "sha256": self.sha256,
        }


def choose_calibration(train: Split, count: int, seed: int, class_names: Sequence[str]) -> Calibration:
    """Draw the representative dataset from the training images and check it.

    :raises InputError: ``count`` is not 1..number of training images.
    :raises DatasetError: the images are blank or next to blank.
    """
    if not 0 < count <= len(train):
        raise InputError(f"cannot calibrate with {count} images; the dataset has {len(train)} training images")
    sample = class_balanced_sample(train, count, seed)
    counts = np.bincount(sample.labels, minlength=len(class_names))
    digest = hashlib.sha256(sample.images.tobytes() + sample.labels.tobytes()).hexdigest()
    notes = (*_check_range(sample.images), *_check_blank(sample.images), *_check_classes(counts, class_names))
    return Calibration(sample.images, tuple(int(n) for n in counts), seed, digest, notes)


def _check_range(images: NDArray[np.uint8]) -> list[str]:
    low, high = int(images.min()), int(images.max())
    share = (high - low) / 255.0
    if share < LEAST_RANGE_SHARE:
        raise DatasetError(
            f"the calibration images' pixels span only {low}..{high} of 0..255: they are blank, or were divided "
            "already; give images with pixels of 0..255"
        )
    if share < FULL_RANGE_SHARE:
        return [
            f"the calibration images' pixels span only {low}..{high} of 0..255; pixels outside will be clamped: "
            "calibrate with more images, or stretch the dataset's contrast before training"
        ]
    return []


def _check_blank(images: NDArray[np.uint8]) -> list[str]:
    flat = images.reshape(len(images), -1)
    blank = int((flat.min(axis=1) == flat.max(axis=1)).sum())
    if blank * 2 > len(images):
        raise DatasetError(
            f"{blank} of {len(images)} calibration images are blank (one colour); "
            "calibrate with images like those that the model will see"
        )
    return [f"{blank} of {len(images)} calibration images are blank (one colour)"] if blank else []


def _check_classes(counts: NDArray[np.int64], class_names: Sequence[str]) -> list[str]:
    missing = [class_names[label] for label in np.flatnonzero(counts == 0)]
    if not missing:
        return []
    shown = ", ".join(repr(name) for name in missing[:5]) + (", ..." if len(missing) > 5 else "")
    return [
        f"{len(missing)} of {len(class_names)} classes have no calibration image ({shown}); "
        f"calibrate with at least {len(class_names)} images of a dataset that has them all"
    ]


def check_input_scale(model: TfliteModel, normalisation: Normalisation) -> list[str]:
    """Compare the range of a converted model's quantised input with the range that pixels have after normalisation.

    Returns warnings; empty when they agree to within :data:`SCALE_TOLERANCE` and one step of the zero point.

    :raises ModelError: the ranges are too far apart for the model to see its images.
    """
    tensor = quantised_input(model)
    if tensor is None:
        return []
    low, high = quantised_range(tensor)
    wanted_low, wanted_high = normalisation.ends()
    span, wanted_span = high - low, wanted_high - wanted_low
    if tensor.dtype == "int16":  # symmetric, zero point 0: only the larger magnitude counts
        span, wanted_span = high, max(abs(wanted_low), abs(wanted_high))
        low = wanted_low
    step = wanted_span / 255.0
    if abs(span / wanted_span - 1.0) <= SCALE_TOLERANCE and abs(low - wanted_low) <= 1.01 * step:
        return []
    message = (
        f"the {tensor.dtype} input covers {low:.4g}..{high:.4g}, but pixels normalised to "
        f"{normalisation_name(normalisation)} reach {wanted_low:.4g}..{wanted_high:.4g}"
    )
    if not 1.0 / REFUSED_SCALE_RATIO <= span / wanted_span <= REFUSED_SCALE_RATIO:
        raise ModelError(
            f"{message}; calibrate with the images and the --normalisation that the model was trained with"
        )
    return [f"{message}; values outside are clamped: calibrate with more images"]
