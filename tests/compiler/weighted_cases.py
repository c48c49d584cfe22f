"""CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED as cases: values that a table can list and hypothesis can draw."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from edgemnist.compiler.graph import PADDING_SAME, PADDING_VALID
from tests.compiler.bench import Subject
from tests.compiler.layers import Arithmetic, Layers, Window, random_images

ACTIVATIONS = (0, 1, 2, 3)
ZERO_POINTS = (-128, -127, -3, 0, 64, 127)


@dataclass(frozen=True)
class Case:
    """One layer. ``size`` is the input's height, width and channels; a dense layer has 1 x 1 x features.

    ``out_channels`` counts filters, for a depthwise layer the outputs per channel, for a dense layer the units.
    """

    kind: str
    size: tuple[int, int, int] = (5, 6, 3)
    out_channels: int = 4
    window: Window = field(default_factory=Window)
    arithmetic: Arithmetic = field(default_factory=Arithmetic)
    groups: int = 1
    in_zero_point: int = -5
    seed: int = 0

    def content(self) -> bytes:
        """Return the model."""
        layers = Layers.seeded(self.seed)
        image = layers.input((1, *self.size), zero_point=self.in_zero_point)
        if self.kind == "CONV_2D":
            return layers.finish(layers.conv(image, self.out_channels, self.window, self.arithmetic, self.groups))
        if self.kind == "DEPTHWISE_CONV_2D":
            return layers.finish(layers.depthwise(image, self.out_channels, self.window, self.arithmetic))
        keep = self.size[:2] != (1, 1)
        return layers.finish(layers.dense(image, self.out_channels, self.arithmetic, keep_dims=keep))

    def subject(self, name: str) -> Subject:
        """Return the model with images."""
        return Subject(name, self.content(), random_images((1, *self.size), self.seed), self.witnessed)

    @property
    def witnessed(self) -> bool:
        """Whether tflite-runtime 2.14 can be asked.

        It wants a bias in int8 convolutions; its dense layers with one scale per unit are right for one row only, and
        with one scale for all it multiplies the scales in float32 where the oracle takes double.
        """
        if self.kind == "FULLY_CONNECTED":
            return self.size[:2] == (1, 1) and self.arithmetic.per_channel
        return self.kind != "CONV_2D" or self.arithmetic.bias is not None


arithmetics: st.SearchStrategy[Arithmetic] = st.builds(
    Arithmetic,
    activation=st.sampled_from(ACTIVATIONS),
    zero_point=st.sampled_from(ZERO_POINTS) | st.integers(-128, 127),
    multiplier=st.none() | st.floats(-31.5, 4.0).map(lambda exponent: float(2.0**exponent)),
    per_channel=st.booleans(),
    weight_factors=st.lists(st.sampled_from((1.0, 0.3, 2.5, 1e-4, 1e-9)), min_size=1, max_size=4).map(tuple),
    bias=st.sampled_from((None, 0, 300, 60_000, 2**24, 2**29, 2**30)),
    lowest_weight=st.sampled_from((-128, -127)),
)


@st.composite
def windows(draw: st.DrawFn, height: int, width: int, dilated: bool = True) -> Window:
    """Draw a window that has an output on an image of this size."""
    padding = draw(st.sampled_from((PADDING_SAME, PADDING_VALID)))
    stride = draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    dilation = draw(st.tuples(st.integers(1, 3), st.integers(1, 3))) if dilated else (1, 1)
    if padding == PADDING_SAME:
        return Window(draw(st.tuples(st.integers(1, 6), st.integers(1, 6))), stride, dilation, padding)
    most = ((height - 1) // dilation[0] + 1, (width - 1) // dilation[1] + 1)
    kernel = draw(st.tuples(st.integers(1, min(most[0], 5)), st.integers(1, min(most[1], 5))))
    return Window(kernel, stride, dilation, padding)


@st.composite
def cases(draw: st.DrawFn, kind: str) -> Case:
    """Draw any layer of a kind."""
    details: dict[str, Any] = {"arithmetic": draw(arithmetics), "seed": draw(st.integers(0, 2**16))}
    details["in_zero_point"] = draw(st.sampled_from(ZERO_POINTS) | st.integers(-128, 127))
    height, width = draw(st.tuples(st.integers(1, 9), st.integers(1, 9)))
    if kind == "FULLY_CONNECTED":
        places = draw(st.sampled_from(((1, 1), (1, 1), (2, 3))))
        size = (*places, draw(st.integers(1, 40)))
        return Case(kind, size, draw(st.integers(1, 13)), **details)
    window = draw(windows(height, width))
    if kind == "DEPTHWISE_CONV_2D":
        size = (height, width, draw(st.integers(1, 7)))
        return Case(kind, size, draw(st.integers(1, 3)), window, **details)
    groups = draw(st.sampled_from((1, 1, 1, 2, 3)))
    channels, filters = draw(st.integers(1, 5)), draw(st.integers(1, 7 if groups > 1 else 13))
    return Case(kind, (height, width, channels * groups), filters * groups, window, groups=groups, **details)
