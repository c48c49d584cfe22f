"""Models whose outputs depend on the inputs before: traced in one state, and each operator's error its own."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edgemnist.mismatch.compare import Oracle
from edgemnist.mismatch.dump import DumpSource
from edgemnist.mismatch.explanation import OperatorRow, SourceExplanation
from edgemnist.mismatch.run import SourceFindings, compare_all
from edgemnist.mismatch.sources import Fed, RuntimeSource, Tensors
from edgemnist.runner.client import RuntimeWorker, runtime_worker
from edgemnist.support.errors import EdgeMnistError
from edgemnist.support.progress import progress_task
from edgemnist.tflite.file import TfliteModel, parse_tflite
from tests.compiler.model_builder import ModelBuilder, edited
from tests.oracles import needs

pytestmark = needs("tflm", "tflite-runtime-reference")

IMAGES = 20
DENSE, SVDF = 0, 1


def _svdf(dense_bias: int = 0, svdf_bias: int = 0) -> bytes:
    """A dense layer, an SVDF that remembers four inputs, a dense layer."""
    draw, builder = np.random.default_rng(3), ModelBuilder()
    image = builder.input((1, 12), scale=0.05, zero_point=3)

    def layer(source: int, size: int, bias: int) -> int:
        weights = builder.constant(draw.integers(-127, 128, (10, size)), 0.01)
        values = draw.integers(-900, 900, 10)
        values[0] += bias
        return builder.op("FULLY_CONNECTED", [source, weights, builder.constant(values, 0.0005, dtype="int32")],
                          (1, 10), 0.05, -4)  # fmt: skip

    first = layer(image, 12, dense_bias)
    feature = builder.constant(draw.integers(-127, 128, (10, 10)), 0.01)
    time = builder.constant(draw.integers(-20000, 20000, (10, 4)), 2.0**-15, dtype="int16")
    bias = builder.constant(draw.integers(-2000, 2000, 10) + svdf_bias, 0.004 * 2.0**-15, dtype="int32")
    state = builder.tensor((1, 40), 0.004, dtype="int16", variable=True, name="memory")
    svdf = builder.op("SVDF", [first, feature, time, bias, state], (1, 10), 0.08, 5, version=3, rank=1,
                      fused_activation_function=1)  # fmt: skip
    return builder.finish([layer(svdf, 10, 0)])


def _variables(dense_bias: int = 0) -> bytes:
    """A variable to which a dense layer's output is added at each input: read first, written last."""
    draw, builder = np.random.default_rng(4), ModelBuilder()
    image = builder.input((1, 6), scale=0.05, zero_point=3)
    builder.multi_op("CALL_ONCE", [], [], init_subgraph_index=1)
    handle = builder.op("VAR_HANDLE", [], (), None, dtype="resource", shared_name="sum")
    before = builder.op("READ_VARIABLE", [handle], (1, 6), 0.2, 1)
    values = draw.integers(-900, 900, 6)
    values[0] += dense_bias
    constants = builder.constant(draw.integers(-90, 91, (6, 6)), 0.01), builder.constant(values, 5e-4, dtype="int32")
    dense = builder.op("FULLY_CONNECTED", [image, *constants], (1, 6), 0.05, -4)
    added = builder.op("ADD", [before, dense], (1, 6), 0.2, 1)
    builder.multi_op("ASSIGN_VARIABLE", [handle, added], [])
    zero = builder.constant(np.ones((1, 6)), 0.2, 1)
    content = builder.finish([added], subgraphs=2)

    def apart(model: Any) -> None:
        main, first = model.subgraphs
        assign = copy.copy(main.operators[-1])
        assign.inputs = [handle, zero]
        first.operators = [main.operators[1], assign]
        first.inputs, first.outputs = [], []

    return edited(content, apart)


