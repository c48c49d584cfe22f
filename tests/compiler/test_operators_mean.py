"""MEAN, SUM, REDUCE_MAX, REDUCE_MIN: exact over axes, shapes, quantisations; refused where no kernel walks that way."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from edgemnist.compiler.reader import read_graph
from edgemnist.runner import RuntimeWorker
from edgemnist.tflite.file import parse_tflite
from tests.compiler.model_builder import ModelBuilder
from tests.compiler.operators import assert_exact, assert_exact_at_limits, assert_reference_exact, assert_refused

Quantised = tuple[float, int]


def mean_model(
    shape: tuple[int, ...], axes: Sequence[int], source: Quantised, target: Quantised, *, keep_dims: bool = False,
    kind: str = "MEAN",
) -> bytes:  # fmt: skip
    builder = ModelBuilder()
    image = builder.input(shape, *source)
    averaged = {axis % len(shape) for axis in axes}
    sizes = [1 if axis in averaged else size for axis, size in enumerate(shape)]
    out_shape = sizes if keep_dims else [size for axis, size in enumerate(sizes) if axis not in averaged]
    chosen = builder.constant(np.array(axes, np.int32), dtype="int32")
    return builder.finish([builder.op(kind, [image, chosen], out_shape, *target, keep_dims=keep_dims)])


CASES: dict[str, tuple[tuple[int, ...], tuple[int, ...], Quantised, Quantised]] = {
    "global average pooling, same quantisation": ((1, 7, 7, 24), (1, 2), (0.05, -128), (0.05, -128)),
    "global average pooling, other quantisation": ((1, 7, 7, 24), (2, 1), (0.05, -128), (0.04, -120)),
    "negative axes": ((1, 5, 3, 7), (-2, -3), (0.1, 3), (0.07, 11)),
    "rows": ((1, 5, 3, 7), (1,), (0.1, 3), (0.07, 11)),
    "channels": ((1, 5, 3, 7), (3,), (0.1, 3), (0.07, 11)),
    "two groups of either kind": ((1, 5, 3, 7), (1, 3), (0.1, 3), (0.07, 11)),
    "columns, coarser": ((1, 5, 3, 7), (2,), (0.1, -128), (3.0, 127)),
    "an axis named three times, saturating": ((1, 5, 3, 7), (1, 1, -3), (0.1, 127), (0.001, -128)),
    "multiplier far above one": ((1, 6), (1,), (2.0, 0), (1e-9, 0)),
    "multiplier far below one": ((1, 6), (-1,), (1e-9, 0), (2.0, 5)),
    "five axes": ((1, 2, 3, 2, 3), (1, 3), (0.1, 0), (0.05, 0)),
}
TABLE = {
    f"{name}{', kept' if keep else ''}": mean_model(*case, keep_dims=keep)
    for name, case in CASES.items()
    for keep in (False, True)
}
SUMS = {
    f"sum, {name}": mean_model(*case, kind="SUM")
    for name, case in CASES.items()
    if name not in ("multiplier far above one", "multiplier far below one")
}
EXTREMES = {
    f"{kind}, {name}{', kept' if keep else ''}": mean_model(shape, axes, source, source, keep_dims=keep, kind=kind)
    for name, (shape, axes, source, _) in CASES.items()
    for keep in (False, True)
    for kind in ("REDUCE_MAX", "REDUCE_MIN")
}
TABLE |= EXTREMES
TABLE["nothing to average"] = mean_model((1, 9), (0,), (0.3, 1), (0.2, 0), keep_dims=True)


def test_exact(tflm: RuntimeWorker, witness: RuntimeWorker) -> None:
    assert_exact(TABLE, tflm, witness)


def test_sums_are_exact(tflm: RuntimeWorker) -> None:
    assert_exact(SUMS, tflm, None)  # tflite-runtime 2.14 does not limit a sum from below


def test_exact_at_the_limits_of_overlap(tflm: RuntimeWorker) -> None:
    assert_exact_at_limits(TABLE, tflm)


@st.composite
def reductions(draw: st.DrawFn) -> tuple[tuple[int, ...], tuple[int, ...], Quantised, Quantised]:
    shape = (1, *draw(st.lists(st.integers(1, 9), min_size=1, max_size=3)))
    axes = draw(st.lists(st.integers(1, len(shape) - 1), min_size=1, unique=True))
    scales = st.floats(-4, 2).map(lambda power: float(np.float32(10.0**power)))
    zero_points = st.sampled_from([-128, -1, 0, 3, 127])
    source, target = (draw(st.tuples(scales, zero_points)) for _ in range(2))
    return shape, tuple(axes), source, target


@settings(deadline=None, derandomize=True, max_examples=60)
@given(case=reductions())
def test_reference_exact_everywhere(
    tflm: RuntimeWorker, case: tuple[tuple[int, ...], tuple[int, ...], Quantised, Quantised]
) -> None:
    assert_reference_exact(mean_model(*case, keep_dims=True), tflm)


@settings(deadline=None, derandomize=True, max_examples=40)
@given(case=reductions())
def test_sums_everywhere(
    tflm: RuntimeWorker, case: tuple[tuple[int, ...], tuple[int, ...], Quantised, Quantised]
) -> None:
    assert_reference_exact(mean_model(*case, keep_dims=True, kind="SUM"), tflm)


def test_refuses_an_extreme_of_another_scale() -> None:
    assert_refused(mean_model((1, 4), (1,), (0.1, 0), (0.2, 0), kind="REDUCE_MAX"), "differ in scale or zero point")


def test_refuses_axes_that_no_kernel_walks() -> None:
    assert_refused(mean_model((1, 2, 2, 2, 2, 2), (1, 3, 5), (0.1, 0), (0.1, 0)), "lie too scattered")


def test_refuses_an_axis_out_of_range() -> None:
    builder = ModelBuilder()
    image = builder.input((1, 4), 0.1)
    axes = builder.constant([2], dtype="int32")
    content = builder.finish([builder.op("MEAN", [image, axes], (1, 1), 0.1, keep_dims=True)])

    assert_refused(content, "axis 2 of 'input' with 2 axes")


def test_refuses_axes_that_are_computed() -> None:
    builder = ModelBuilder()
    image = builder.input((1, 4), 0.1)
    axes = builder.tensor((1,), dtype="int32", name="axes")
    content = builder.finish([builder.op("MEAN", [image, axes], (1, 1), 0.1, keep_dims=True)])

    assert_refused(content, "the axes must be a constant|read before it is written")


def test_as_many_elements_as_a_sum_can_hold() -> None:
    shape = (1, 2048, 2047, 1)
    read_graph(parse_tflite(mean_model(shape, (1, 2), (0.1, 0), (0.1, 0))))

    assert_refused(mean_model((1, 2048, 2048, 1), (1, 2), (0.1, 0), (0.1, 0)), "sums 4194304 elements")
