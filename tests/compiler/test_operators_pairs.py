"""MAXIMUM, MINIMUM and PRELU: exact over shapes, constants and quantisations; refused where they don't fit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

from edgemnist.runner import RuntimeWorker
from tests.compiler.bench import Variant, build_program
from tests.compiler.model_builder import ModelBuilder
from tests.compiler.operators import assert_exact, assert_exact_at_limits, assert_reference_exact, assert_refused
from tests.compiler.test_operators_arithmetic import IMAGE, SHAPES, Case, Quantised, Shape, quantised, twice

SAME: tuple[Quantised, Quantised, Quantised] = ((0.1, 3), (0.1, 3), (0.1, 3))
SLOPES: dict[str, tuple[Quantised, Quantised, Quantised]] = {
    "usual": ((0.1, 3), (0.01, -11), (0.08, 5)),
    "slopes above one": ((0.1, -128), (0.07, 0), (0.15, 127)),
    "slopes of nothing": ((0.1, 0), (1e-9, 0), (0.1, 0)),
    "coarser output": ((0.1, 3), (0.01, -11), (0.4, 5)),
    "far finer output": ((0.1, 7), (0.01, 3), (0.0001, 0)),
    "far coarser output": ((0.1, 7), (0.01, 3), (1e9, -1)),
}


def chosen(kind: str) -> dict[str, bytes]:
    """Return MAXIMUM or MINIMUM over all shapes."""
    cases = {
        f"{kind} {name}, constant {position}": Case(kind, shapes, SAME, constant=position)
        for number, (name, shapes) in enumerate(SHAPES.items())
        for position in (None, number % 2)
    }
    return {name: case.model() for name, case in cases.items()} | {f"{kind} with itself": twice(kind, (0.05, -3))}


def prelu(slopes: Shape, quantised: tuple[Quantised, Quantised, Quantised], constant: int | None = 1) -> Case:
    return Case("PRELU", (IMAGE, slopes), quantised, constant)


PRELUS = {
    "a slope for each channel": prelu((1, 1, 5), SLOPES["usual"]),
    "a slope for each element": prelu((3, 4, 5), SLOPES["usual"]),
    "one slope": prelu((1, 1, 1), SLOPES["usual"]),
    "slopes that are computed": prelu((1, 3, 1, 5), SLOPES["usual"], None),
    **{name: prelu((1, 1, 1, 5), quantised) for name, quantised in SLOPES.items()},
}
TABLE = {**chosen("MAXIMUM"), **chosen("MINIMUM"), **{f"PRELU, {name}": case.model() for name, case in PRELUS.items()}}


def test_exact(tflm: RuntimeWorker) -> None:
    assert_exact(TABLE, tflm, None)


def test_exact_at_the_limits_of_overlap(tflm: RuntimeWorker) -> None:
    assert_exact_at_limits(TABLE, tflm)


def test_the_witness_agrees(tflm: RuntimeWorker, witness: RuntimeWorker) -> None:
    for name, content in TABLE.items():
        if "five axes" not in name:  # tflite-runtime aborts
            assert_reference_exact(content, tflm, witness)


@settings(deadline=None, derandomize=True, max_examples=60)
@given(values=quantised(), slopes=quantised(), output=quantised())
def test_prelu_everywhere(tflm: RuntimeWorker, values: Quantised, slopes: Quantised, output: Quantised) -> None:
    assert_reference_exact(prelu((1, 1, 1, 5), (values, slopes, output)).model(), tflm)


REFUSED = {
    "scales": (Case("MAXIMUM", quantised=((0.1, 3), (0.2, 3), (0.1, 3))), "differ in scale or zero point"),
    "output's zero point": (Case("MINIMUM", quantised=((0.1, 3), (0.1, 3), (0.1, 4))), "differ in scale or zero point"),
    "shapes": (Case("MAXIMUM", ((1, 2, 1, 2, 1, 2), (1, 1, 2, 1, 2, 1)), SAME), "too many axes in turn"),
    "more slopes than elements": (
        Case("PRELU", ((1, 1, 5), (1, 3, 5)), SLOPES["usual"]),
        "more elements than the input",
    ),
    "slopes too fine": (prelu((1, 1, 5), ((1.0, 0), (1.0, 0), (1e-12, 0))), "times finer"),
}


@pytest.mark.parametrize("name", list(REFUSED))
def test_refused(name: str) -> None:
    case, reason = REFUSED[name]

    assert_refused(case.model(), reason)


def test_refuses_two_constants() -> None:
    builder = ModelBuilder()
    builder.input((1, 4), 0.1)
    first, second = (builder.constant(np.ones((1, 4), np.int8), 0.1) for _ in range(2))

    assert_refused(
        builder.finish([builder.op("MAXIMUM", [first, second], (1, 4), 0.1)]), "all its operands are constants"
    )


def test_an_operand_of_the_output_s_shape_may_be_done_in_place() -> None:
    step = build_program(PRELUS["slopes that are computed"].model(), Variant()).steps[-1]

    assert [overlap.at_most for overlap in step.overlaps.values()].count(0) == 1
