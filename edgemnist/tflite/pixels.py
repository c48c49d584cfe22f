"""The usual ranges of normalised pixels, which of them a quantised input was made for, and its value for each pixel."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.support.errors import ModelError
from edgemnist.tflite.file import Quantisation, TensorInfo, TfliteModel
from edgemnist.tflite.integers import to_integers, to_real
from edgemnist.tflite.normalisation import NORMALISATIONS, Normalisation
from edgemnist.tflite.preprocessing import Preprocessing

INTEGER_TYPES = ("int8", "uint8", "int16")

NEAR = 0.12
"""Share of a usual range by which the ends of an integer input may miss it and still be taken for it."""


def quantised_range(tensor: TensorInfo) -> tuple[float, float]:
    """Return the real values of the lowest and highest integer of a quantised tensor (int8, uint8, int16).

    :raises ModelError: the tensor is not one of these types or has no quantisation.
    """
    if tensor.dtype not in INTEGER_TYPES or tensor.quantisation is None:
        raise ModelError(f"tensor {tensor.name!r} of type {tensor.dtype} is not quantised; it has no integer range")
    limits = np.iinfo(tensor.dtype)
    scale, zero_point = tensor.quantisation.scale, tensor.quantisation.zero_point
    return (int(limits.min) - zero_point) * scale, (int(limits.max) - zero_point) * scale


def quantised_input(model: TfliteModel) -> TensorInfo | None:
    """Return the input, or what QUANTIZE makes of a float input, where that is an integer tensor with one scale."""
    tensor = model.input()
    if tensor.quantisation is None:
        readers = [operator for operator in model.operators if tensor.index in operator.inputs]
        if len(readers) != 1 or readers[0].kind != "QUANTIZE":
            return None
        tensor = model.tensors[readers[0].outputs[0]]
    integer = tensor.dtype in INTEGER_TYPES and tensor.quantisation is not None and not tensor.quantisation.per_channel
    return tensor if integer else None


def infer_normalisation(tensor: TensorInfo) -> Normalisation | None:
    """Return the normalisation whose range an integer input's quantisation covers; None if it has none.

    It is a usual one where both ends are near its ends: calibration sees no pixel of 255 in some datasets. Else it is
    that of the ends themselves, for which ``q`` is the pixel plus a constant.
    """
    if tensor.dtype not in INTEGER_TYPES or tensor.quantisation is None or tensor.quantisation.per_channel:
        return None
    low, high = quantised_range(tensor)
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        return None
    for normalisation in NORMALISATIONS.values():
        wanted_low, wanted_high = normalisation.ends()
        near = NEAR * (wanted_high - wanted_low)
        # int16 is symmetric: its range reaches below zero whatever the pixels are, so only its upper end tells.
        one_sided = tensor.dtype == "int16" and wanted_low == 0
        if abs(high - wanted_high) <= near and (one_sided or abs(low - wanted_low) <= near):
            return normalisation
    return None if tensor.dtype == "int16" else Normalisation((high - low) / 255.0, low)


def pixel_table(tensor: TensorInfo, normalisation: Normalisation, *, inverted: bool = False) -> NDArray[Any]:
    """Return what the input tensor holds for each pixel value 0..255: the tensor's dtype.

    The shape is (256,), or (256, channels) for a normalisation with numbers for each. float32 holds the normalised
    value itself. Integers hold ``clamp(round(real / scale) + zero_point)``, divided in float32 and halves rounded away
    from zero, as TFLite's QUANTIZE kernel does (TFLite 8-bit quantisation specification). Pixels in [0, 1], scale 1/255
    and zero point -128 make that ``pixel - 128``. With ``inverted`` it is that of 255 less the pixel.

    :raises ModelError: the tensor's type takes no pixels, or an integer tensor has no per-tensor quantisation.
    """
    values = np.arange(256, dtype=np.uint8)
    values = values[::-1] if inverted else values
    real = normalisation.apply(values if normalisation.channels == 1 else values[:, np.newaxis])
    return real if tensor.dtype == "float32" else quantise(real, tensor)


def quantise(real: NDArray[np.float32], tensor: TensorInfo) -> NDArray[Any]:
    """Return real values as an integer tensor holds them, as :func:`pixel_table` says; the same shape.

    :raises ModelError: the tensor's type takes no pixels, or has no per-tensor quantisation.
    """
    quantisation = tensor.quantisation
    if tensor.dtype not in INTEGER_TYPES or quantisation is None or quantisation.per_channel:
        raise ModelError(
            f"input {tensor.name!r} of type {tensor.dtype} cannot be fed images; "
            "it has to be float32, or int8, uint8 or int16 with one scale"
        )
    if not (math.isfinite(quantisation.scale) and quantisation.scale > 0):
        raise ModelError(f"input {tensor.name!r} has scale {quantisation.scale!r}; a scale is a positive number")
    return to_integers(real, quantisation.scale, quantisation.zero_point, tensor.dtype)


def model_input(images: NDArray[np.uint8], tensor: TensorInfo, preprocessing: Preprocessing) -> NDArray[Any]:
    """Return images as the input that a ``.tflite`` model takes.

    :param images: uint8, shape (N, height, width, channels), 0..255, upright, red first.
    :returns: shape (N, *the input's shape without its batch), in the input's dtype.
    :raises ModelError: the input has another number of elements than an image, a batch other than 1, or a type that
        no image can be turned into.
    """
    _check_shape(images, tensor)
    arranged = preprocessing.arranged(images)
    table = pixel_table(tensor, preprocessing.normalisation, inverted=preprocessing.inverted)
    values = table[arranged] if table.ndim == 1 else table[arranged, np.arange(table.shape[1])]
    return np.ascontiguousarray(preprocessing.in_layout(values)).reshape(len(images), *tensor.shape[1:])


def _check_shape(images: NDArray[np.uint8], tensor: TensorInfo) -> None:
    batch, *image_shape = tensor.shape or (0,)
    if batch != 1 or int(np.prod(image_shape)) != int(np.prod(images.shape[1:])):
        raise ModelError(
            f"the model takes an input of shape {list(tensor.shape)}, which images of shape "
            f"{list(images.shape[1:])} do not fit; name the dataset that it was trained on, and convert with batch 1"
        )


def dequantise(values: NDArray[Any], quantisation: Quantisation | None) -> NDArray[np.float32]:
    """Return quantised values as real numbers; values without quantisation as they are. float32, the same shape."""
    if quantisation is None:
        return values.astype(np.float32)
    return to_real(values, quantisation.scale, quantisation.zero_point)
