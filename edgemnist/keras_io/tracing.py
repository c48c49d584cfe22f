"""A model's function as TensorFlow's graph: traced for one image, checked, with one row of scores as its output."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from edgemnist.keras_io.tensorflow import load_tensorflow
from edgemnist.support.errors import ModelError, first_line

_REDUCED = ("float16", "bfloat16")


def why(error: BaseException) -> str:
    """Return why TensorFlow does not run a model, in a line."""
    text = first_line(error)
    if "NHWC" in str(error) or "NCHW" in str(error):
        return f"{text}; it has channels first, which TensorFlow runs on few CPUs: train it with channels_last"
    # What a function of Python's own ended with stands at the end of the lines on where it was called.
    in_python = [line for line in str(error).splitlines() if re.match(r"\w+Error: ", line)]
    if in_python:
        return f"{in_python[-1]}; export it so that it runs in another process, without functions of Python's own"
    return text


def shape_words(shape: Sequence[int | None]) -> str:
    """Return a shape as people write it, ? where a size is free."""
    return "x".join("?" if size is None else str(size) for size in shape) or "none at all"


def trace(call: Callable[[Any], Any], shape: Sequence[int | None], path: Path) -> Any:
    """Return a concrete function for inputs of one shape.

    The one that is converted has a batch of one: a free batch drags shape arithmetic into the ``.tflite``.
    """
    tensorflow, _ = load_tensorflow()

    def classify(image: Any) -> Any:
        return call(image)

    # Without autograph: it would parse this source, and there is no Python control flow to turn into graph.
    traced = tensorflow.function(classify, autograph=False)
    try:
        return traced.get_concrete_function(tensorflow.TensorSpec(shape, tensorflow.float32, name="image"))
    except (ValueError, TypeError, tensorflow.errors.OpError) as error:
        raise ModelError(
            f"{str(path)!r} cannot be called on float32 images of shape {shape_words(shape)}: {why(error)}"
        ) from error


def trace_any_number(call: Callable[[Any], Any], input_shape: tuple[int, ...]) -> Any:
    """Return a concrete function for any number of inputs, None where the model does not take that."""
    try:
        return trace(call, [None, *input_shape], Path())
    except ModelError:
        return None


Wrapping = Callable[[Callable[[Any], Any]], Callable[[Any], Any]]


def outputs_of(path: Path, function: Any) -> tuple[int, Wrapping | None]:
    """Return the number of scores, and what makes one float32 row of them where the model gives another form.

    :raises ModelError: they are no row.
    """
    tensorflow, _ = load_tensorflow()
    output = function.structured_outputs
    shape = list(getattr(output, "shape", ()))
    width = max((size for size in shape[1:] if size is not None), default=1)
    if not shape or None in shape or math.prod(shape) != width:
        raise ModelError(
            f"{str(path)!r} has an output of shape {shape_words(shape)}; a classifier's is 1 x number of classes"
        )
    if len(shape) == 2 and output.dtype == tensorflow.float32:
        return width, None
    row = lambda call: lambda image: tensorflow.reshape(tensorflow.cast(call(image), tensorflow.float32), [-1, width])  # noqa: E731
    return width, row


def require_float32(path: Path, function: Any) -> None:
    """Refuse a graph that computes in half precision: the converter ends in pages of MLIR on it.

    :raises ModelError: it does.
    """
    tensorflow, _ = load_tensorflow()
    definition = function.graph.as_graph_def()
    nodes = [*definition.node, *(node for one in definition.library.function for node in one.node_def)]
    types = {value.type for node in nodes for value in node.attr.values()}
    found = [name for name in _REDUCED if tensorflow.as_dtype(name).as_datatype_enum in types]
    if found:
        raise ModelError(
            f"{str(path)!r} computes in {found[0]}, as with the policy mixed_{found[0]}, which .tflite does not; save "
            "the Keras model itself, model.save('net.keras'): edgemnist loads that with layers of float32"
        )
