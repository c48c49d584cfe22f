"""Sums, products and squares: exact over shapes, constants, quantisations, activations; refused where none fits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgemnist.compiler.graph import ACTIVATION_RELU, ACTIVATION_RELU6, ACTIVATION_RELU_N1_TO_1
from edgemnist.runner import RuntimeWorker
from tests.compiler.bench import Variant, build_program
from tests.compiler.model_builder import ModelBuilder
from tests.compiler.operators import (
    ZERO_POINTS,
    assert_exact,
    assert_exact_at_limits,
    assert_reference_exact,
    assert_refused,
)

Quantised = tuple[float, int]
Shape = tuple[int, ...]

KINDS = ("ADD", "SUB", "MUL", "SQUARED_DIFFERENCE")
ACTIVATED = ("ADD", "SUB", "MUL")
IMAGE: Shape = (1, 3, 4, 5)
USUAL: tuple[Quantised, Quantised, Quantised] = ((0.1, 3), (0.07, -11), (0.15, 5))


@dataclass(frozen=True)
class Case:
    """An operator with shapes and quantisations; the operand at position ``constant`` is one."""

    kind: str
    shapes: tuple[Shape, Shape] = (IMAGE, IMAGE)
    quantised: tuple[Quantised, Quantised, Quantised] = USUAL
    constant: int | None = None
    activation: int = 0

    def model(self) -> bytes:
        """Return the model: its input holds the operands' elements one after the other."""
        builder = ModelBuilder()
        sizes = [0 if position == self.constant else int(np.prod(shape)) for position, shape in enumerate(self.shapes)]
        image = builder.input((1, sum(sizes)), 1.0, 0)
        operands = [self._operand(builder, image, position, sizes) for position in (0, 1)]
        shape = np.broadcast_shapes(*self.shapes)
        scale, zero_point = self.quantised[2]
        options: dict[str, Any] = {"fused_activation_function": self.activation} if self.kind in ACTIVATED else {}
        output = builder.op(self.kind, operands, shape, scale, zero_point, **options)
        return builder.finish([output])

    def _operand(self, builder: ModelBuilder, image: int, position: int, sizes: list[int]) -> int:
        shape, quantised = self.shapes[position], self.quantised[position]
        if position == self.constant:
            return builder.constant(np.random.default_rng(7).integers(-128, 128, shape), *quantised)
        start = sizes[0] * position
        bounds = [
            builder.constant(values, dtype="int32") for values in ([0, start], [1, start + sizes[position]], [1, 1])
        ]
        part = builder.op("STRIDED_SLICE", [image, *bounds], (1, sizes[position]), 1.0, 0)
        target = builder.constant(np.array(shape, np.int32), dtype="int32")
        # RESHAPE passes the bytes on, whatever scale its output has.
        return builder.op("RESHAPE", [part, target], shape, *quantised, new_shape=list(shape))


SHAPES: dict[str, tuple[Shape, Shape]] = {
    "same shape": (IMAGE, IMAGE),
    "per channel": (IMAGE, (1, 1, 1, 5)),
    "per channel, first": ((1, 1, 1, 5), IMAGE),
    "per channel, fewer axes": (IMAGE, (5,)),
    "per pixel": (IMAGE, (1, 3, 4, 1)),
    "per row": ((1, 3, 1, 1), IMAGE),
    "both broadcast": ((1, 3, 1, 5), (1, 1, 4, 1)),
    "one element": (IMAGE, (1, 1, 1, 1)),
    "one element, first": ((1,), IMAGE),
    "five axes": ((1, 2, 3, 2, 3), (1, 2, 1, 2, 1)),
}
QUANTISED: dict[str, tuple[Quantised, Quantised, Quantised]] = {
    "larger scale first": ((0.2, -128), (0.07, 127), (0.15, 5)),
    "larger scale second": ((0.07, 127), (0.2, -128), (0.15, 5)),
    "equal scales": ((0.1, 3), (0.1, -3), (0.1, 0)),
    "twice the scale": ((0.1, 3), (0.05, -3), (0.1, 0)),
    "tiny beside large": ((1e-9, 3), (3.0, -3), (5.0, 0)),
    "very tiny beside large": ((3.0, 3), (1e-10, -3), (5.0, 0)),
    "far too coarse output": ((0.1, 3), (0.07, -3), (1e9, 127)),
    "far too fine output": ((0.1, 0), (0.07, 0), (0.00001, 0)),
    "output coarser than any sum": ((0.1, 0), (0.07, 0), (90.0, 1)),
}


