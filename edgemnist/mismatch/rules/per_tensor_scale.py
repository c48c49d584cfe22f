"""One scale of the weights serves for all channels."""

from __future__ import annotations

from edgemnist.mismatch.layers import Layer
from edgemnist.mismatch.rule import Changes, Rule


def _change(layer: Layer) -> Changes:
    scales = layer.ending.weight_scales
    if len(set(scales)) > 1:
        for detail, scale in (
            ("the first", scales[0]),
            ("the largest", max(scales)),
            ("the last", scales[-1]),
            ("the mean", sum(scales) / len(scales)),
        ):
            yield f"{detail} of {len(scales)}", layer.with_ending(weight_scales=(scale,))


RULE = Rule(
    name="per-tensor for per-channel",
    says="scales every channel with one scale of the weights",
    remedy="take each channel's own scale, or convert the weights per tensor",
    rank=2,
    change=_change,
)
