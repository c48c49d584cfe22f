"""The forms that a convolution can take, one table for each operator: which kernel, and when.

The tables are functions, because the reference of operators finds kernels by the functions that an operator calls.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from edgemnist.compiler.ops.base import Step
from edgemnist.compiler.ops.dense import is_pointwise, lower_pointwise, lower_windows, lower_with_add
from edgemnist.compiler.ops.depthwise import BLOCKS, LINE, PIXELS, STEP, lower_depthwise, outputs_at_a_time
from edgemnist.compiler.ops.layer import Convolution
from edgemnist.compiler.ops.sparse_forms import lower_sparse_pixels, lower_sparse_windows
from edgemnist.compiler.ops.steps import channels_in_steps

MAX_POOL_PAIRS = 8
"""EM_POOL_PAIRS in em_conv_2d.h: the most pixel pairs that a fused pool window may have."""


@dataclass(frozen=True)
class Form:
    """One way to compute a convolution: whether a layer can take it, and the kernel call that it is then."""

    name: str
    fits: Callable[[Convolution], bool]
    lower: Callable[[Convolution], Step]


def _every(_: Convolution) -> bool:
    return True


def _adds(layer: Convolution) -> bool:
    return layer.follower == "ADD"


def _pools(layer: Convolution) -> bool:
    return layer.follower == "MAX_POOL_2D"


def _pixel_by_pixel(layer: Convolution) -> bool:
    return layer.groups == 1 and is_pointwise(layer.geometry) and not layer.follower


def _sparse(layer: Convolution) -> bool:
    return (
        layer.settings.way.sparse and layer.groups == 1 and layer.geometry.dilation_width == 1 and layer.channels.fast
    )


def _sparse_pixels(layer: Convolution) -> Step:
    return lower_sparse_pixels(layer, layer.geometry.pixels, overlap=True)


def _convolves(layer: Convolution) -> bool:
    several = layer.geometry.out_channels > layer.geometry.in_channels == 1
    return several and not layer.settings.bodies.depthwise.one_channel


def _in_blocks(block: int, layer: Convolution) -> bool:
    return layer.channels.fast and block <= outputs_at_a_time(layer)


def _lines(fast: bool, layer: Convolution) -> bool:
    """Whether a kernel of one row or column is done line by line."""
    return layer.channels.fast == fast and layer.settings.bodies.depthwise.by_lines(layer.geometry)


def _by_pixels(layer: Convolution) -> bool:
    """Whether a layer is done window by window."""
    return layer.channels.fast and layer.settings.bodies.depthwise.by_pixels(layer.geometry)


def _three_by_three(fast: bool, layer: Convolution) -> bool:
    """Whether the target has a body of its own for a 3 x 3 kernel."""
    return layer.channels.fast == fast and layer.settings.bodies.depthwise.rows(layer.geometry) == 0


def _by_steps(three_by_three: bool, layer: Convolution) -> bool:
    """Whether outputs are made by step functions, by a target's 3 x 3 body or by that of other kernels."""
    if (layer.settings.bodies.depthwise.rows(layer.geometry) == 0) != three_by_three:
        return False
    return (three_by_three or layer.geometry.out_width >= 2) and channels_in_steps(layer) is not None


def conv_2d_forms() -> tuple[Form, ...]:
    """Return the forms of a CONV_2D; the first that fits is taken."""
    return (
        Form("residual", _adds, lower_with_add),
        Form("sparse, pixel by pixel", lambda layer: _pixel_by_pixel(layer) and _sparse(layer), _sparse_pixels),
        Form("sparse", _sparse, lower_sparse_windows),
        Form("pointwise", _pixel_by_pixel, lower_pointwise),
        Form("pooled", _pools, partial(lower_windows, body="em_conv_2d_max_pool")),
        Form("general", _every, partial(lower_windows, body="em_conv_2d")),
    )


def depthwise_forms() -> tuple[Form, ...]:
    """Return the forms of a DEPTHWISE_CONV_2D; the first that fits is taken."""
    name = "em_depthwise_conv_2d"
    in_blocks = [
        Form(f"{block} at once", partial(_in_blocks, block), partial(lower_depthwise, function=f"{name}_by_{block}"))
        for block in BLOCKS
    ]
    return (
        Form("convolution", _convolves, partial(lower_windows, body="em_conv_2d")),
        Form("lines", partial(_lines, True), partial(lower_depthwise, function=LINE)),
        Form("lines, any multiplier", partial(_lines, False), partial(lower_depthwise, function=f"{LINE}_any")),
        Form("pixels", _by_pixels, partial(lower_depthwise, function=PIXELS)),
        *[
            Form(f"{kind}by steps", partial(_by_steps, small), partial(lower_depthwise, function=f"{name}{end}{STEP}"))
            for kind, small, end in (("3 x 3, ", True, "_3x3"), ("", False, ""))
        ],
        Form("3 x 3", partial(_three_by_three, True), partial(lower_depthwise, function=f"{name}_3x3")),
        Form(
            "3 x 3, any multiplier",
            partial(_three_by_three, False),
            partial(lower_depthwise, function=f"{name}_3x3_any"),
        ),
        *in_blocks,
        Form("any multiplier", _every, partial(lower_depthwise, function=f"{name}_any")),
    )


def lower_in_form(layer: Convolution, forms: Sequence[Form]) -> Step:
    """Return the kernel call of the first form that fits a layer."""
    return next(form for form in forms if form.fits(layer)).lower(layer)
