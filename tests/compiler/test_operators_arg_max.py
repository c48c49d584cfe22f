"""ARG_MAX and ARG_MIN: exact along any axis, ties too; an int32 output of the generated C."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgemnist.compiler import lowering, memory, passes
from edgemnist.compiler.emit import EmitSettings, emit
from edgemnist.compiler.memory import plan
from edgemnist.compiler.ops.base import LoweringSettings
from edgemnist.compiler.reader import read_graph
from edgemnist.runner import RuntimeWorker
from edgemnist.tflite.file import parse_tflite
from tests.compiler.bench import SIZE_SANITISED, Network, Variant, build_program, run_networks
from tests.compiler.model_builder import ModelBuilder
from tests.compiler.operators import assert_exact, assert_reference_exact, assert_refused

Shape = tuple[int, ...]


def model(
    kind: str, shape: Shape, axis: int, dtype: str = "int32", out_shape: Shape | None = None, output_type: int = 2
) -> bytes:
    builder = ModelBuilder()
    image = builder.input(shape, 0.05, 3)
    shorter = shape[: axis % len(shape)] + shape[axis % len(shape) + 1 :]
    chosen = builder.constant([axis], dtype="int32")
    output = builder.op(kind, [image, chosen], out_shape or shorter, dtype=dtype, output_type=output_type)
    return builder.finish([output])


TABLE = {
    f"{kind}, {name}": model(kind, shape, axis)
    for kind in ("ARG_MAX", "ARG_MIN")
    for name, shape, axis in (
        ("classes", (1, 10), 1),
        ("one class", (1, 1), -1),
        ("channels", (1, 3, 4, 5), 3),
        ("rows", (1, 3, 4, 5), 1),
        ("long", (1, 900), 1),
    )
}


def test_exact(tflm: RuntimeWorker, witness: RuntimeWorker) -> None:
    assert_exact(TABLE, tflm, witness)


@settings(deadline=None, derandomize=True, max_examples=40)
@given(st.data())
def test_everywhere(tflm: RuntimeWorker, data: st.DataObject) -> None:
    shape = (1, *data.draw(st.lists(st.integers(1, 6), min_size=1, max_size=3)))
    axis = data.draw(st.integers(1, len(shape) - 1))

    assert_reference_exact(model(data.draw(st.sampled_from(["ARG_MAX", "ARG_MIN"])), shape, axis), tflm)


def test_the_c_has_an_int32_output_without_a_scale() -> None:
    graph = passes.optimise(read_graph(parse_tflite(TABLE["ARG_MAX, classes"])))
    program = lowering.lower(graph, LoweringSettings())
    header = emit(program, memory.plan(program), EmitSettings(name="net", command="test"))["net.h"]

    assert "int32_t output[NET_OUTPUT_SIZE]" in header
    assert "NET_INPUT_SCALE" in header
    assert "NET_OUTPUT_SCALE" not in header


def test_int32_is_not_quantised() -> None:
    builder = ModelBuilder()
    content = builder.finish([builder.op("QUANTIZE", [builder.input((1, 4), None, dtype="int32")], (1, 4), 0.1)])

    assert_refused(content, "is int32, needed is int8")


REFUSED = {
    "another type": (model("ARG_MAX", (1, 4), 1, dtype="int16"), "is int16, needed is int32 or int64"),
    "no type": (model("ARG_MIN", (1, 4), 1, output_type=-1), "output_type is -1, which is no type"),
    "an option of another type": (model("ARG_MAX", (1, 4), 1, output_type=4), "its option says another type"),
    "another shape": (model("ARG_MAX", (1, 4, 3), 1, out_shape=(1, 4)), "the file says"),
}


@pytest.mark.parametrize("name", list(REFUSED))
def test_refused(name: str) -> None:
    assert_refused(*REFUSED[name])


def test_refuses_an_axis_that_is_not_there() -> None:
    builder = ModelBuilder()
    image, axis = builder.input((1, 4), 0.05), builder.constant(np.array([2]), dtype="int32")

    assert_refused(
        builder.finish([builder.op("ARG_MAX", [image, axis], (1,), dtype="int32", output_type=2)]), "with 2 axes"
    )


@pytest.mark.parametrize("dtype", ["int8", "float32"])
def test_an_int64_output_is_that_of_tflite_runtime(dtype: str, witness: RuntimeWorker) -> None:
    """TFLM has none."""
    networks, wanted = [], []
    for kind in ("ARG_MAX", "ARG_MIN"):
        builder = ModelBuilder()
        image = builder.input((3, 5, 4), 0.1 if dtype == "int8" else None, dtype=dtype)
        output = builder.op(kind, [image, builder.constant([1], dtype="int32")], (3, 4), dtype="int64", output_type=4)
        content = builder.finish([output])
        images = np.random.default_rng(0).integers(-5, 5, (4, 3, 5, 4)).astype(dtype)
        program = build_program(content, Variant())
        networks.append((Network(program, plan(program)), [images]))
        wanted.append(witness.trace(content, [images])[output])

    for outcome, values in zip(run_networks(networks, SIZE_SANITISED), wanted, strict=True):
        assert not isinstance(outcome, str), outcome
        for _, found in outcome:
            np.testing.assert_array_equal(found, values)
