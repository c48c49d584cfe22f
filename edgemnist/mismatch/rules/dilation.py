"""The dilation of the kernel is left out."""

from __future__ import annotations

from dataclasses import replace

from edgemnist.compiler.graph import Padding
from edgemnist.mismatch.layers import Layer
from edgemnist.mismatch.rule import Changes, Rule


def _change(layer: Layer) -> Changes:
    g = layer.sums.geometry
    if g.dilation_height == g.dilation_width == 1:
        return
    dense = replace(g, dilation_height=1, dilation_width=1)
    around = Padding((g.kernel_height - 1) // 2, (g.kernel_width - 1) // 2, g.kernel_height // 2, g.kernel_width // 2)
    yield "the padding as with it", layer.with_sums(geometry=dense)
    yield "the padding as without it", layer.with_sums(geometry=replace(dense, padding=around))


RULE = Rule(
    name="dilation",
    says="leaves the dilation of its kernel out",
    remedy="step by dilation_h_factor and dilation_w_factor inside the kernel",
    rank=2,
    change=_change,
)
