"""An odd row or column of padding lies on the other side."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from edgemnist.compiler.geometry import Geometry
from edgemnist.compiler.graph import Padding
from edgemnist.mismatch.arithmetic import Arithmetic, Scaled
from edgemnist.mismatch.layers import Layer
from edgemnist.mismatch.pools import Largest, Windows, covering
from edgemnist.mismatch.rule import Changes, Rule


def _change(layer: Layer) -> Changes:
    for detail, geometry in _others(layer.sums.geometry):
        yield detail, layer.with_sums(geometry=geometry)


def _alter(arithmetic: Arithmetic) -> Changes:
    if isinstance(arithmetic, Scaled) and isinstance(arithmetic.parts, (Largest, Windows)):
        for detail, geometry in _others(arithmetic.parts.geometry):
            yield detail, replace(arithmetic, parts=replace(arithmetic.parts, geometry=covering(geometry)))


def _others(geometry: Geometry) -> Iterator[tuple[str, Geometry]]:
    p = geometry.padding
    others = {
        "above instead of below": Padding(p.bottom, p.left, p.top, p.right),
        "left instead of right": Padding(p.top, p.right, p.bottom, p.left),
        "above and left instead of below and right": Padding(p.bottom, p.right, p.top, p.left),
    }
    for detail, padding in others.items():
        if padding != p:
            yield f"the odd one {detail}", replace(geometry, padding=padding)


RULE = Rule(
    name="offset of SAME padding",
    says="pads on the other side than TensorFlow where the padding is odd, as PyTorch's symmetric padding ends up",
    remedy="pad before the layer with an operator of its own, or shift the window: TensorFlow puts the odd row and "
    "column below and to the right",
    rank=2,
    change=_change,
    alter=_alter,
)