def table(kind: str) -> dict[str, bytes]:
    cases = {
        f"{name}, constant {position}": Case(kind, shapes, constant=position)
        for number, (name, shapes) in enumerate(SHAPES.items())
        for position in (None, number % 2)
    }
    cases |= {name: Case(kind, quantised=quantised) for name, quantised in QUANTISED.items()}
    if kind in ("SUB", "SQUARED_DIFFERENCE"):  # the kinds in which it matters most which operand is the constant one
        cases |= {
            f"{name}, constant": Case(kind, (IMAGE, (5,)), quantised, constant=1)
            for name, quantised in QUANTISED.items()
        }
    for activation in () if kind not in ACTIVATED else (ACTIVATION_RELU, ACTIVATION_RELU6, ACTIVATION_RELU_N1_TO_1):
        cases[f"activation {activation}"] = Case(kind, activation=activation)
    # Where factors computed in float32 would not do.
    cases["ties"] = Case(kind, ((1, 256), (1, 256)), ((0.242, 0), (0.726, 0), (2.42, 0)))
    return {name: case.model() for name, case in cases.items()} | {"with itself": twice(kind)}


def twice(kind: str, target: Quantised = (0.11, 4)) -> bytes:
    builder = ModelBuilder()
    image = builder.input((1, 256), 0.05, -3)
    return builder.finish([builder.op(kind, [image, image], (1, 256), *target)])


@pytest.mark.parametrize("kind", KINDS)
def test_exact(kind: str, tflm: RuntimeWorker) -> None:
    assert_exact(table(kind), tflm, None)


def test_exact_at_the_limits_of_overlap(tflm: RuntimeWorker) -> None:
    cases = {f"{kind} {name}": Case(kind, shapes) for kind in ACTIVATED for name, shapes in SHAPES.items()}

    assert_exact_at_limits({name: case.model() for name, case in cases.items()}, tflm)


def test_products_are_exact_in_the_bodies_of_a_cortex_m4(tflm: RuntimeWorker) -> None:
    cases = {name: Case("MUL", shapes).model() for name, shapes in SHAPES.items()}

    assert_exact_at_limits(cases, tflm, Variant(target="cortex-m4"))


@pytest.mark.parametrize("kind", KINDS)
def test_the_witness_agrees(kind: str, tflm: RuntimeWorker, witness: RuntimeWorker) -> None:
    for name, content in table(kind).items():
        if "five axes" not in name:  # tflite-runtime aborts
            assert_reference_exact(content, tflm, witness)


@st.composite
def quantised(draw: st.DrawFn) -> Quantised:
    return float(np.float32(10.0 ** draw(st.floats(-3, 1)))), draw(st.sampled_from(ZERO_POINTS))


@settings(deadline=None, derandomize=True, max_examples=90)
@given(kind=st.sampled_from(KINDS), first=quantised(), second=quantised(), output=quantised())
def test_reference_exact_everywhere(
    tflm: RuntimeWorker, kind: str, first: Quantised, second: Quantised, output: Quantised
) -> None:
    assert_reference_exact(Case(kind, quantised=(first, second, output)).model(), tflm)


def test_same_shape_may_be_done_in_place_of_either_operand() -> None:
    step = build_program(Case("ADD").model(), Variant()).steps[-1]

    assert len(step.overlaps) == 2
    assert all(overlap.at_most == 0 for overlap in step.overlaps.values())


def test_refuses_shapes_that_do_not_broadcast() -> None:
    builder = ModelBuilder()
    image = builder.input((1, 4), 0.1)
    other = builder.constant(np.zeros((1, 3), np.int8), 0.1)
    content = builder.finish([builder.op("ADD", [image, other], (1, 4), 0.1)])

    assert_refused(content, r"shapes \[1, 4\] and \[1, 3\] don't broadcast to \[1, 4\]")


def test_refuses_broadcasting_along_too_many_axes() -> None:
    shapes = ((1, 2, 1, 2, 1, 2), (1, 1, 2, 1, 2, 1))

    assert_refused(Case("ADD", shapes).model(), "too many axes in turn")


def test_refuses_two_constants() -> None:
    builder = ModelBuilder()
    image = builder.input((1, 4), 0.1)
    first, second = (builder.constant(np.ones((1, 4), np.int8), 0.1) for _ in range(2))
    total = builder.op("ADD", [first, second], (1, 4), 0.1)
    content = builder.finish([builder.op("ADD", [image, total], (1, 4), 0.1)])

    assert_refused(content, "all its operands are constants")


def test_refuses_a_constant_quantised_per_channel() -> None:
    builder = ModelBuilder()
    image = builder.input((1, 2), 0.1)
    constant = builder.constant(np.ones((1, 2), np.int8), [0.1, 0.2], [0, 0], axis=1)
    content = builder.finish([builder.op("ADD", [image, constant], (1, 2), 0.1)])

    assert_refused(content, "quantised per channel; convert per tensor")


@pytest.mark.parametrize(
    ("kind", "scale", "reason"), [("ADD", 1e-8, r"less than the operands' / 2\^19"), ("MUL", 1e-12, "times finer")]
)
def test_refuses_an_output_finer_than_fixed_point_goes(kind: str, scale: float, reason: str) -> None:
    assert_refused(Case(kind, quantised=((0.1, 0), (0.1, 0), (scale, 0))).model(), reason)
