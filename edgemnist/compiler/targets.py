"""Targets: which bodies the kernels take. A body replaces the inner part of a kernel for one core, byte for byte."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from edgemnist.compiler.bodies.base import DenseBody, DepthwiseBody
from edgemnist.compiler.bodies.channels import ChannelByChannel
from edgemnist.compiler.bodies.pairs import ChannelPairs
from edgemnist.compiler.bodies.words import PixelWords, PlainSingles


@dataclass(frozen=True)
class SparseCosts:
    """Instructions, from which it is estimated whether a layer gains by storing only its weights other than zero.

    ``dense_mac``: of each dense kernel for a multiplication. ``product``: of ``em_sparse.h`` for a stored weight and a
    pixel; ``entry``: beside those, for a stored weight and a group of pixels; ``pooled``: for each sum of which a pool
    takes the largest; ``copy``: for each byte of a strip. ``pixels``: the most that the body has registers for.

    Counted on emulated Cortex-M0, M3 and M4 with gcc and zig at -O2, without what both kinds of kernel do alike for
    each output. For the dense ones it is the least that a layer took, so that the choice of the others is no loss. With
    vectors it depends on how many channels there are, and is taken for the many: little becomes sparse there.
    """

    dense_mac: Mapping[str, float]
    product: float
    entry: float
    pooled: float
    copy: float
    pixels: int


def _dense(conv_2d: float, max_pool: float, pointwise: float, fully_connected: float) -> Mapping[str, float]:
    names = ("em_conv_2d", "em_conv_2d_max_pool", "em_pointwise", "em_fully_connected")
    return MappingProxyType(dict(zip(names, (conv_2d, max_pool, pointwise, fully_connected), strict=True)))


_WORDS = SparseCosts(_dense(2.2, 2.4, 2.2, 2.4), product=2.0, entry=5.0, pooled=6.0, copy=1.5, pixels=7)
_PIXEL_WORDS = replace(_WORDS, dense_mac=_dense(1.4, 1.4, 1.45, 2.2))
_DSP = replace(_WORDS, dense_mac=_dense(1.43, 1.48, 1.0, 1.55))
# Less than the least, because dense layers of several pixels are requantised by step functions, sparse ones are not.
_THUMB1 = SparseCosts(_dense(2.0, 2.2, 1.7, 3.6), product=3.0, entry=8.0, pooled=8.0, copy=2.0, pixels=4)
_VECTORS = replace(_WORDS, dense_mac=_dense(0.4, 0.4, 0.4, 0.4))


@dataclass(frozen=True)
class Target:
    """``bodies`` maps the macro that a kernel asks for to the header in ``firmware/kernels`` that it then includes.

    ``dense`` and ``depthwise`` are what the generator does for those bodies. ``sparse`` is what weights that are mostly
    zero cost there.
    """

    name: str
    description: str
    bodies: Mapping[str, str] = field(default_factory=dict)
    dense: DenseBody = field(default_factory=DenseBody)
    depthwise: DepthwiseBody = field(default_factory=DepthwiseBody)
    sparse: SparseCosts = _WORDS


def _with_dsp(name: str, description: str) -> Target:
    bodies = {"EM_TARGET_DOT": "em_dot_dsp.h", "EM_TARGET_DEPTHWISE": "em_depthwise_dsp.h"}
    return Target(name, description, bodies, dense=ChannelPairs(), sparse=_DSP)


_KNOWN = (
    Target("portable", "any C99 compiler, 8-bit chars and 32-bit ints or wider"),
    Target(
        "cortex-m0plus",
        "Arm Cortex-M0 and M0+",
        {
            "EM_TARGET_DOT": "em_dot_thumb1.h",
            "EM_TARGET_DEPTHWISE": "em_depthwise_thumb1.h",
            "EM_TARGET_SPARSE": "em_sparse_thumb1.h",
        },
        dense=PlainSingles(),
        sparse=_THUMB1,
    ),
    Target(
        "cortex-m3",
        "Arm Cortex-M3",
        {"EM_TARGET_DOT": "em_dot_words.h"},
        dense=PixelWords(),
        sparse=_PIXEL_WORDS,
    ),
    _with_dsp("cortex-m4", "Arm Cortex-M4"),
    _with_dsp("cortex-m7", "Arm Cortex-M7"),
    _with_dsp("cortex-m33", "Arm Cortex-M33"),
    Target(
        "cortex-m55",
        "Arm Cortex-M55",
        {"EM_TARGET_DOT": "em_dot_mve.h", "EM_TARGET_DEPTHWISE": "em_depthwise_dsp.h"},
        dense=ChannelByChannel(),
        sparse=_VECTORS,
    ),
    Target("rv32", "RISC-V, 32 bits", {"EM_TARGET_DOT": "em_dot_words.h"}, dense=PixelWords()),
    Target("x86-64", "this kind of desktop or server", {"EM_TARGET_DOT": "em_dot_sse2.h"}, sparse=_VECTORS),
)

TARGETS: Mapping[str, Target] = MappingProxyType({target.name: target for target in _KNOWN})
"""Every target by name. Those without bodies of their own get the portable C."""
