"""DEPTHWISE_CONV_2D, a channel at a time, several neighbouring outputs at once."""

from __future__ import annotations

from collections.abc import Mapping

from edgemnist.compiler.bodies.base import in_place
from edgemnist.compiler.ops.base import Overlap, Step, quantisation_of
from edgemnist.compiler.ops.fields import CArray, int16
from edgemnist.compiler.ops.layer import Convolution
from edgemnist.compiler.ops.operands import activations_of, ends_of, input_tensor
from edgemnist.compiler.ops.overlaps import rows_overlap
from edgemnist.compiler.ops.steps import channels_in_steps

BLOCKS = (4, 2, 1)
"""How many neighbouring outputs kernels do at once."""

LINE = "em_depthwise_conv_2d_line"
"""How the names of the functions start of ``em_depthwise_line.h``."""

PIXELS = "em_depthwise_conv_2d_pixels"
"""The function of ``em_depthwise_pixels.h``."""

STEP = "_step"
"""How the names of the functions end that requantise by step functions."""


def lower_depthwise(layer: Convolution, function: str) -> Step:
    """Return the call of one of the functions of ``em_depthwise_conv_2d.h`` and the headers beside it."""
    node, graph, g = layer.node, layer.graph, layer.geometry
    multiplier = g.out_channels // g.in_channels
    body = layer.settings.bodies.depthwise
    channels = layer.channels.arrays()
    if function.endswith(STEP):
        stepped = channels_in_steps(layer)
        assert stepped is not None, "no form for this layer"
        channels = stepped
    by_pixels = function == PIXELS
    without_rows = by_pixels or function.startswith(LINE)
    weights = layer.rows.T.reshape(-1) if by_pixels else body.pack(layer.rows, g)
    overlaps = {}
    if body.by_rows:
        overlaps[ends_of(node)] = rows_overlap(g)
    elif in_place(g):
        overlaps[ends_of(node)] = Overlap(exactly=0)
    return Step(
        node=node, header=_header(function), function=function,
        struct_type="em_depthwise_conv_2d_params",
        parameters=(
            *int16(
                in_height=g.in_height, in_width=g.in_width, in_channels=g.in_channels,
                out_height=g.out_height, out_width=g.out_width, multiplier=multiplier,
                kernel_height=g.kernel_height, kernel_width=g.kernel_width,
                stride_height=g.stride_height, stride_width=g.stride_width,
                dilation_height=g.dilation_height, dilation_width=g.dilation_width,
                pad_top=g.padding.top, pad_left=g.padding.left,
                plane_height=g.plane_height, plane_width=g.plane_width, rows=body.rows(g),
                in_zero_point=quantisation_of(input_tensor(node, graph)).zero_point,
            ),
            layer.output,
        ),
        inputs=(activations_of(node),), outputs=node.outputs,
        arrays=(CArray("weights", "int8_t", weights), *channels),
        scratch=0 if without_rows else body.scratch(g),
        overlaps=overlaps,
        macs=g.out_height * g.out_width * layer.rows.size,
        work=_work(layer),
    )  # fmt: skip


def _header(function: str) -> str:
    if function == PIXELS:
        return "em_depthwise_pixels.h"
    return "em_depthwise_line.h" if function.startswith(LINE) else "em_depthwise_conv_2d.h"


def outputs_at_a_time(layer: Convolution) -> int:
    """Return how many neighbouring outputs a layer may do at once, one of ``BLOCKS``."""
    most = 0 if layer.settings.bodies.depthwise.does_all(layer.geometry) else layer.settings.way.block
    return max(block for block in BLOCKS if block <= min(layer.geometry.out_width, most or max(BLOCKS)))


def _work(layer: Convolution) -> Mapping[str, float]:
    """Return the work of a kernel that does a row's outputs several at a time, the last ones of it twice over.

    What a target's body does by itself has units of its own.
    """
    g, block = layer.geometry, outputs_at_a_time(layer)
    own = "body's " if layer.settings.bodies.depthwise.does_all(g) else ""
    blocks = g.out_channels * g.out_height * -(-g.out_width // block)
    rows = blocks * g.kernel_height
    work = {
        "calls": 1, "planes": g.out_channels * g.plane_height * g.plane_width, "blocks": blocks, "rows": rows,
        "weights": rows * g.kernel_width, "products": rows * g.kernel_width * block, "outputs": blocks * block,
    }  # fmt: skip
    return {own + unit: amount for unit, amount in work.items()} if own else work
