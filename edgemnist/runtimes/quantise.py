"""Pixels to a model's input and a model's output to real numbers; the only place where either is computed.

``real = scale * (q - zero_point)`` and ``q = round(real / scale) + zero_point``, rounded half away from zero in float32
and clipped to the type's range, as TFLite's QUANTIZE operator does (TFLite 8-bit quantisation specification).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.data.base import Normalisation
from edgemnist.errors import ModelError
from edgemnist.tflite_file import Quantisation, TensorInfo

_INTEGER_TYPES = ("int8", "uint8", "int16")


def quantise_table(normalisation: Normalisation, quantisation: Quantisation, dtype: str) -> NDArray[Any]:
    """Return the quantised input of each pixel value: shape (256,), of ``dtype`` (int8, uint8 or int16).

    With pixels normalised to [0, 1], scale 1/255 and zero point -128 this is ``pixel - 128``.
    """
    real = normalisation.apply(np.arange(256, dtype=np.uint8))
    steps = real / np.float32(quantisation.scale)
    whole = np.trunc(steps)
    # Not floor(steps + 0.5): that sum rounds up when the value is the float just below a half.
    rounded = whole + np.sign(steps) * (np.abs(steps - whole) >= np.float32(0.5))
    limits = np.iinfo(dtype)
    shifted = rounded.astype(np.float64) + quantisation.zero_point
    return np.asarray(np.clip(shifted, limits.min, limits.max), dtype=dtype)


def model_input(images: NDArray[np.uint8], tensor: TensorInfo, normalisation: Normalisation) -> NDArray[Any]:
    """Return images as the input that a ``.tflite`` model takes.

    :param images: uint8, shape (N, height, width, channels), 0..255.
    :returns: shape (N, *the input's shape without its batch), in the input's dtype.
    :raises ModelError: the input has another number of elements than an image, a batch other than 1, or a type that
        no image can be turned into.
    """
    shaped = _in_shape(images, tensor)
    if tensor.dtype == "float32":
        return normalisation.apply(shaped)
    if tensor.dtype not in _INTEGER_TYPES or tensor.quantisation is None or tensor.quantisation.per_channel:
        raise ModelError(
            f"the model's input {tensor.name!r} of type {tensor.dtype} cannot be fed images; "
            "it has to be float32, or int8, uint8 or int16 with one scale"
        )
    return np.asarray(quantise_table(normalisation, tensor.quantisation, tensor.dtype)[shaped])


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
