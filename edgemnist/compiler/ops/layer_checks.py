"""What CONV_2D, DEPTHWISE_CONV_2D, FULLY_CONNECTED and the pools ask of a file before their geometry is computed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.fixedpoint import INT32_MAX
from edgemnist.compiler.graph import IMAGE_BY_IMAGE, INT4, PADDING_SAME, PADDING_VALID, UINT8, Graph, Node, held_in
from edgemnist.compiler.ops.base import quantisation_of
from edgemnist.compiler.ops.convolution import bias_values, channel_multipliers, window_geometry
from edgemnist.compiler.ops.fields import INTEGERS, field_problems, int16
from edgemnist.compiler.ops.int16_sums import check_sums
from edgemnist.compiler.ops.operands import (
    bias_of,
    centred_weights,
    input_tensor,
    output_tensor,
    weights_of,
    weights_tensor,
)
from edgemnist.compiler.ops.requantisation import check_multiplier
from edgemnist.support.limits import LARGEST_TENSOR

MOST_IMAGES = 256
"""Of a layer; what it computes for the self-test is one call in Python for each."""

LARGEST_SIZE = INTEGERS["int16_t"][1]
"""Of a kernel's height and width, dilated or not, and of strides."""

_BIAS_TYPES = {"int8": ("int32", 2), "int16": ("int64", 4)}
"""By the type that a layer computes in: its bias' type, and the schema's number of that, which an option may name."""

LARGEST_BIAS_DIFFERENCE = 0.02
"""Of a uint8 layer's bias scale, in output scales."""

_CORRUPT = "the file is corrupt, convert it again"


def check_weights(node: Node, graph: Graph, rank: int, channel_axis: int) -> list[str]:
    """Return a problem when weights or bias are not constants of the expected types and shapes.

    ``channel_axis`` is the weights' axis of output channels.
    """
    if len(node.inputs) < 2 or weights_of(node) == -1:
        return [f"{node.label}: has no weights; {_CORRUPT}"]
    weights = weights_tensor(node, graph)
    wanted = "int4" if node.kind.startswith(INT4) else "int8"
    if weights.data is None or weights.dtype != wanted or weights.is_sparse:
        return [
            f"{node.label}: weights {weights.name!r} must be a dense {wanted} constant, got {weights.dtype}"
            f"{' sparse' if weights.is_sparse else ''}; convert with full int8 quantisation"
        ]
    free = node.kind.startswith(UINT8)
    if weights.quantisation is None or (not free and any(weights.quantisation.zero_points)):
        return [f"{node.label}: weights {weights.name!r} need scales and zero point 0; convert the model again"]
    if len(weights.shape) != rank:
        return [f"{node.label}: weights {weights.name!r} have shape {list(weights.shape)}, needed are {rank} axes"]
    channels, scales = weights.shape[channel_axis], len(weights.quantisation.scales)
    if free and scales != 1:
        return [f"{node.label}: weights {weights.name!r} have {scales} scales, allowed is 1 in uint8; {_CORRUPT}"]
    if scales not in (1, channels):
        return [f"{node.label}: weights {weights.name!r} have {scales} scales for {channels} channels; {_CORRUPT}"]
    if scales > 1 and weights.quantisation.axis != channel_axis:
        axis = weights.quantisation.axis
        return [f"{node.label}: weights {weights.name!r} have scales along axis {axis}, not {channel_axis}; {_CORRUPT}"]
    bias_type, number = _BIAS_TYPES[held_in(node.kind)]
    if node.integer("quantized_bias_type") not in (0, number):
        found = node.integer("quantized_bias_type")
        return [f"{node.label}: quantized_bias_type is {found}, not {bias_type}; {_CORRUPT}"]
    return _check_bias(node, graph, channels, bias_type) or _check_arithmetic(node, graph, channel_axis)


def _check_bias(node: Node, graph: Graph, channels: int, dtype: str) -> list[str]:
    index = bias_of(node)
    if index is None:
        return []
    bias = graph.tensors[index]
    if bias.data is None or bias.dtype != dtype:
        return [
            f"{node.label}: bias {bias.name!r} must be an {dtype} constant, got {bias.dtype}; convert the model again"
        ]
    if bias.elements != channels:
        return [f"{node.label}: bias {bias.name!r} has {bias.elements} elements for {channels} channels; {_CORRUPT}"]
    return []


