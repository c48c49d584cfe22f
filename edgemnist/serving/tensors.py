"""Numbers of a request to a model's input."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.http.problems import bad_request, too_large
from edgemnist.serving.engine import DEPTH
from edgemnist.serving.models import ServedModel
from edgemnist.tflite.pixels import INTEGER_TYPES, quantise


def array_of(values: Any) -> NDArray[np.float32]:
    """Return nested lists of numbers as float32.

    :raises RequestError: 400 they are something else, or their lists differ in length.
    """
    try:
        found = np.array(values, dtype=np.float64)
    except (ValueError, TypeError, OverflowError) as error:
        raise bad_request(f"the input is no tensor of numbers ({error}); send nested lists of one length each") from (
            error
        )
    with np.errstate(over="ignore"):
        return found.astype(np.float32)


def real_inputs(values: NDArray[np.float32], model: ServedModel) -> NDArray[Any]:
    """Return real values, as the float model takes them, as the model's input: quantised for one that is int8.

    :param values: shape (count, *input shape); the last axis may be missing where it is 1.
    :raises RequestError: 400 another shape, or infinite or no numbers; 413 more than an engine takes.
    """
    shaped = batched(values, model.input_shape, model)
    if not np.isfinite(shaped).all():
        raise bad_request("the input has values that are infinite or no numbers (NaN); send finite ones")
    tflite = model.model.tflite
    if tflite is not None and tflite.input().dtype in INTEGER_TYPES:
        return quantise(shaped, tflite.input())
    return shaped


def pixel_inputs(values: NDArray[np.uint8], model: ServedModel) -> NDArray[Any]:
    """Return images, uint8 of shape (count, height, width, channels) in 0..255, as the model's input.

    :raises RequestError: as :func:`real_inputs`.
    """
    return model.inputs(batched(values, model.context.preprocessing.image_shape, model))


def raw_inputs(values: NDArray[np.int8], model: ServedModel) -> NDArray[Any]:
    """Return quantised values, shape (count, *input shape), as the input of an int8 model.

    :raises RequestError: 400 the model takes no int8, or as :func:`real_inputs`.
    """
    if not model.is_int8:
        raise bad_request(f"the model {model.name!r} is not int8 from input to output; send FP32 or UINT8")
    return batched(values, model.input_shape, model)


def batched(values: NDArray[Any], shape: tuple[int, ...], model: ServedModel) -> NDArray[Any]:
    """Return values as shape (count, *shape), contiguous; a last axis of 1 may have been left out."""
    found = values.shape
    if found[1:] != shape and not (shape[-1:] == (1,) and found[1:] == shape[:-1]):
        wanted = ", ".join(map(str, shape))
        raise bad_request(f"the input has the shape {list(found)}; the model {model.name!r} takes [count, {wanted}]")
    if not 1 <= len(values) <= DEPTH:
        raise too_large(f"{len(values)} inputs in one request; send 1 to {DEPTH}")
    return np.ascontiguousarray(values.reshape(len(values), *shape))
