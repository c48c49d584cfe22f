"""SVDF: exact over a stream, with a state of int16 and of int8; refused where TFLM refuses it or has no such thing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgemnist.compiler.reader import read_graph
from edgemnist.runner import RuntimeWorker
from edgemnist.tflite.file import parse_tflite
from tests.compiler.bench import SIZE_SANITISED, SPEED, VARIANTS, Subject, check_exact, find_truth
from tests.compiler.model_builder import ModelBuilder, edited
from tests.compiler.operators import assert_refused

CASES = 9


@dataclass(frozen=True)
class Filters:
    """A layer of ``units`` of ``rank`` filters each, for ``batch`` rows of ``inputs``."""

    batch: int = 1
    inputs: int = 6
    units: int = 5
    rank: int = 1
    memory: int = 4
    state: str = "int16"
    scales: tuple[float, float, float, float, float] = (0.05, 0.01, 0.003, 0.004, 0.03)
    """Of input, feature weights, time weights, state and output."""
    zero_points: tuple[int, int, int] = (-7, 0, -128)
    """Of input, state and output."""
    activation: int = 1
    seed: int = 1

    def model(self) -> bytes:
        """Return the model."""
        random, builder = np.random.default_rng(self.seed), ModelBuilder()
        filters, (source, feature, time, state, output) = self.units * self.rank, self.scales
        limit = 127 if self.state == "int8" else 32767
        given = builder.input((1, self.batch * self.inputs), source, self.zero_points[0])
        rows = builder.constant([self.batch, self.inputs], dtype="int32")
        shape = (self.batch, self.inputs)
        x = builder.op("RESHAPE", [given, rows], shape, source, self.zero_points[0], new_shape=list(shape))
        weights = builder.constant(random.integers(-127, 128, (filters, self.inputs)), feature)
        over_time = random.integers(-limit, limit + 1, (filters, self.memory))
        bias = random.integers(-20000, 20000, self.units)
        operands = [
            x, weights, builder.constant(over_time, time, dtype=self.state),
            builder.constant(bias, state * time, dtype="int32"),
            builder.tensor(
                (self.batch, self.memory * filters), state, self.zero_points[1], dtype=self.state, variable=True,
                name="memory",
            ),
        ]  # fmt: skip
        shape = (self.batch, self.units)
        result = builder.op(
            "SVDF", operands, shape, output, self.zero_points[2], version=3, rank=self.rank,
            fused_activation_function=self.activation,
        )  # fmt: skip
        return (
            builder.finish([result]) if self.batch == 1 else _flat(builder, result, shape, output, self.zero_points[2])
        )


def _flat(builder: ModelBuilder, index: int, shape: tuple[int, int], scale: float, zero_point: int) -> bytes:
    whole = [1, shape[0] * shape[1]]
    target = builder.constant(whole, dtype="int32")
    return builder.finish([builder.op("RESHAPE", [index, target], whole, scale, zero_point, new_shape=whole)])


TABLE = {
    "plain": Filters(),
    "rank": Filters(rank=3, units=4, memory=5, activation=0, zero_points=(3, 0, 9)),
    "batch": Filters(batch=3, rank=2),
    "no memory": Filters(memory=1),
    "saturated": Filters(scales=(0.9, 0.4, 0.003, 0.00003, 0.03), memory=7),
    "wraps": Filters(scales=(0.9, 0.4, 0.003, 0.00003, 0.03), memory=9, rank=4, seed=5),
    "coarse": Filters(scales=(0.05, 0.01, 0.003, 0.004, 30.0)),
    "fine": Filters(scales=(0.05, 0.01, 0.003, 0.004, 0.00001)),
    "ties": Filters(batch=3, units=9, rank=3, memory=3, state="int8", zero_points=(0, 0, 0), activation=0, seed=82),
    "bytes": Filters(state="int8", scales=(0.05, 0.01, 0.01, 0.05, 0.03)),
    "bytes with a zero point": Filters(
        state="int8", scales=(0.3, 0.02, 0.01, 0.05, 0.9), zero_points=(5, 19, 0), activation=0
    ),
    "bytes in rows": Filters(
        state="int8", batch=2, rank=2, scales=(0.3, 0.02, 0.01, 0.05, 0.9), zero_points=(5, -100, -128)
    ),
}  # fmt: skip


def subject(name: str, filters: Filters, cases: int = CASES) -> Subject:
    """Return a layer with a stream of inputs: noise, and the extremes.

    tflite-runtime 2.14 is no witness: it multiplies scales in single precision, which moves ties.
    """
    noise = np.random.default_rng(3).integers(-128, 128, (cases, 1, filters.batch * filters.inputs))
    noise[cases // 2], noise[cases // 2 + 1] = -128, 127
    return Subject(name, filters.model(), noise.astype(np.int8), witnessed=False)


def test_exact_over_a_stream(tflm: RuntimeWorker) -> None:
    check_exact([subject(*one) for one in TABLE.items()], tflm, None, [SIZE_SANITISED], VARIANTS[2:])


def test_exact_where_sizes_are_constants(tflm: RuntimeWorker) -> None:
    chosen = [subject(name, TABLE[name]) for name in ("rank", "bytes in rows")]
    check_exact(chosen, tflm, None, [SPEED], VARIANTS[1:2])


@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_exact_for_random_shapes(data: st.DataObject, tflm: RuntimeWorker) -> None:
    def draw(low: int, high: int) -> int:
        return data.draw(st.integers(low, high))

    filters = Filters(
        batch=draw(1, 3), inputs=draw(1, 20), units=draw(1, 9), rank=draw(1, 3), memory=draw(1, 12),
        state=data.draw(st.sampled_from(["int8", "int16"])), zero_points=(draw(-128, 127), 0, draw(-128, 127)),
        activation=0, seed=draw(0, 99),
    )  # fmt: skip
    assert not find_truth(subject("random", filters), tflm, None).complaints


def test_a_batch_of_states_is_reset_to_the_zero_point() -> None:
    (kept,) = read_graph(parse_tflite(TABLE["bytes with a zero point"].model())).variables

    assert kept.name == "memory"
    assert kept.in_place
    assert (kept.first == 19).all()


def operands(model: Any) -> list[Any]:
    """Return the tensors of the model's only SVDF."""
    graph = model.subgraphs[0]
    return [graph.tensors[index] for index in next(one for one in graph.operators if len(one.inputs) == 5).inputs]