def _check_arithmetic(node: Node, graph: Graph, channel_axis: int) -> list[str]:
    """Return a problem when a sum of products can leave 32 bits, on the way to the final one too, or a factor can."""
    if None in (input_tensor(node, graph).quantisation, output_tensor(node, graph).quantisation):
        return []  # require_own_type has said so
    if held_in(node.kind) == "int16":
        return check_sums(node, graph, channel_axis)
    coarsest = max(channel_multipliers(node, graph), key=lambda multiplier: multiplier.exponent)
    problems = check_multiplier(node, coarsest)
    if problems:
        return problems
    weights = np.moveaxis(centred_weights(node, graph), channel_axis, 0)
    rows = weights.reshape(len(weights), -1)
    zero_point = quantisation_of(input_tensor(node, graph)).zero_point
    return sum_problems(node, rows, zero_point, bias_values(node, graph, len(rows)))


def sum_problems(node: Node, rows: NDArray[Any], zero_point: int, bias: NDArray[np.int64]) -> list[str]:
    """Return a problem when a sum of int8 times a row of weights, int8 (rows, inputs), can leave 32 bits on its way."""
    wide = rows.astype(np.int64)
    largest = int((np.abs(bias - zero_point * wide.sum(axis=1)) + 128 * np.abs(wide).sum(axis=1)).max())
    if largest <= INT32_MAX:
        return []
    return [f"{node.label}: a 32-bit accumulator can overflow (up to {largest}); convert the model again"]


def check_integers(
    node: Node, graph: Graph, place: int, types: Sequence[str], rank: int, what: str
) -> list[str]:  # fmt: skip
    """Return a problem where an operand is no constant of one of ``types`` with ``rank`` axes and symmetric.

    ``place`` is the operand's among the node's inputs.
    """
    tensor = graph.tensors[node.inputs[place]]
    if tensor.data is None or tensor.is_sparse or tensor.dtype not in types or len(tensor.shape) != rank:
        return [
            f"{node.label}: the {what} {tensor.name!r} must be a dense constant of {' or '.join(types)} with {rank} "
            f"axes, got {tensor.dtype} {list(tensor.shape)}; convert the model again"
        ]
    quantisation = tensor.quantisation
    if quantisation is not None and (quantisation.per_channel or quantisation.zero_point != 0):
        return [
            f"{node.label}: the {what} {tensor.name!r} need one scale and the zero point 0; convert the model again"
        ]
    return []


def check_bias_scale(node: Node, graph: Graph) -> list[str]:
    """Return a problem where TFLite refuses a uint8 layer: its bias is in another scale than its sums.

    Source: TFLite ``GetQuantizedConvolutionMultipler``.
    """
    index = bias_of(node)
    if index is None:
        return []
    known = graph.tensors[index].quantisation
    own = 0.0 if known is None else known.scale
    scales = [quantisation_of(tensor).scale for tensor in (input_tensor(node, graph), weights_tensor(node, graph))]
    output = quantisation_of(output_tensor(node, graph)).scale
    if abs(scales[0] * scales[1] - own) / output <= LARGEST_BIAS_DIFFERENCE:
        return []
    return [
        f"{node.label}: the bias has the scale {own:g}, and input times weights {scales[0] * scales[1]:g}; {_CORRUPT}"
    ]


def unfolded_bounds(node: Node, graph: Graph, channel_axis: int) -> NDArray[np.int64]:
    """Return the largest magnitude of each channel's sum where the input's zero point is taken from every element."""
    weights = np.moveaxis(np.asarray(weights_tensor(node, graph).data, np.int64), channel_axis, 0)
    rows = np.abs(weights).reshape(len(weights), -1).sum(axis=1)
    bounds: NDArray[np.int64] = np.abs(bias_values(node, graph, len(rows))) + 255 * rows
    return bounds


def check_unfolded(node: Node, graph: Graph, channel_axis: int) -> list[str]:
    """Return a problem when such a sum can leave 32 bits."""
    largest = int(unfolded_bounds(node, graph, channel_axis).max())
    if largest <= INT32_MAX:
        return []
    return [f"{node.label}: a 32-bit accumulator can overflow (up to {largest}); convert the model again"]


