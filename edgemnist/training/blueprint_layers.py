"""What a blueprint's blocks are built of: tf_keras layers, named by the block, so that costs can be told by block."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from edgemnist.training.blueprint import Block, Blueprint
from edgemnist.training.heads import activation_of

Builder = Callable[[Any, Any, int], Any]
"""(layers module, image tensor, outputs) -> probabilities tensor."""

BLOCK_PREFIX = "block"
"""Layers of block 3 have names that begin with ``block3_``."""


def builder_of(blueprint: Blueprint) -> Builder:
    """Return what builds a blueprint's net."""

    def build(layers: Any, image: Any, outputs: int) -> Any:
        x = image
        for number, block in enumerate(blueprint.blocks, start=1):
            x = _Parts(layers, block, f"{BLOCK_PREFIX}{number}").build(x)
        x = (
            layers.GlobalAveragePooling2D(name="average")(x)
            if blueprint.head == "average"
            else layers.Flatten(name="flatten")(x)
        )
        return layers.Dense(outputs, activation=activation_of(outputs), name="probabilities")(x)

    return build


@dataclass(frozen=True)
class _Parts:
    """A block's layers; ``name`` goes before theirs."""

    layers: Any
    block: Block
    name: str

    def build(self, x: Any) -> Any:
        """Return what comes out of the block."""
        kinds = {
            "conv": self._conv,
            "separable": self._separable,
            "residual": self._residual,
            "bottleneck": self._bottleneck,
        }
        x = kinds[self.block.kind](x)
        return self.layers.MaxPooling2D(2, name=f"{self.name}_pool")(x) if self.block.pool else x

    def _conv(self, x: Any) -> Any:
        return self._gated(self._convolution(x, "conv", self.block.channels, self.block.kernel, self.block.stride))

    def _separable(self, x: Any) -> Any:
        x = self._gated(self._depthwise(x))
        return self._convolution(x, "pointwise", self.block.channels, 1)

    def _residual(self, x: Any) -> Any:
        """Two convolutions and a shortcut (He et al. 2016).

        Where the shapes differ that is the mean over each stride and a pointwise convolution (He et al. 2019).
        """
        block, before = self.block, x
        x = self._convolution(x, "conv1", block.channels, block.kernel, block.stride)
        x = self._gated(self._convolution(x, "conv2", block.channels, block.kernel, relu=False))
        if block.stride > 1 or before.shape[-1] != block.channels:
            before = self._convolution(self._averaged(before), "shortcut", block.channels, 1, relu=False)
        return self._relu(self.layers.Add(name=f"{self.name}_add")([x, before]), "add")

    def _bottleneck(self, x: Any) -> Any:
        """More channels inside than outside, and a linear end (Sandler et al. 2018)."""
        block, before = self.block, x
        if block.expansion > 1:
            x = self._convolution(x, "expand", int(x.shape[-1]) * block.expansion, 1)
        x = self._gated(self._depthwise(x))
        x = self._convolution(x, "project", block.channels, 1, relu=False)
        added = block.stride == 1 and before.shape[-1] == block.channels
        return self.layers.Add(name=f"{self.name}_add")([x, before]) if added else x

    def _convolution(self, x: Any, part: str, channels: int, kernel: int, stride: int = 1, *, relu: bool = True) -> Any:
        name, padding = f"{self.name}_{part}", self.block.padding if kernel > 1 else "same"
        if kernel == 1:
            x, stride = self._every(x, part, stride), 1
        x = self.layers.Conv2D(channels, kernel, strides=stride, padding=padding, use_bias=False, name=name)(x)
        return self._normalised(x, part, relu=relu)

    def _every(self, x: Any, part: str, stride: int) -> Any:
        """Return every so many rows and columns, as a window of one element with strides takes them.

        Not by the strides of a convolution: the gradient of one with a window of one element writes beyond its memory
        (TensorFlow 2.21 with oneDNN), which ended trainings with a single thread and spoiled others.
        """
        if stride == 1:
            return x
        return self.layers.MaxPooling2D(1, strides=stride, padding="same", name=f"{self.name}_{part}_every")(x)

    def _averaged(self, x: Any) -> Any:
        stride = self.block.stride
        if stride == 1:
            return x
        return self.layers.AveragePooling2D(stride, padding="same", name=f"{self.name}_mean")(x)

    def _depthwise(self, x: Any) -> Any:
        block, name = self.block, f"{self.name}_depthwise"
        stride = block.stride
        if block.kernel == 1:
            x, stride = self._every(x, "depthwise", stride), 1
        layer = self.layers.DepthwiseConv2D(
            block.kernel, strides=stride, padding=block.padding, use_bias=False, name=name
        )
        return self._normalised(layer(x), "depthwise", relu=True)

    def _normalised(self, x: Any, part: str, *, relu: bool) -> Any:
        x = self.layers.BatchNormalization(momentum=0.9, name=f"{self.name}_{part}_norm")(x)
        return self._relu(x, part) if relu else x

    def _relu(self, x: Any, part: str) -> Any:
        return self.layers.ReLU(name=f"{self.name}_{part}_relu")(x)

    def _gated(self, x: Any) -> Any:
        """Return each channel times a gate that all channels' means decide, where the block asks for it."""
        if not self.block.squeeze:
            return x
        layers, channels = self.layers, int(x.shape[-1])
        fewer = max(1, channels // self.block.squeeze)
        gate = layers.GlobalAveragePooling2D(keepdims=True, name=f"{self.name}_squeeze")(x)
        gate = layers.Conv2D(fewer, 1, activation="relu", name=f"{self.name}_fewer")(gate)
        gate = layers.Conv2D(channels, 1, activation="sigmoid", name=f"{self.name}_gate")(gate)
        return layers.Multiply(name=f"{self.name}_gated")([x, gate])
