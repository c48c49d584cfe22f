"""Operators that move or select elements and compute nothing."""

from __future__ import annotations

import math

from edgemnist.keras_io.tensorflow import load_tensorflow
from edgemnist.onnx.registry import Use, operator
from edgemnist.onnx.values import (
    FIRST_TO_LAST,
    LAST_TO_FIRST,
    Form,
    RefusedError,
    Value,
    layers,
    plain,
    reshaped,
    together,
)


@operator("Identity", "Dropout")
def identity(use: Use) -> Value:
    """Return the input: outside training a dropout drops nothing."""
    training = use.constant(2) if use.node.operator == "Dropout" else None
    if training is not None and training.any():
        raise RefusedError("drops values in training mode; export the model in evaluation mode")
    return use.value()


@operator("Cast")
def cast(use: Use) -> Value:
    """Return the input: whatever real type the original computes in, here it is float32."""
    names = {1: "FLOAT", 10: "FLOAT16", 11: "DOUBLE"}
    if use.attribute("to") not in names:
        raise RefusedError("casts to a type that is not real; only float32, float64 and float16")
    return use.value()


@operator("Flatten")
def flatten(use: Use) -> Value:
    """Return one row per image."""
    value = use.value()
    axis = use.attribute("axis", 1)
    if axis not in (1, 1 - value.rank):
        raise RefusedError(f"flattens from axis {axis}; only from 1, which keeps the images of a batch apart")
    return reshaped(value, (math.prod(value.shape),))


@operator("Reshape")
def reshape(use: Use) -> Value:
    """Return the input in another shape, in which the batch stays first."""
    value, wanted = use.value(), use.integers("shape", 1) or ()
    current = (use.batch, *value.shape)
    if use.attribute("allowzero", 0) and 0 in wanted:
        raise RefusedError(f"reshapes to {wanted}, in which nothing is left")
    sizes = [current[index] if size == 0 and index < len(current) else size for index, size in enumerate(wanted)]
    if -1 in sizes:
        known = -math.prod(sizes)
        sizes[sizes.index(-1)] = math.prod(current) // known if known > 0 else 0
    if len(sizes) < 2 or sizes[0] != use.batch or math.prod(sizes) != math.prod(current):
        raise RefusedError(f"reshapes {current} to {wanted}; only so that the images of a batch stay apart")
    return reshaped(value, sizes[1:])


@operator("Squeeze")
def squeeze(use: Use) -> Value:
    """Return the input without axes of one element."""
    value, axes = use.value(), use.integers("axes", 1)
    if axes is None and use.batch == 1:
        raise RefusedError("squeezes every axis of one element, the batch too; name the axes")
    gone = {axis % value.rank for axis in axes or [i + 1 for i, size in enumerate(value.shape) if size == 1]}
    if 0 in gone:
        raise RefusedError("squeezes the batch; the images of a batch have to stay apart")
    return reshaped(value, [size for index, size in enumerate(value.shape, start=1) if index not in gone])


@operator("Unsqueeze")
def unsqueeze(use: Use) -> Value:
    """Return the input with axes of one element put in."""
    value, axes = use.value(), use.integers("axes", 1) or ()
    rank = value.rank + len(axes)
    new = {axis % rank for axis in axes}
    if 0 in new:
        raise RefusedError("puts an axis before the batch; the batch has to stay first")
    rest = iter(value.shape)
    return reshaped(value, [1 if index in new else next(rest) for index in range(1, rank)])


@operator("Transpose")
def transpose(use: Use) -> Value:
    """Return the axes in another order; between channels first and last nothing has to move."""
    value = use.value()
    order = tuple(use.attribute("perm", list(range(value.rank))[::-1]))
    if order[0] != 0:
        raise RefusedError(f"moves the batch (perm {list(order)}); the batch has to stay first")
    if value.form is Form.CHANNELS_LAST and order == FIRST_TO_LAST:
        return Value(value.tensor)
    if value.form is Form.PLAIN and order == LAST_TO_FIRST:
        return Value(value.tensor, Form.CHANNELS_LAST)
    return Value(layers().Permute(order[1:])(plain(value).tensor))


@operator("Concat")
def concatenate(use: Use) -> Value:
    """Return values one after the other along an axis."""
    values = together([use.value(index) for index in range(len(use.given))])
    if values[0].form is Form.FLATTENED:
        values = [plain(value) for value in values]
    axis = values[0].axis(use.attribute("axis"))
    return values[0].like(layers().Concatenate(axis=axis)([value.tensor for value in values]))


@operator("Pad")
def pad(use: Use) -> Value:
    """Return the input with a constant around it."""
    value, pads = use.value(), use.integers("pads", 1) or ()
    value = plain(value) if value.form is Form.FLATTENED else value
    use.require("mode", "constant")
    given = use.constant(2)
    filling = float(given) if given is not None and given.size else float(use.attribute("value", 0.0))
    axes = use.integers("axes", 3) or tuple(range(value.rank))
    around = [[0, 0] for _ in range(value.rank)]
    for index, axis in enumerate(axes):
        both = [pads[index], pads[index + len(axes)]]
        if any(both):
            around[value.axis(axis)] = both
    if min(size for both in around for size in both) < 0:
        raise RefusedError("has negative pads, which crop; only zero and more")
    if value.form is Form.CHANNELS_LAST and not filling and not any(around[3]):
        return value.like(layers().ZeroPadding2D((tuple(around[1]), tuple(around[2])))(value.tensor))
    tensorflow, _ = load_tensorflow()
    return value.like(tensorflow.pad(value.tensor, around, constant_values=filling))