def check_depth(node: Node, graph: Graph) -> list[str]:
    """Return a problem when a depthwise layer's outputs are not so many for each input channel as it says."""
    in_channels, (first, *_, out_channels) = input_tensor(node, graph).shape[-1], weights_tensor(node, graph).shape
    if first != 1:
        return [f"{node.label}: weights have a first axis of {first}, needed is 1; {_CORRUPT}"]
    if out_channels % in_channels:
        return [
            f"{node.label}: {out_channels} output channels are no multiple of {in_channels} input channels; {_CORRUPT}"
        ]
    multiplier = node.integer("depth_multiplier")
    if multiplier * in_channels != out_channels:
        return [
            f"{node.label}: depth_multiplier {multiplier} makes no {out_channels} output channels of {in_channels}; "
            f"{_CORRUPT}"
        ]
    return []


def dense_shape(node: Node, graph: Graph) -> tuple[int, ...] | None:
    """Return a dense layer's output shape, None where the weights don't fit the input."""
    source, (units, features) = input_tensor(node, graph), weights_tensor(node, graph).shape
    if node.integer("keep_num_dims"):
        return (*source.shape[:-1], units) if source.shape[-1] == features else None
    return (source.elements // features, units) if source.elements % features == 0 else None


def check_image(node: Node, graph: Graph) -> list[str]:
    """Return a problem when input or output is not [images, height, width, channels], with one or as many images."""
    entry, output = input_tensor(node, graph).shape, output_tensor(node, graph).shape
    several = node.operator in IMAGE_BY_IMAGE
    if len(entry) == len(output) == 4 and entry[0] == output[0] <= (MOST_IMAGES if several else 1):
        return []
    needed = f"needed are [{f'1 to {MOST_IMAGES}' if several else 1}, height, width, channels]"
    return [f"{node.label}: goes from shape {list(entry)} to {list(output)}, {needed}; {_CORRUPT}"]


def check_window(node: Node, graph: Graph, kernel: tuple[int, int], out_channels: int) -> list[str]:
    """Return problems with strides, dilation, padding and sizes of an operator that slides over an image.

    ``kernel`` is the window's height and width. :func:`check_image` comes first.
    """
    dilation = (node.integer("dilation_hfactor", 1), node.integer("dilation_wfactor", 1))
    stride = (node.integer("stride_h", 1), node.integer("stride_w", 1))
    extent = tuple((size - 1) * factor + 1 for size, factor in zip(kernel, dilation, strict=True))
    for what, sizes in (("kernel", kernel), ("stride", stride), ("dilation", dilation), ("dilated kernel", extent)):
        if not all(1 <= size <= LARGEST_SIZE for size in sizes):
            return [f"{node.label}: {what} {list(sizes)} is not in 1..{LARGEST_SIZE}; use another layer"]
    if node.integer("padding") not in (PADDING_SAME, PADDING_VALID):
        return [f"{node.label}: padding {node.integer('padding')} is neither SAME nor VALID; {_CORRUPT}"]
    return _check_sizes(node, graph, kernel, out_channels)


def _check_sizes(node: Node, graph: Graph, kernel: tuple[int, int], out_channels: int) -> list[str]:
    entry, output = input_tensor(node, graph), output_tensor(node, graph)
    (_, in_height, in_width, in_channels), (_, out_height, out_width, channels) = entry.shape, output.shape
    problems = field_problems(
        node.label,
        int16(
            in_height=in_height, in_width=in_width, in_channels=in_channels, out_height=out_height,
            out_width=out_width, out_channels=channels,
        ),
    )  # fmt: skip
    if problems:
        return problems
    geometry = window_geometry(node, graph, *kernel, out_channels)
    expected = (entry.shape[0], geometry.out_height, geometry.out_width, out_channels)
    padding = geometry.padding
    if (
        max(entry.shape[1] + padding.top + padding.bottom, entry.shape[2] + padding.left + padding.right)
        > LARGEST_TENSOR
    ):
        return [f"{node.label}: padding makes the image larger than {LARGEST_TENSOR}; use a smaller kernel"]
    if output.shape == expected:
        return []
    return [
        f"{node.label}: a kernel of {kernel[0]}x{kernel[1]} on shape {list(entry.shape)} gives {list(expected)}, "
        f"the file says {list(output.shape)}; {_CORRUPT}"
    ]
