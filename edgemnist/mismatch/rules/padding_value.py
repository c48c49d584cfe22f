"""The border around the image holds another value than the zero point."""

from __future__ import annotations

from edgemnist.mismatch.layers import Layer
from edgemnist.mismatch.rule import Changes, Rule


def _change(layer: Layer) -> Changes:
    for fill in (0, -128, 127, -layer.sums.zero_point):
        if fill != layer.sums.zero_point:
            yield f"{fill} instead of {layer.sums.zero_point}", layer.with_sums(fill=fill)


RULE = Rule(
    name="padding value",
    says="fills the border with another value than the input's zero point",
    remedy="fill the border with the input's zero point, which stands for 0.0",
    rank=2,
    change=_change,
)
