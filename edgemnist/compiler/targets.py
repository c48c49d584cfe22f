"""Targets: which bodies the kernels take. A body replaces the inner part of a kernel for one core, byte for byte."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType


@dataclass(frozen=True)
class SparseCosts:
    """Instructions, from which it is estimated whether a layer gains by storing only its weights other than zero.

    ``dense_mac``: of the dense kernels for a multiplication. ``product``: of ``em_sparse.h`` for a stored weight and a
    pixel; ``entry``: beside those, for a stored weight and a group of pixels; ``sum``: for each sum; ``copy``: for each
    byte of a strip. ``pixels``: the most pixels that the body has registers for.

    Counted on emulated cores with gcc and zig at -O2, where there are some: both kernels are alike otherwise, so that
    roughly right is enough.
    """

    dense_mac: float
    product: float
    entry: float
    sum: float
    copy: float
    pixels: int


_WORDS = SparseCosts(dense_mac=2.6, product=2.0, entry=5.0, sum=6.0, copy=1.5, pixels=7)
_DSP = replace(_WORDS, dense_mac=1.9)
_THUMB1 = SparseCosts(dense_mac=4.3, product=3.0, entry=7.0, sum=8.0, copy=2.0, pixels=4)
_VECTORS = replace(_WORDS, dense_mac=0.4)


@dataclass(frozen=True)
class Target:
    """``bodies`` maps the macro that a kernel asks for to the header in ``firmware/kernels`` that it then includes.

    ``packing`` is the order of weights that those bodies read: "lanes" (``em_dot.h``), "pairs" (``em_dot_dsp.h``) or
    "channels" (``em_dot_thumb1.h``, ``em_dot_mve.h``). ``sparse`` is what weights that are mostly zero cost there.
    """

    name: str
    description: str
    bodies: Mapping[str, str] = field(default_factory=dict)
    packing: str = "lanes"
    sparse: SparseCosts = _WORDS


def _with_dsp(name: str, description: str) -> Target:
    bodies = {"EM_TARGET_DOT": "em_dot_dsp.h", "EM_TARGET_DEPTHWISE": "em_depthwise_dsp.h"}
    return Target(name, description, bodies, packing="pairs", sparse=_DSP)


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
        packing="channels",
        sparse=_THUMB1,
    ),
    Target("cortex-m3", "Arm Cortex-M3"),
    _with_dsp("cortex-m4", "Arm Cortex-M4"),
    _with_dsp("cortex-m7", "Arm Cortex-M7"),
    _with_dsp("cortex-m33", "Arm Cortex-M33"),
    Target(
        "cortex-m55",
        "Arm Cortex-M55",
        {"EM_TARGET_DOT": "em_dot_mve.h", "EM_TARGET_DEPTHWISE": "em_depthwise_dsp.h"},
        packing="channels",
        sparse=_VECTORS,
    ),
    Target("rv32", "RISC-V, 32 bits"),
    Target("x86-64", "this kind of desktop or server", {"EM_TARGET_DOT": "em_dot_sse2.h"}, sparse=_VECTORS),
)

TARGETS: Mapping[str, Target] = MappingProxyType({target.name: target for target in _KNOWN})
"""Every target by name. Those without bodies of their own get the portable C."""
