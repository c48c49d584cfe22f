"""The channels' scales are those of other channels."""

from __future__ import annotations

from edgemnist.mismatch.layers import Layer
from edgemnist.mismatch.rule import Changes, Rule


def _change(layer: Layer) -> Changes:
    scales = layer.ending.weight_scales
    if len(set(scales)) > 1:
        yield "of the channel before", layer.with_ending(weight_scales=scales[-1:] + scales[:-1])
        yield "of the channel behind", layer.with_ending(weight_scales=scales[1:] + scales[:1])
        yield "in the opposite order", layer.with_ending(weight_scales=scales[::-1])


RULE = Rule(
    name="scales of other channels",
    says="takes the scale of another channel",
    remedy="let the scale's index be that of the output channel",
    rank=2,
    change=_change,
)