def options(model: Any) -> Any:
    return next(one for one in model.subgraphs[0].operators if len(one.inputs) == 5).builtinOptions


def without_bias(model: Any) -> None:
    operator = next(one for one in model.subgraphs[0].operators if len(one.inputs) == 5)
    operator.inputs = [*operator.inputs[:3], -1, operator.inputs[4]]


def three_inputs(model: Any) -> None:
    operator = next(one for one in model.subgraphs[0].operators if len(one.inputs) == 5)
    operator.inputs = operator.inputs[:3]


def set_(place: int, name: str, value: Any) -> Callable[[Any], None]:
    return lambda model: setattr(operands(model)[place], name, value)


def scaled(place: int, scale: float) -> Callable[[Any], None]:
    return lambda model: setattr(operands(model)[place].quantization, "scale", [scale])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (three_inputs, "has 3 inputs, needed are 5"),
        (without_bias, "has no bias, which TFLM needs"),
        (set_(4, "isVariable", False), "its state 'memory' is no variable"),
        (set_(4, "shape", [1, 21]), r"the state has shape \[1, 21\], needed is \[1, 20\]"),
        (set_(4, "type", 9), "the state is int8 and the time weights int16"),
        (set_(4, "type", 2), "its state 'memory' is int32"),
        (set_(3, "shape", [1, 5]), "the bias .* with 1 axes"),
        (scaled(3, 1.0), "the bias has not the scale of the products"),
        (lambda model: setattr(options(model), "rank", 2), "5 filters can't be 2 to a unit"),
        (lambda model: setattr(options(model), "rank", 0), "5 filters can't be 0 to a unit"),
        (lambda model: setattr(options(model), "fusedActivationFunction", 3), "fused activation 3"),
        (
            lambda model: setattr(operands(model)[4].quantization, "zeroPoint", [3]),
            "'memory' is int16 and has the zero point 3",
        ),
        (lambda model: setattr(model.subgraphs[0], "outputs", [6]), "is an input or output and the state"),
    ],
)
def test_refused(change: Callable[[Any], None], said: str) -> None:
    assert_refused(edited(TABLE["plain"].model(), change), said)


def test_refuses_a_relu_that_tflm_leaves_out() -> None:
    assert_refused(Filters(zero_points=(0, 0, 5)).model(), "that begins below 0")
