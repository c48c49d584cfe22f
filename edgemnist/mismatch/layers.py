"""The arithmetic of CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED in parts that a rule can exchange."""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.geometry import Geometry
from edgemnist.compiler.graph import Padding
from edgemnist.compiler.ops.base import activation_range
from edgemnist.compiler.ops.convolution import bias_values, conv_geometry, depthwise_geometry, windows_of
from edgemnist.mismatch.arithmetic import Arithmetic, Ending
from edgemnist.mismatch.case import Case, first_of
from edgemnist.mismatch.rounding import Integers, Rounding, double_rounding, factor_of, sixteen_bit_factor

_FLATTENING = ("RESHAPE", "SQUEEZE", "EXPAND_DIMS")

LAYERS = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")


@dataclass(frozen=True, eq=False)
class Sums:
    """Up to the sums of a layer.

    ``images``: (images, height, width, channels), a dense layer's as one pixel. ``weights``: (out, kernel height,
    kernel width, in), a depthwise layer's (kernel height, kernel width, out). ``fill`` is what the border holds,
    ``zero_point`` what is taken off every input, ``bias`` (out,).
    """

    kind: str
    images: Integers
    geometry: Geometry
    weights: Integers
    bias: Integers
    fill: int
    zero_point: int

    @functools.cached_property
    def values(self) -> Integers:
        """The sums, (images, out height, out width, out channels)."""
        whole: Integers = np.rint(self.products).astype(np.int64) + self.bias
        return whole

    @property
    def products(self) -> NDArray[np.float64]:
        """The sums without the bias; computed in float64, which is exact up to 2**53."""
        weights = self.weights.astype(np.float64)
        windows = self.windows()
        if self.kind == "DEPTHWISE_CONV_2D":
            multiplier = weights.shape[-1] // windows.shape[-1]
            products = np.einsum("nyxhwc,hwcm->nyxcm", windows, weights.reshape(*weights.shape[:2], -1, multiplier))
            return np.asarray(products.reshape(*products.shape[:3], -1))
        return np.asarray(windows.reshape(*windows.shape[:3], -1) @ weights.reshape(len(weights), -1).T)

    def windows(self) -> NDArray[np.float64]:
        """Return (images, out height, out width, kernel height, kernel width, channels), the zero point taken off."""
        return windows_of(self.images.astype(np.float64) - self.zero_point, self.geometry, self.fill - self.zero_point)


@dataclass(frozen=True, kw_only=True)
class LayerEnding(Ending):
    """From the sums to the outputs. ``weight_scales``: one, or one a channel."""

    input_scale: float
    weight_scales: tuple[float, ...]

    def outputs(self, sums: Integers) -> Integers:
        """Return whole numbers for sums (..., channels), before they are stored."""
        scaled = np.empty_like(sums)
        scales = self.weight_scales
        for channel in range(1 if len(scales) == 1 else sums.shape[-1]):
            where = ... if len(scales) == 1 else (..., channel)
            factor = factor_of(self.input_scale, scales[channel], self.output_scale)
            scaled[where] = self.requantised(sums[where], factor)
        return self.stored(scaled)


@dataclass(frozen=True, eq=False)
class Layer(Arithmetic):
    """A layer's arithmetic. ``fed``: of a dense layer, height, width and channels of the image that was flattened."""

    sums: Sums
    ending: LayerEnding
    fed: tuple[int, int, int] | None = None

    @property
    def input_zero_points(self) -> tuple[int, ...]:
        """See :class:`Arithmetic`."""
        return (self.sums.zero_point,)

    def outputs(self) -> Integers:
        """Return whole numbers, (images, out height, out width, out channels)."""
        return self.ending.outputs(self.sums.values)

    def with_sums(self, **changes: object) -> Layer:
        """Return the layer with other fields of its sums."""
        return replace(self, sums=replace(self.sums, **changes))  # type: ignore[arg-type]


def with_values(layer: Layer, values: NDArray[Any]) -> Layer:
    """Return a layer with other sums than its inputs and weights have."""
    sums = replace(layer.sums)
    sums.__dict__["values"] = values.astype(np.int64)
    return replace(layer, sums=sums)


@functools.lru_cache(maxsize=16)
def layer_of(case: Case) -> Layer | None:
    """Return the arithmetic of an int8 or int16 layer as the oracle has it, None where its int8 form is refused."""
    if case.kind not in LAYERS or not case.is_compiled:
        return None
    node, graph = case.node, case.graph
    source, weights = case.quantisation(case.operand(0)), case.quantisation(case.operand(1))
    target, values = case.quantisation(case.output), np.asarray(graph.tensors[node.inputs[1]].data).astype(np.int64)
    images = first_of(case.operands)
    if case.kind == "FULLY_CONNECTED":
        values = values.reshape(values.shape[0], 1, 1, -1)
        images = images.reshape(case.images, -1, 1, values.shape[-1])
        size = images.shape[1]
        geometry = Geometry(size, 1, values.shape[-1], size, 1, len(values), 1, 1, 1, 1, 1, 1, Padding())
    else:
        geometry = conv_geometry(node, graph) if case.kind == "CONV_2D" else depthwise_geometry(node, graph)
        values = values if case.kind == "CONV_2D" else values[0]
        images = images.reshape(case.images, geometry.in_height, geometry.in_width, geometry.in_channels)
    bias, zero_point = bias_values(node, graph, geometry.out_channels), source.zero_point
    return Layer(
        Sums(case.kind, images, geometry, values, bias, zero_point, zero_point),
        LayerEnding(
            input_scale=source.scale, weight_scales=weights.scales,
            output_scale=target.scale, zero_point=target.zero_point,
            limits=activation_range(node.integer("fused_activation_function"), case.output),
            type_limits=case.limits, rounding=_rounding(case),
        ),
        _fed(case) if case.kind == "FULLY_CONNECTED" else None,
    )  # fmt: skip


def _rounding(case: Case) -> Rounding:
    """Return how the oracle rounds: in int16 by the bias' type, which is that of the sums, 64 bits without one."""
    bias = case.operand(2)
    narrow = case.output.dtype != "int16" or (bias is not None and bias.dtype == "int32")
    return double_rounding if narrow else sixteen_bit_factor


def _fed(case: Case) -> tuple[int, int, int] | None:
    """Return the size of the image behind a dense layer's input, None where there is none."""
    tensor = case.operand(0)
    makers = {one.outputs[0]: one for one in case.model.operators if one.outputs and one.kind in _FLATTENING}
    while tensor is not None and len(tensor.shape) != 4 and tensor.index in makers:
        tensor = case.model.tensors[makers[tensor.index].inputs[0]]
    if tensor is None or len(tensor.shape) != 4:
        return None
    _, height, width, channels = tensor.shape
    return height, width, channels
