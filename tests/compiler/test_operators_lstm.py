"""UNIDIRECTIONAL_SEQUENCE_LSTM: exact over a stream, states included; refused where TFLM has no such layer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgemnist import cli
from edgemnist.compiler.memory import plan
from edgemnist.compiler.ops.sigmoid_table import sigmoid_of, tanh_of
from edgemnist.compiler.run_text import state_bytes
from edgemnist.runner import RuntimeWorker
from tests.compiler.bench import SIZE_SANITISED, SPEED, VARIANTS, Variant, build_program, check_exact, find_truth
from tests.compiler.lstm_nets import Cells, stream_of
from tests.compiler.model_builder import edited
from tests.compiler.operators import assert_exact_at_limits, assert_refused

TABLE = {
    "plain": Cells(),
    "one step": Cells(steps=1),
    "one unit": Cells(inputs=1, units=1),
    "batch": Cells(batch=3, steps=2),
    "batch, time major": Cells(batch=3, steps=2, time_major=True),
    "time major": Cells(time_major=True),
    "wide": Cells(inputs=3, units=14, steps=3),
    "clipped": Cells(clip=0.7, cell=2.0**-15),
    "clipped to nothing": Cells(clip=1e-6),
    "fine cells": Cells(cell=2.0**-15, weights=0.2),
    "coarse cells": Cells(cell=2.0**-4, steps=9),
    "coarsest cells": Cells(cell=1.0, steps=9),
    "finest cells": Cells(cell=2.0**-27),
    "saturated": Cells(source=(1.7, 100), weights=0.9, steps=7),
    "small": Cells(source=(0.0004, 100), weights=0.001),
    "fine output": Cells(hidden=(1 / 20000, -128)),
    "coarse output": Cells(hidden=(0.7, 127)),
    "ties": Cells(source=(0.05, 0), weights=0.01, hidden=(1 / 256, 0), cell=2.0**-13, inputs=20, units=20),
    "floats": Cells(dtype="float32"),
    "floats, clipped": Cells(dtype="float32", clip=0.4, batch=2),
    "floats, time major": Cells(dtype="float32", batch=2, time_major=True, inputs=2, units=9),
}


def test_exact_over_a_stream(tflm: RuntimeWorker) -> None:
    check_exact([stream_of(*one) for one in TABLE.items()], tflm, None, [SIZE_SANITISED], VARIANTS[2:])


def test_the_output_has_the_bytes_of_a_state_in_another_scale(
    tflm: RuntimeWorker, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Converters write such files of layers that are read in both directions."""
    plain = stream_of("another scale", TABLE["plain"])
    other = replace(plain, content=edited(plain.content, quantised(18, "scale", [0.5])))
    check_exact([other], tflm, None, [SIZE_SANITISED], VARIANTS[2:3])
    for subject, said in (plain, False), (other, True):
        path = tmp_path / "net.tflite"
        path.write_bytes(subject.content)
        assert cli.run(["codegen", str(path), "--target", "host", "--out", str(tmp_path / f"c_{said}")]) == 0
        assert ("scale not applied" in capsys.readouterr().out) == said


def test_exact_where_sizes_are_constants(tflm: RuntimeWorker) -> None:
    chosen = [stream_of(name, TABLE[name]) for name in ("clipped", "batch, time major", "floats, clipped")]
    check_exact(chosen, tflm, None, [SPEED], VARIANTS[1:2])


def test_exact_at_the_limits_of_overlap(tflm: RuntimeWorker) -> None:
    shapes = {name: TABLE[name] for name in ("plain", "wide", "batch", "floats")}
    assert_exact_at_limits({name: cells.model() for name, cells in shapes.items()}, tflm)


@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_exact_for_random_shapes(data: st.DataObject, tflm: RuntimeWorker) -> None:
    def draw(low: int, high: int) -> int:
        return data.draw(st.integers(low, high))

    cells = Cells(
        steps=draw(1, 5), batch=draw(1, 3), inputs=draw(1, 20), units=draw(1, 20), time_major=data.draw(st.booleans()),
        source=(data.draw(st.floats(1e-3, 2)), draw(-128, 127)),
        hidden=(data.draw(st.floats(1e-3, 0.1)), draw(-128, 127)),
        cell=2.0 ** draw(-15, -6), weights=data.draw(st.floats(1e-3, 0.3)), clip=draw(0, 9), seed=draw(0, 99),
    )  # fmt: skip
    assert not find_truth(stream_of("random", cells), tflm, None).complaints


