"""From arrays as they come to images and labels: layouts, types and ranges worked out or refused."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.data.values import BYTES, ValueScale, scale_of
from edgemnist.support.errors import DatasetError
from edgemnist.support.limits import MAX_LABEL_CHARACTERS
from edgemnist.support.words import some

LEAST_FLAT_SIDE = 8
"""Rows of fewer numbers than a square of this side has are taken for measurements, not for pictures."""

_LEAST_WIDE_BITS = 10
_LISTED = 20  # labels that a message names
_LEAST_ROUNDED = 16.0  # what a fractional value has to exceed to count as one of 0..255


@dataclass(frozen=True, eq=False)
class ReadImages:
    """Images of several arrays, uint8 of shape (count, height, width, channels); what their values were taken for."""

    images: tuple[NDArray[np.uint8], ...]
    values: str
    remarks: tuple[str, ...]


def as_images(arrays: Mapping[str, NDArray[Any]], where: str) -> ReadImages:
    """Return the images of arrays that belong together, in one scale.

    The keys say in messages which array it is, ``where`` which file they are in.

    Shapes: (count, height, width), the same with 1 or 3 channels last or first, or (count, side * side). Values: bool;
    integers from 0, those beyond 255 as many bits as the largest needs; floats in 0..1, or in 0..255.

    :raises DatasetError: another shape, type or range; says what to do.
    """
    laid_out = {name: _channels_last(array, f"{name} in {where}") for name, array in arrays.items()}
    remarks = _about_layouts(arrays)
    scales: dict[str, ValueScale] = {}
    for kind in {array.dtype.kind for array in laid_out.values()}:
        alike = {name: array for name, array in laid_out.items() if array.dtype.kind == kind}
        scales[kind] = _scale(kind, alike, where, remarks)
    images = tuple(_to_bytes(array, scales[array.dtype.kind]) for array in laid_out.values())
    return ReadImages(images, "; ".join(sorted({scale.words for scale in scales.values()})), tuple(remarks))


def _to_bytes(array: NDArray[Any], scale: ValueScale) -> NDArray[np.uint8]:
    if array.dtype == np.uint8:
        return array
    if scale is BYTES and array.dtype.kind in "iu":
        return array.astype(np.uint8)
    images = np.empty(array.shape, dtype=np.uint8)
    for start in range(0, len(array), 4096):  # in parts: floats in between take eight times the memory
        images[start : start + 4096] = scale.to_bytes(array[start : start + 4096])
    return images


# --- shapes ---------------------------------------------------------------------------------------------------------


def _channels_last(array: NDArray[Any], name: str) -> NDArray[Any]:
    if 0 in array.shape:
        raise _wrong_shape(array, name)
    if array.ndim == 2:
        return _unflattened(array, name)
    if array.ndim == 3:
        return array[..., None]
    if array.ndim == 4 and array.shape[3] in (1, 3):
        return array
    if _channels_first(array):
        return np.ascontiguousarray(array.transpose(0, 2, 3, 1))
    raise _wrong_shape(array, name)


def _channels_first(array: NDArray[Any]) -> bool:
    return array.ndim == 4 and array.shape[1] in (1, 3) and array.shape[3] not in (1, 3)


def _unflattened(array: NDArray[Any], name: str) -> NDArray[Any]:
    """Return rows of square grey images as images; rows of colours are ambiguous and refused."""
    numbers = array.shape[1]
    side, coloured = math.isqrt(numbers), math.isqrt(numbers // 3)
    if side * side == numbers and side >= LEAST_FLAT_SIDE:
        return array.reshape(len(array), side, side, 1)
    if 3 * coloured * coloured == numbers and coloured >= LEAST_FLAT_SIDE:
        raise DatasetError(
            f"{name} has shape {array.shape}: rows of {coloured}x{coloured} colours, of which nobody knows the order; "
            f"save it as x.reshape(-1, 3, {coloured}, {coloured}) if the planes of red, green and blue follow one "
            f"another, as in CIFAR's files, else as x.reshape(-1, {coloured}, {coloured}, 3)"
        )
    raise _wrong_shape(array, name)


def _about_layouts(arrays: Mapping[str, NDArray[Any]]) -> list[str]:
    """Return what was made of rows of pixels and of channels that come first."""
    flat = {name: array.shape[1] for name, array in arrays.items() if array.ndim == 2}
    first = [name for name, array in arrays.items() if _channels_first(array)]
    remarks = []
    if flat:
        numbers = next(iter(flat.values()))
        side = math.isqrt(numbers)
        remarks.append(f"{' and '.join(flat)}: rows of {numbers:,} numbers, taken for {side}x{side} pixels row by row")
    if first:
        remarks.append(f"{' and '.join(first)}: channels come first, and were put last")
    return remarks


def _wrong_shape(array: NDArray[Any], name: str) -> DatasetError:
    remedy = ""
    if array.ndim == 4 and array.shape[2] in (1, 3) and array.shape[3] > 4:
        remedy = "; save x.transpose(3, 0, 1, 2), so that the count comes first"
    elif array.ndim == 4 and array.shape[3] == 4:
        remedy = "; save x[..., :3] to leave out the transparency"
    elif array.ndim == 2:
        remedy = "; give rows of pixels their height and width with x.reshape(-1, height, width)"
    return DatasetError(
        f"{name} has shape {array.shape}; images must have shape (count, height, width) or "
        f"(count, height, width, channels) with 1 or 3 channels, and there must be some{remedy}"
    )


# --- values ---------------------------------------------------------------------------------------------------------


def _scale(kind: str, alike: Mapping[str, NDArray[Any]], where: str, remarks: list[str]) -> ValueScale:
    """Return the one scale of arrays of the same kind of type."""
    names = f"{' and '.join(alike)} in {where}"
    if kind == "b":
        return ValueScale(0, 1, "black and white")
    if kind not in "iuf":
        raise DatasetError(
            f"{names} has type {next(iter(alike.values())).dtype}; pixels must be numbers, best uint8 from 0 to 255"
        )
    if all(array.dtype == np.uint8 for array in alike.values()):
        return BYTES
    low = float(min(array.min() for array in alike.values()))
    high = float(max(array.max() for array in alike.values()))
    if not (low >= 0 and high < math.inf):
        raise _wrong_range(names, low, high)
    if kind == "f" and high <= 1:
        return scale_of("floats", low, high)
    if kind == "f":
        _require_one_range(alike, where)
    if kind == "f" and not all(_whole(array) for array in alike.values()):
        if not _LEAST_ROUNDED < high <= 255:
            raise DatasetError(
                f"{names} has fractional values up to {high:g}; floats must lie in 0..1, or in 0..255: "
                f"{_remedy_for(low, high)}"
            )
        remarks.append(f"{' and '.join(alike)}: fractional values up to {high:g}, rounded to whole ones in 0..255")
        return ValueScale(0, 255, "fractions from 0 to 255, rounded")
    if high > 255 and not 2 ** (_LEAST_WIDE_BITS - 1) <= high <= 65535:
        raise _wrong_range(names, low, high)
    return scale_of("integers", low, high)


def _require_one_range(alike: Mapping[str, NDArray[Any]], where: str) -> None:
    """Refuse floats of which some arrays are fractions of 1 and others are not.

    :raises DatasetError: names two of them.
    """
    fractions = [name for name, array in alike.items() if array.max() <= 1 and not _whole(array)]
    others = [name for name in alike if name not in fractions and alike[name].max() > 1]
    if fractions and others:
        raise DatasetError(
            f"{fractions[0]} in {where} lies in 0..1, {others[0]} goes up to {float(alike[others[0]].max()):g}; save "
            "both in the same range"
        )


def _whole(array: NDArray[Any]) -> bool:
    parts = (array[start : start + 4096] for start in range(0, len(array), 4096))
    return all(np.array_equal(part, np.rint(part)) for part in parts)


def _wrong_range(names: str, low: float, high: float) -> DatasetError:
    return DatasetError(
        f"{names} has values from {low:g} to {high:g}; pixels must lie in 0..255, or as floats in 0..1: "
        f"{_remedy_for(low, high)}"
    )


def _remedy_for(low: float, high: float) -> str:
    if not (math.isfinite(low) and math.isfinite(high)):
        return "replace NaN and infinity, for example with numpy.nan_to_num"
    if -1 <= low < 0 and high <= 1:
        return "save numpy.rint((x + 1) * 127.5).astype('uint8')"
    if -128 <= low < 0 and high <= 127 and low == int(low):
        return "save (x.astype('int16') + 128).astype('uint8')"
    if low < 0:
        return "save the pixels as they were before they were standardised"
    return f"save numpy.rint(x * (255 / {high:g})).astype('uint8')"


# --- labels ---------------------------------------------------------------------------------------------------------


def as_labels(array: NDArray[Any], count: int, name: str) -> NDArray[Any]:
    """Return labels, integers or text, with shape (count,).

    Takes (count,) and (count, 1) of integers, whole floats or text, and one-hot rows (count, classes).

    :raises DatasetError: another number of labels than images, or something else.
    """
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim == 2 and len(array) == count and array.dtype.kind in "biuf":
        array = _from_one_hot(array, name)
    if array.shape != (count,):
        raise DatasetError(f"{name} has shape {array.shape}, but there are {count} images; every image needs one label")
    if array.dtype.kind == "S":
        array = np.char.decode(array, "utf-8", "replace")
    if array.dtype.kind == "f" and np.isfinite(array).all() and np.array_equal(array, np.rint(array)):
        array = array.astype(np.int64)
    if array.dtype.kind not in "biuU":
        raise DatasetError(
            f"{name} has type {array.dtype}; labels must be integers or text: save the number or the name of each "
            "image's class"
        )
    return array


def _from_one_hot(array: NDArray[Any], name: str) -> NDArray[np.int64]:
    ones = array == 1
    if not ((ones.sum(axis=1) == 1).all() and (ones | (array == 0)).all()):
        raise DatasetError(
            f"{name} has shape {array.shape}, but its rows are not one-hot (a single 1, otherwise 0), and every image "
            "needs one label; save y.argmax(axis=1) if they are probabilities of one class"
        )
    return np.asarray(ones.argmax(axis=1), dtype=np.int64)


def number_classes(
    train: NDArray[Any], test: NDArray[Any], name: str
) -> tuple[NDArray[np.int64], NDArray[np.int64], tuple[str, ...]]:
    """Return (train labels, test labels, class names) with the labels renumbered 0..classes-1 in sorted order.

    The class names are the original labels.

    :raises DatasetError: fewer than two classes, or the test labels have some that the training labels lack.
    """
    if (train.dtype.kind == "U") != (test.dtype.kind == "U"):
        raise DatasetError(f"{name} has text for labels in one split and numbers in the other; use the same for both")
    longest = max(int(np.char.str_len(part).max(initial=0)) for part in (train, test)) if train.dtype.kind == "U" else 0
    if longest > MAX_LABEL_CHARACTERS:
        raise DatasetError(
            f"{name} has a label of {longest:,} characters, at most {MAX_LABEL_CHARACTERS} are read; give the class a "
            "shorter name"
        )
    classes = np.unique(train)
    if len(classes) < 2:
        raise DatasetError(f"{name} has the label {classes[0]} only; a classifier needs at least two classes")
    unknown = np.setdiff1d(test, classes)
    if len(unknown):
        strange, usual = some(list(unknown), _LISTED), some(list(classes), _LISTED)
        raise DatasetError(
            f"{name} has the label{'s' * (len(unknown) > 1)} {strange} among the test images but not among "
            f"the training images, which have {usual}; remove those test images, or add training images of them"
        )
    return (
        np.searchsorted(classes, train).astype(np.int64),
        np.searchsorted(classes, test).astype(np.int64),
        tuple(str(label) for label in classes),
    )
