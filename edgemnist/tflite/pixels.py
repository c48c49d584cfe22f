"""The usual ranges of normalised pixels, which of them a quantised input was made for, and its value for each pixel."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.support.errors import InputError, ModelError
from edgemnist.tflite.file import Quantisation, TensorInfo
from edgemnist.tflite.normalisation import NORMALISATIONS, Normalisation

_INTEGER_TYPES = ("int8", "uint8", "int16")


def normalisation_named(name: str) -> Normalisation:
    """Return a usual normalisation by its range.

    :raises InputError: no such range; lists those that there are.
    """
    if name not in NORMALISATIONS:
        raise InputError(f"unknown normalisation {name!r}; choose one of {', '.join(NORMALISATIONS)}")
    return NORMALISATIONS[name]


def normalisation_name(normalisation: Normalisation) -> str:
    """Return the range's name, for people: ``0..1``, or the two ends of an unusual one."""
    for name, known in NORMALISATIONS.items():
        if np.allclose((normalisation.scale, normalisation.offset), (known.scale, known.offset), rtol=1e-6, atol=1e-9):
            return name
    low, high = real_range(normalisation)
    return f"{low:g}..{high:g}"


def real_range(normalisation: Normalisation) -> tuple[float, float]:
    """Return the lowest and highest real input that pixels 0..255 can make."""
    ends = (normalisation.offset, 255.0 * normalisation.scale + normalisation.offset)
    return min(ends), max(ends)


def quantised_range(tensor: TensorInfo) -> tuple[float, float]:
    """Return the real values of the lowest and highest integer of a quantised tensor (int8, uint8, int16).

    :raises ModelError: the tensor is not one of these types or has no quantisation.
    """
    if tensor.dtype not in _INTEGER_TYPES or tensor.quantisation is None:
        raise ModelError(f"tensor {tensor.name!r} of type {tensor.dtype} is not quantised; it has no integer range")
    limits = np.iinfo(tensor.dtype)
    scale, zero_point = tensor.quantisation.scale, tensor.quantisation.zero_point
    return (int(limits.min) - zero_point) * scale, (int(limits.max) - zero_point) * scale


def infer_normalisation(tensor: TensorInfo) -> Normalisation | None:
    """Return the usual normalisation whose range an input's quantisation covers to within one step, else None."""
    if tensor.dtype not in _INTEGER_TYPES or tensor.quantisation is None:
        return None
    ends = np.asarray(quantised_range(tensor))
    for normalisation in NORMALISATIONS.values():
        wanted = np.asarray(real_range(normalisation))
        step = (wanted[1] - wanted[0]) / 255.0
        # int16 is symmetric: its range reaches below zero whatever the pixels are, so only its upper end tells.
        distance = np.abs(ends - wanted)[1:] if tensor.dtype == "int16" and wanted[0] == 0 else np.abs(ends - wanted)
        if float(distance.max()) <= 1.01 * step:
            return normalisation
    return None


def pixel_table(tensor: TensorInfo, normalisation: Normalisation) -> NDArray[Any]:
    """Return what the input tensor holds for each pixel value 0..255: shape (256,), the tensor's dtype.

    float32 holds the normalised value itself. Integers hold ``clamp(round(real / scale) + zero_point)``, divided in
    float32 and halves rounded away from zero, as TFLite's QUANTIZE kernel does (TFLite 8-bit quantisation
    specification). Pixels in [0, 1], scale 1/255 and zero point -128 make that ``pixel - 128``.

    :raises ModelError: the tensor's type takes no pixels, or an integer tensor has no per-tensor quantisation.
    """
    real = normalisation.apply(np.arange(256, dtype=np.uint8))
    if tensor.dtype == "float32":
        return real
    quantisation = tensor.quantisation
    if tensor.dtype not in _INTEGER_TYPES or quantisation is None or quantisation.per_channel:
        raise ModelError(
            f"input {tensor.name!r} of type {tensor.dtype} cannot be fed images; "
            "it has to be float32, or int8, uint8 or int16 with one scale"
        )
    if not (math.isfinite(quantisation.scale) and quantisation.scale > 0):
        raise ModelError(f"input {tensor.name!r} has scale {quantisation.scale!r}; a scale is a positive number")
    scaled = real / np.float32(quantisation.scale)
    # Adding half before cutting would round up at half minus one ulp; comparing the cut-off part does not.
    whole = np.trunc(scaled)
    rounded = whole + np.sign(scaled) * (np.abs(scaled - whole) >= np.float32(0.5))
    limits = np.iinfo(tensor.dtype)
    shifted = rounded.astype(np.float64) + quantisation.zero_point
    return np.asarray(np.clip(shifted, limits.min, limits.max), dtype=tensor.dtype)


def quantise_images(images: NDArray[np.uint8], tensor: TensorInfo, normalisation: Normalisation) -> NDArray[Any]:
    """Return uint8 images of any shape as the input tensor's values, same shape, the tensor's dtype.

    :raises ModelError: as :func:`pixel_table` does.
    """
    return np.asarray(pixel_table(tensor, normalisation)[images])


def model_input(images: NDArray[np.uint8], tensor: TensorInfo, normalisation: Normalisation) -> NDArray[Any]:
    """Return images as the input that a ``.tflite`` model takes.

    :param images: uint8, shape (N, height, width, channels), 0..255.
    :returns: shape (N, *the input's shape without its batch), in the input's dtype.
    :raises ModelError: the input has another number of elements than an image, a batch other than 1, or a type that
        no image can be turned into.
    """
    return quantise_images(_in_shape(images, tensor), tensor, normalisation)


def _in_shape(images: NDArray[np.uint8], tensor: TensorInfo) -> NDArray[np.uint8]:
    batch, *image_shape = tensor.shape or (0,)
    if batch != 1 or int(np.prod(image_shape)) != int(np.prod(images.shape[1:])):
        raise ModelError(
            f"the model takes an input of shape {list(tensor.shape)}, which images of shape "
            f"{list(images.shape[1:])} do not fit; name the dataset that it was trained on, and convert with batch 1"
        )
    return images.reshape(len(images), *image_shape)


def dequantise(values: NDArray[Any], quantisation: Quantisation | None) -> NDArray[np.float32]:
    """Return quantised values as real numbers; values without quantisation as they are. float32, the same shape."""
    if quantisation is None:
        return values.astype(np.float32)
    shifted = values.astype(np.float32) - np.float32(quantisation.zero_point)
    return np.asarray(shifted * np.float32(quantisation.scale), dtype=np.float32)
