"""Targets: which bodies the kernels take. A body replaces the inner part of a kernel for one core, byte for byte.

What the generator does for bodies needs numpy; it is loaded when it is used, because the command line asks for names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from edgemnist.compiler.bodies.base import DenseBody, DepthwiseBody


_SPARSE_PIXELS = (7, 6, 5, 4)
"""Pixels that a sparse layer does at a time: as many as there are registers for their sums, or fewer to fit a row."""


def _lanes() -> DenseBody:
    from edgemnist.compiler.bodies.base import DenseBody

    return DenseBody()


def _pairs() -> DenseBody:
    from edgemnist.compiler.bodies.pairs import ChannelPairs

    return ChannelPairs()


def _channel_chunks() -> DenseBody:
    from edgemnist.compiler.bodies.chunks import ChannelChunks

    return ChannelChunks()


def _pixel_words() -> DenseBody:
    from edgemnist.compiler.bodies.words import PixelWords

    return PixelWords()


def _stepped_words() -> DenseBody:
    from edgemnist.compiler.bodies.words import SteppedWords

    return SteppedWords()


def _column_words() -> DepthwiseBody:
    from edgemnist.compiler.bodies.columns import ColumnWords

    return ColumnWords()


def _three_rows() -> DepthwiseBody:
    from edgemnist.compiler.bodies.three_rows import ThreeRows

    return ThreeRows(4)


def _three_rows_of_one() -> DepthwiseBody:
    from edgemnist.compiler.bodies.three_rows import ThreeRows

    return ThreeRows(4, made=1)


def _three_wide_rows() -> DepthwiseBody:
    from edgemnist.compiler.bodies.three_rows import ThreeRows

    return ThreeRows(2, wide=True)


def _planes() -> DepthwiseBody:
    from edgemnist.compiler.bodies.base import DepthwiseBody

    return DepthwiseBody()


def _widening_products() -> DenseBody:
    from edgemnist.compiler.bodies.neon import WideningProducts

    return WideningProducts()


def _paired_products() -> DenseBody:
    from edgemnist.compiler.bodies.neon import PairedProducts

    return PairedProducts()


def _dot_products() -> DenseBody:
    from edgemnist.compiler.bodies.neon import DotProducts

    return DotProducts()


def _sixteen_lanes() -> DenseBody:
    from edgemnist.compiler.bodies.lanes import Lanes

    return Lanes()


def _sixteen_columns() -> DepthwiseBody:
    from edgemnist.compiler.bodies.lanes import Columns

    return Columns()


def _channel_vectors() -> DepthwiseBody:
    from edgemnist.compiler.bodies.neon import ChannelVectors

    return ChannelVectors()


@dataclass(frozen=True)
class Target:
    """``bodies`` maps the macro that a kernel asks for to the header in ``firmware/kernels`` that it then includes.

    ``make_dense`` and ``make_depthwise`` give what the generator does for those bodies. ``sparse_weights``: how weights
    that are mostly zero are stored; ``sparse_pixels``: how many pixels such a layer may do at a time, where the kernels
    leave that open. ``told_by``: the preprocessor's condition under which code for any core takes these bodies; empty
    for the portable ones, which are left then, where another target has the same, and for WebAssembly, which nobody
    builds from a package for boards.
    """

    name: str
    description: str
    told_by: str = ""
    bodies: Mapping[str, str] = field(default_factory=dict)
    make_dense: Callable[[], DenseBody] = _lanes
    make_depthwise: Callable[[], DepthwiseBody] = _planes
    sparse_pixels: tuple[int, ...] = _SPARSE_PIXELS
    sparse_weights: Literal["stream", "chunks", "pairs"] = "stream"

    @cached_property
    def dense(self) -> DenseBody:
        """What the generator does for ``EM_TARGET_DOT``."""
        return self.make_dense()

    @cached_property
    def depthwise(self) -> DepthwiseBody:
        """What the generator does for ``EM_TARGET_DEPTHWISE``."""
        return self.make_depthwise()


def _with_dsp(name: str, description: str) -> Target:
    bodies = {
        "EM_TARGET_DOT": "em_dot_dsp.h",
        "EM_TARGET_DEPTHWISE": "em_depthwise_dsp.h",
        "EM_TARGET_DEPTHWISE_WINDOW": "em_depthwise_window_dsp.h",
        "EM_TARGET_ARITHMETIC": "em_arithmetic_dsp.h",
    }
    told_by = "defined(__GNUC__) && defined(__ARM_FEATURE_DSP) && defined(__thumb2__)" if name == "cortex-m4" else ""
    return Target(name, description, told_by, bodies, _pairs, _three_wide_rows, sparse_weights="pairs")


def _with_neon(name: str, description: str) -> Target:
    bodies = {"EM_TARGET_DOT": "em_dot_smull.h", "EM_TARGET_DEPTHWISE": "em_depthwise_neon.h"}
    told_by = "defined(__aarch64__) && defined(__ARM_NEON)" if name == "cortex-a72" else ""
    return Target(name, description, told_by, bodies, _widening_products, _channel_vectors)


_KNOWN = (
    Target("portable", "any C99 compiler, 8-bit chars and 32-bit ints or wider"),
    Target(
        "cortex-m0plus",
        "Arm Cortex-M0 and M0+",
        "defined(__ARM_ARCH_ISA_THUMB) && __ARM_ARCH_ISA_THUMB == 1",
        {
            "EM_TARGET_DOT": "em_dot_thumb1.h",
            "EM_TARGET_DEPTHWISE": "em_depthwise_thumb1.h",
            "EM_TARGET_DEPTHWISE_WINDOW": "em_depthwise_window_thumb1.h",
            "EM_TARGET_SPARSE": "em_sparse_thumb1.h",
        },
        make_dense=_stepped_words,
        make_depthwise=_three_rows_of_one,
        sparse_pixels=(4,),
    ),
    Target(
        "cortex-m3",
        "Arm Cortex-M3",
        "defined(__thumb2__)",
        {"EM_TARGET_DOT": "em_dot_words.h", "EM_TARGET_DEPTHWISE": "em_depthwise_thumb2.h"},
        make_dense=_pixel_words,
        make_depthwise=_three_rows,
    ),
    _with_dsp("cortex-m4", "Arm Cortex-M4"),
    _with_dsp("cortex-m7", "Arm Cortex-M7"),
    _with_dsp("cortex-m33", "Arm Cortex-M33"),
    Target(
        "cortex-m55",
        "Arm Cortex-M55",
        "defined(__ARM_FEATURE_MVE)",
        {
            "EM_TARGET_DOT": "em_dot_mve.h",
            "EM_TARGET_WINDOW": "em_window_mve.h",
            "EM_TARGET_DEPTHWISE": "em_depthwise_mve.h",
            "EM_TARGET_DEPTHWISE_WINDOW": "em_depthwise_window_dsp.h",
            "EM_TARGET_ARITHMETIC": "em_arithmetic_mve.h",
            "EM_TARGET_POOL": "em_pool_mve.h",
            "EM_TARGET_POOL_2D": "em_pool_2d_mve.h",
        },
        make_dense=_channel_chunks,
        make_depthwise=_column_words,
        sparse_weights="chunks",
    ),
    Target(
        "rv32",
        "RISC-V, 32 bits",
        "defined(__riscv) && __riscv_xlen == 32",
        {"EM_TARGET_DOT": "em_dot_words.h"},
        make_dense=_pixel_words,
    ),
    _with_neon("cortex-a53", "Arm Cortex-A53, 64 bits: Raspberry Pi 3, Zero 2"),
    _with_neon("cortex-a72", "Arm Cortex-A72, 64 bits: Raspberry Pi 4"),
    Target(
        "cortex-a76",
        "Arm Cortex-A76, 64 bits: Raspberry Pi 5",
        "defined(__aarch64__) && defined(__ARM_FEATURE_DOTPROD)",
        {"EM_TARGET_DOT": "em_dot_sdot.h", "EM_TARGET_DEPTHWISE": "em_depthwise_neon.h"},
        make_dense=_dot_products,
        make_depthwise=_channel_vectors,
    ),
    Target(
        "x86-64",
        "this kind of desktop or server",
        "defined(__x86_64__)",
        {"EM_TARGET_DOT": "em_dot_sse2.h"},
    ),
    Target(
        "x86-64-v3",
        "x86-64 with AVX2, and VNNI where the compiler may use it",
        "defined(__AVX2__)",
        {
            "EM_TARGET_DOT": "em_dot_avx2.h",
            "EM_TARGET_POINTWISE": "em_pointwise_avx2.h",
            "EM_TARGET_CONV_2D": "em_conv_2d_avx2.h",
            "EM_TARGET_CONV_2D_ADD": "em_conv_2d_add_avx2.h",
            "EM_TARGET_ARITHMETIC": "em_arithmetic_avx2.h",
            "EM_TARGET_POOL_2D": "em_pool_2d_avx2.h",
            "EM_TARGET_MEAN": "em_mean_avx2.h",
            "EM_TARGET_DEPTHWISE": "em_depthwise_avx2.h",
        },
        make_dense=_sixteen_lanes,
        make_depthwise=_sixteen_columns,
    ),
    Target(
        "wasm-simd128",
        "WebAssembly with 128-bit SIMD",
        bodies={"EM_TARGET_DOT": "em_dot_wasm.h", "EM_TARGET_DEPTHWISE": "em_depthwise_wasm.h"},
        make_dense=_paired_products,
        make_depthwise=_channel_vectors,
    ),
)

TARGETS: Mapping[str, Target] = MappingProxyType({target.name: target for target in _KNOWN})
"""Every target by name. Those without bodies of their own get the portable C."""

ANY = "any"
"""Not one target but all: the compiler of the C tells which, and the portable one is left for every other."""

TOLD_APART: tuple[Target, ...] = tuple(target for target in reversed(_KNOWN) if target.told_by)
"""The targets that a compiler can tell, in the order in which it is asked: the first whose condition holds is it."""