class Changed(RuntimeSource):
    """A runtime that has other constants in the file."""

    def __init__(self, worker: RuntimeWorker, content: bytes) -> None:
        super().__init__(worker)
        self._content = parse_tflite(content)

    def trace(self, model: TfliteModel, inputs: Sequence[NDArray[Any]], first: int) -> Tensors:
        """Return the tensors of the other file."""
        return super().trace(self._content, inputs, first)

    def alone(self, fed: Sequence[Fed]) -> list[list[NDArray[Any]] | EdgeMnistError]:
        """Return what the other file's operators make."""
        return super().alone([replace(one, operator=replace(one.operator, model=self._content)) for one in fed])


def compared(content: bytes, tflm: RuntimeWorker, source: RuntimeSource) -> SourceFindings:
    model = parse_tflite(content)
    inputs = np.random.default_rng(0).integers(-128, 128, (IMAGES, *model.input().shape)).astype(np.int8)
    with progress_task("test") as task:
        _, (found,) = compare_all(Oracle(model, RuntimeSource(tflm)), [source], [inputs], task)
    assert not found.failure
    return found


@pytest.fixture(scope="module")
def other() -> Iterator[RuntimeWorker]:
    """Return a second TFLM: the other runtimes round an SVDF otherwise."""
    with runtime_worker("tflm") as worker:
        yield worker


def test_a_state_goes_on_from_image_to_image(tflm: RuntimeWorker, witness: RuntimeWorker) -> None:
    found = compared(_variables(), tflm, RuntimeSource(witness))
    assert not any(one.accumulated.differing for one in found.findings)
    assert not any(one.own is not None and one.own.differing for one in found.findings)


@pytest.mark.parametrize(
    ("changed", "index"), [({}, None), ({"dense_bias": 3000}, DENSE), ({"svdf_bias": 300000}, SVDF)]
)
def test_an_operator_with_a_state_has_an_error_of_its_own(
    changed: dict[str, int], index: int | None, tflm: RuntimeWorker, other: RuntimeWorker
) -> None:
    found = compared(_svdf(), tflm, Changed(other, _svdf(**changed)))
    own = [one.index for one in found.findings if one.own is not None and one.own.differing]
    assert own == [one for one in (index,) if one is not None]
    assert bool(found.findings[SVDF].accumulated.differing) == bool(changed)
    assert found.findings[SVDF].state == ("memory",)
    assert all(one.own is not None for one in found.findings)


def test_what_a_variable_brings_from_before_is_not_the_first(tflm: RuntimeWorker, witness: RuntimeWorker) -> None:
    found = compared(_variables(), tflm, Changed(witness, _variables(3000)))
    rows = tuple(
        OperatorRow(one.index, one.kind, "", (), one.accumulated, one.own, one.why_not_own, None, one.first_image)
        for one in found.findings
    )
    source = SourceExplanation("changed", "", rows, None, None, keeps_state=True)
    by_kind = {row.kind: row for row in rows}
    assert by_kind["READ_VARIABLE"].first_image == 1
    own = by_kind["READ_VARIABLE"].own
    assert own is not None
    assert (own.elements, own.differing) == (IMAGES * 6, 0)
    assert source.first is by_kind["FULLY_CONNECTED"]
    assert any("first at input 0" in sentence for sentence in source.sentences())
    assert [row.kind for row in rows if row.differs] == ["FULLY_CONNECTED"]


def test_a_variable_that_a_device_reads_wrong_is_told(tflm: RuntimeWorker) -> None:
    model = parse_tflite(_variables())
    inputs = np.random.default_rng(0).integers(-128, 128, (IMAGES, *model.input().shape)).astype(np.int8)
    tensors = {model.inputs[0]: inputs, **tflm.trace(model.content, [inputs])}
    read = next(one.outputs[0] for one in model.operators if one.kind == "READ_VARIABLE")
    tensors[read][[0, 7]] ^= 5
    with progress_task("test") as task:
        dump = DumpSource("board.txt", range(IMAGES), tensors)
        _, (found,) = compare_all(Oracle(model, RuntimeSource(tflm)), [dump], [inputs], task)
    own = {one.kind: one.own.differing for one in found.findings if one.own is not None}
    assert own == {"READ_VARIABLE": 6, "FULLY_CONNECTED": 0, "ADD": 12}
