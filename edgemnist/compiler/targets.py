"""Targets: which bodies the kernels take. A body replaces the inner part of a kernel for one core, byte for byte."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType


@dataclass(frozen=True)
class Target:
    """``bodies`` maps the macro that a kernel asks for to the header in ``firmware/kernels`` that it then includes.

    ``packing`` is the order of weights that those bodies read: "lanes" (``em_dot.h``), "pairs" (``em_dot_dsp.h``) or
    "channels" (``em_dot_thumb1.h``, ``em_dot_mve.h``).
    """

    name: str
    description: str
    bodies: Mapping[str, str] = field(default_factory=dict)
    packing: str = "lanes"


def _with_dsp(name: str, description: str) -> Target:
    bodies = {"EM_TARGET_DOT": "em_dot_dsp.h", "EM_TARGET_DEPTHWISE": "em_depthwise_dsp.h"}
    return Target(name, description, bodies, packing="pairs")


_KNOWN = (
    Target("portable", "any C99 compiler, 8-bit chars and 32-bit ints or wider"),
    Target(
        "cortex-m0plus",
        "Arm Cortex-M0 and M0+",
        {"EM_TARGET_DOT": "em_dot_thumb1.h", "EM_TARGET_DEPTHWISE": "em_depthwise_thumb1.h"},
        packing="channels",
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
    ),
    Target("rv32", "RISC-V, 32 bits"),
    Target("x86-64", "this kind of desktop or server", {"EM_TARGET_DOT": "em_dot_sse2.h"}),
)

TARGETS: Mapping[str, Target] = MappingProxyType({target.name: target for target in _KNOWN})
"""Every target by name. Those without bodies of their own get the portable C."""