def test_the_table_has_the_functions_values() -> None:
    arguments = np.arange(-32768, 32768)

    real = arguments / 2**12
    assert np.abs(sigmoid_of(arguments * 3) / 2**15 - 1 / (1 + np.exp(-real))).max() < 2e-4
    assert np.abs(tanh_of(arguments * 3) / 2**15 - np.tanh(real)).max() < 4e-4


def test_the_states_are_not_in_the_arena() -> None:
    program = build_program(replace(TABLE["plain"], steps=1).model(), Variant())

    assert [(one.name, one.first.nbytes) for one in program.graph.variables] == [("hidden", 5), ("cell", 10)]
    assert (program.graph.variables[0].first == 3).all()
    assert state_bytes(program) == 8 + 12
    assert plan(program).size == 16  # 6 bytes in, 5 out


def layer(model: Any) -> Any:
    return next(one for one in model.subgraphs[0].operators if len(one.inputs) == 24)


def tensor(model: Any, place: int) -> Any:
    return model.subgraphs[0].tensors[layer(model).inputs[place]]


def operand(place: int, value: int | None) -> Callable[[Any], None]:
    """Return a change that leaves an operand out, or takes another one in its place."""

    def change(model: Any) -> None:
        operator = layer(model)
        inputs = list(operator.inputs)
        inputs[place] = -1 if value is None else inputs[value]
        operator.inputs = inputs

    return change


def first_inputs(count: int) -> Callable[[Any], None]:
    return lambda model: setattr(layer(model), "inputs", layer(model).inputs[:count])


def set_(place: int, name: str, value: Any) -> Callable[[Any], None]:
    return lambda model: setattr(tensor(model, place), name, value)


def quantised(place: int, name: str, value: Any) -> Callable[[Any], None]:
    return lambda model: setattr(tensor(model, place).quantization, name, value)


def option(name: str, value: Any) -> Callable[[Any], None]:
    return lambda model: setattr(layer(model).builtinOptions, name, value)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (operand(9, 12), "has a peephole, which TFLM has not"),
        (operand(16, 1), "has a projection, which TFLM has not"),
        (operand(21, 12), "has layer normalisation, which TFLM has not"),
        (operand(1, None), "TFLM takes no coupled gates"),
        (operand(14, None), "a gate has no weights or bias"),
        (operand(18, None), "its state is absent"),
        (operand(19, 18), "its state 'hidden' is another one's too"),
        (operand(2, 19), "the forget gate's weights 'cell' must be a dense constant of int8"),
        (operand(0, 18), "reads 'hidden', which is the state of an operator"),
        (option("fusedActivationFunction", 1), "activation 1 is not tanh"),
        (option("cellClip", -1.0), "cell_clip is -1.0"),
        (option("cellClip", float("nan")), "cell_clip is nan"),
        (option("diagonalRecurrentTensors", True), "diagonal recurrent weights"),
        (option("timeMajor", True), r"'hidden' \(also 'cell'\) has shape \[1, 5\], needed is \[4, 5\]"),
        (set_(18, "isVariable", False), "its state 'hidden' is no variable"),
        (set_(19, "shape", [5]), r"'cell' has shape \[5\], needed is \[1, 5\]"),
        (set_(18, "shape", [5]), "needed are 3 and 2 axes"),
        (set_(3, "shape", [6, 5]), r"has shape \[6, 5\], needed is \[5, 6\]"),
        (set_(12, "shape", [1, 5]), "the input gate's bias .* with 1 axes"),
        (quantised(19, "scale", [0.001]), "needed is a power of two"),
        (quantised(19, "scale", [2.0]), "needed is a power of two"),
        (quantised(19, "zeroPoint", [1]), "'cell' is int16 and has the zero point 1"),
        (quantised(5, "zeroPoint", [1]), "need one scale and the zero point 0"),
        (quantised(4, "scale", [0.1] * 5), "need one scale and the zero point 0"),
        (lambda model: setattr(tensor(model, 4), "quantization", None), "the output gate's weights have no scale"),
        (first_inputs(20), "has 20 inputs, needed are 24"),
        (first_inputs(4), "its state is absent"),
    ],
)
def test_refused(change: Callable[[Any], None], said: str) -> None:
    assert_refused(edited(TABLE["plain"].model(), change), said)


def test_refuses_floats_with_other_states() -> None:
    assert_refused(edited(TABLE["floats"].model(), set_(19, "type", 7)), "'cell' is int16, needed is float32")
