"""Convolution, pooling and normalisation: image in, image out.

Padding: ONNX gives it in elements, Keras as none ("valid") or as much as the output needs ("same", more of it at the
end). Where neither is what ONNX asks for, zeros are put around first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgemnist.keras_io.tensorflow import load_tensorflow
from edgemnist.onnx.registry import Use, operator
from edgemnist.onnx.values import RefusedError, Value, channels_last, layers

Pads = tuple[tuple[int, int], tuple[int, int]]
"""((top, bottom), (left, right)) in elements."""


@dataclass(frozen=True)
class _Window:
    kernel: tuple[int, int]
    strides: tuple[int, int]
    dilations: tuple[int, int]
    pads: Pads
    same: Pads

    @property
    def keras_padding(self) -> str | None:
        """The padding by Keras's name, None if it has none that does this."""
        if self.pads == ((0, 0), (0, 0)):
            return "valid"
        return "same" if self.pads == self.same else None


def _window(use: Use, sizes: Sequence[int], kernel: Sequence[int]) -> _Window:
    """Return how the window goes over an image of (height, width)."""
    if len(kernel) != 2:
        raise RefusedError(f"has a window of {len(kernel)} dimensions; only two")
    strides = use.attribute("strides", [1, 1])
    dilations = use.attribute("dilations", [1, 1])
    ceiling = bool(use.attribute("ceil_mode", 0))
    pads, same = [], []
    given = use.attribute("pads", [0, 0, 0, 0])
    for axis in (0, 1):
        extent = (kernel[axis] - 1) * dilations[axis] + 1
        needed = max(0, (-(-sizes[axis] // strides[axis]) - 1) * strides[axis] + extent - sizes[axis])
        same.append((needed // 2, needed - needed // 2))
        mode = use.attribute("auto_pad", "NOTSET")
        if mode == "NOTSET":
            start, end = given[axis], given[axis + 2]
            rest = (sizes[axis] + start + end - extent) % strides[axis]
            pads.append((start, end + (strides[axis] - rest if ceiling and rest else 0)))
        elif mode == "VALID":
            pads.append((0, 0))
        else:
            pads.append(same[axis] if mode == "SAME_UPPER" else same[axis][::-1])
    return _Window(_pair(kernel), _pair(strides), _pair(dilations), (pads[0], pads[1]), (same[0], same[1]))


def _pair(values: Sequence[int]) -> tuple[int, int]:
    first, second = values
    return int(first), int(second)


def _padded(tensor: Any, window: _Window) -> tuple[Any, str]:
    """Return the tensor with zeros around where Keras has no name for the padding, and Keras's name for the rest."""
    if window.keras_padding is not None:
        return tensor, window.keras_padding
    return layers().ZeroPadding2D(window.pads)(tensor), "valid"


@operator("Conv")
def convolution(use: Use) -> Value:
    """Return a convolution: ordinary, depthwise, or in groups. Weights: (outputs, inputs / groups, height, width)."""
    value, weights, bias = channels_last(use.value()), use.weights(1), use.constant(2)
    channels, height, width = value.shape
    window, groups = _window(use, (height, width), weights.shape[2:]), use.attribute("group", 1)
    if max(window.dilations) > 1 and max(window.strides) > 1:
        raise RefusedError(f"has strides {window.strides} and dilations {window.dilations}; only one of them")
    tensor, padding = _padded(value.tensor, window)
    if groups == 1:
        return value.like(_dense_convolution(tensor, weights, bias, window, padding))
    if groups == channels and window.strides[0] == window.strides[1]:
        return value.like(_depthwise(tensor, weights, bias, window, padding))
    tensorflow, _ = load_tensorflow()
    parts = tensorflow.split(tensor, groups, axis=3)
    biases = [None] * groups if bias is None else np.split(bias, groups)
    made = [
        _dense_convolution(part, kernel, one, window, padding)
        for part, kernel, one in zip(parts, np.split(weights, groups), biases, strict=True)
    ]
    return value.like(layers().Concatenate(axis=3)(made))


def _dense_convolution(tensor: Any, weights: Any, bias: Any, window: _Window, padding: str) -> Any:
    layer = layers().Conv2D(
        weights.shape[0],
        window.kernel,
        strides=window.strides,
        dilation_rate=window.dilations,
        padding=padding,
        use_bias=bias is not None,
    )
    result = layer(tensor)
    layer.set_weights([weights.transpose(2, 3, 1, 0), *([] if bias is None else [bias])])
    return result


def _depthwise(tensor: Any, weights: Any, bias: Any, window: _Window, padding: str) -> Any:
    channels = int(tensor.shape[3])
    multiplier = weights.shape[0] // channels
    layer = layers().DepthwiseConv2D(
        window.kernel,
        strides=window.strides,
        dilation_rate=window.dilations,
        padding=padding,
        depth_multiplier=multiplier,
        use_bias=bias is not None,
    )
    result = layer(tensor)
    kernel = weights.reshape(channels, multiplier, *window.kernel).transpose(2, 3, 0, 1)
    layer.set_weights([kernel, *([] if bias is None else [bias])])
    return result


@operator("ConvTranspose")
def transposed_convolution(use: Use) -> Value:
    """Return a transposed convolution. Weights: (inputs, outputs, height, width)."""
    value, weights, bias = channels_last(use.value()), use.weights(1), use.constant(2)
    use.require("group", 1)
    use.require("auto_pad", "NOTSET")
    use.require("dilations", [1, 1])
    if use.attribute("output_shape", None) or len(weights.shape) != 4:
        raise RefusedError("gives its output's shape, or has not two dimensions; only pads, of images")
    strides, kernel = _pair(use.attribute("strides", [1, 1])), _pair(weights.shape[2:])
    pads, more = use.attribute("pads", [0, 0, 0, 0]), use.attribute("output_padding", [0, 0])
    cuts, same = [], True
    for axis, size in enumerate(value.shape[1:]):
        whole = (size - 1) * strides[axis] + max(kernel[axis], strides[axis])
        wanted = (size - 1) * strides[axis] + kernel[axis] - pads[axis] - pads[axis + 2] + more[axis]
        if wanted < 1 or pads[axis] + wanted > whole:
            raise RefusedError(f"has pads {pads} and output_padding {more} that need more rows than there are")
        cuts.append((pads[axis], whole - pads[axis] - wanted))
        same &= wanted == size * strides[axis] and pads[axis] == max(kernel[axis] - strides[axis], 0) // 2
    layer = layers().Conv2DTranspose(
        weights.shape[1], kernel, strides, padding="same" if same else "valid", use_bias=bias is not None
    )
    result = layer(value.tensor)
    layer.set_weights([weights.transpose(2, 3, 1, 0), *([] if bias is None else [bias])])
    return value.like(result if same or cuts == [(0, 0), (0, 0)] else layers().Cropping2D(tuple(cuts))(result))


@operator("BatchNormalization")
def batch_normalisation(use: Use) -> Value:
    """Return a batch normalisation by its moving statistics."""
    use.require("training_mode", 0)
    scale, bias, mean, variance = (use.weights(index) for index in (1, 2, 3, 4))
    value = channels_last(use.value()) if use.value().rank == 4 else use.value()
    if value.rank == 2:
        scale, bias, mean, variance = (value.arranged(part).reshape(-1) for part in (scale, bias, mean, variance))
    elif value.rank != 4:
        raise RefusedError(f"takes values of {value.rank} dimensions; only images or vectors")
    layer = layers().BatchNormalization(axis=-1, epsilon=use.attribute("epsilon", 1e-5))
    result = layer(value.tensor)
    layer.set_weights([scale, bias, mean, variance])
    return value.like(result)


@operator("MaxPool")
def max_pooling(use: Use) -> Value:
    """Return the largest value of each window; what lies outside the image never is it."""
    value, window = _pooled(use)
    if window.keras_padding is not None:
        pool = layers().MaxPooling2D(window.kernel, window.strides, padding=window.keras_padding)
        return value.like(pool(value.tensor))
    centred = tuple(((size - 1) // 2, (size - 1) // 2) for size in window.kernel)
    if any(size % 2 == 0 for size in window.kernel) or any(
        pads[0] != wanted[0] or pads[1] > wanted[1] for pads, wanted in zip(window.pads, centred, strict=True)
    ):
        raise RefusedError(f"has pads {window.pads} around a window of {window.kernel}; only none, 'same', or centred")
    # Every window of the image, then one in `strides`: zeros around would win over negative values.
    everywhere = layers().MaxPooling2D(window.kernel, 1, padding="same")(value.tensor)
    return value.like(layers().MaxPooling2D(1, window.strides)(everywhere))


@operator("AveragePool")
def average_pooling(use: Use) -> Value:
    """Return the mean of each window."""
    value, window = _pooled(use)
    counts_zeros = bool(use.attribute("count_include_pad", 0)) and window.pads != ((0, 0), (0, 0))
    if counts_zeros and use.attribute("ceil_mode", 0):
        raise RefusedError("has count_include_pad and ceil_mode; only one of them")
    if counts_zeros:
        padded = layers().ZeroPadding2D(window.pads)(value.tensor)
        return value.like(layers().AveragePooling2D(window.kernel, window.strides)(padded))
    if window.keras_padding is None:
        raise RefusedError(f"has pads {window.pads} that do not count; only none or 'same'")
    pool = layers().AveragePooling2D(window.kernel, window.strides, padding=window.keras_padding)
    return value.like(pool(value.tensor))


def _pooled(use: Use) -> tuple[Value, _Window]:
    value = channels_last(use.value())
    window = _window(use, value.shape[1:], use.attribute("kernel_shape"))
    if window.dilations != (1, 1):
        raise RefusedError(f"has dilations {window.dilations}; only 1")
    if len(use.node.outputs) > 1 and use.node.outputs[1]:
        raise RefusedError("also gives the positions of the largest values; only the values")
    return value, window


@operator("GlobalAveragePool")
def global_average(use: Use) -> Value:
    """Return the mean of each channel."""
    value = channels_last(use.value())
    return value.like(layers().GlobalAveragePooling2D(keepdims=True)(value.tensor))


@operator("GlobalMaxPool")
def global_maximum(use: Use) -> Value:
    """Return the largest value of each channel."""
    value = channels_last(use.value())
    return value.like(layers().GlobalMaxPooling2D(keepdims=True)(value.tensor))
